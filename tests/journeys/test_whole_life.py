"""A deploy's whole life: started in the form, begun by GitHub, carried out by the real workflow, steered by hand."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from phaseline.demo import Commands, watchable
from tests.journeys.expected import EIGHT, GOES_WELL
from tests.journeys.life import STARTED, Life, by_callbacks, follow, lived, statuses_shown
from tests.journeys.modal import SOON
from tests.journeys.steps import TO_DEPLOYING, TO_HEALTH_CHECKING, Steps
from tests.support.browser import Viewers, keep_screenshot

TO_THE_END: Steps = [(expected.status, expected.states) for expected in GOES_WELL]
AGAIN: Steps = (("health_checking", "PASSED PASSED PASSED ACTIVE"), ("succeeded", "PASSED PASSED PASSED PASSED"))


@pytest.fixture
async def life(tmp_path: Path, viewers: Viewers) -> AsyncIterator[Life]:
    async with lived(tmp_path, viewers) as living:
        yield living


async def test_a_deploy_is_started_watched_and_cancelled(life: Life) -> None:
    life.runner.commands = Commands(deploy="sleep 600")
    deploy_id, console = await life.begin_in_the_form("staging")
    modal = console.modal
    await follow(life.door, modal, TO_DEPLOYING)
    await console.confirm("cancel", "The wrong branch")
    await console.says("request", "The wrong branch")
    assert (await modal.read()).status == "deploying"  # GitHub is asked, and has not said that it is so
    await keep_screenshot(modal.page, "whole-life/cancel-requested")
    shown = await follow(life.door, modal, [("cancelled", "PASSED PASSED CANCELLED NOT_REPORTED")])
    assert (shown.outcome, shown.pill) == ("CANCELLED", "Cancelled")
    await life.runner.over()

    await life.github_has_ended(deploy_id, (1, "cancelled"))
    assert await life.log(deploy_id) == [
        STARTED,
        *by_callbacks(status for status, _ in TO_DEPLOYING),
        ("OPERATOR", "CANCEL_REQUESTED", "deploying", 1),
        *by_callbacks(["cancelled"]),
    ]
    await life.is_shown_whole(modal, deploy_id)
    assert await statuses_shown(modal) == ["queued", *(status for status, _ in TO_DEPLOYING), "cancelled"]
    commit = life.stage.github.repository.refs["refs/heads/main"]
    inputs = {"environment": "staging", "ref": "refs/heads/main", "commit": commit, "console_deploy_id": deploy_id}
    assert [asked["inputs"] for asked in life.dispatched()] == [inputs]
    assert life.stage.github.times("POST", "/cancel") == 1
    assert life.runner.began == [((await life.stage.run_of(deploy_id)).id, 1)]
    await keep_screenshot(modal.page, "whole-life/cancelled")


async def test_a_deploy_fails_has_its_failed_jobs_run_again_and_succeeds(life: Life) -> None:
    life.runner.commands = watchable(0, fail="health")
    deploy_id, console = await life.begin_in_the_form("staging")
    modal = console.modal
    shown = await follow(life.door, modal, (*TO_HEALTH_CHECKING, ("failed", "PASSED PASSED PASSED FAILED")))
    assert (shown.outcome, shown.attempt) == ("FAILED", 1)
    await life.runner.over()  # until then GitHub would refuse
    await life.github_has_ended(deploy_id, (1, "failure"))

    life.runner.commands = Commands()
    await console.confirm("rerun", "The database was slow")
    shown = await follow(life.door, modal, AGAIN)
    assert (shown.outcome, shown.attempt) == ("SUCCEEDED", 2)
    assert list(shown.attempts.values()) == ["1", "1", "1", "2"]
    await life.runner.over()

    await life.github_has_ended(deploy_id, (1, "failure"), (2, "success"))
    assert await life.log(deploy_id) == [
        STARTED,
        *by_callbacks([*EIGHT[:7], "failed"]),
        ("OPERATOR", "RERUN_REQUESTED", "failed", 1),
        *by_callbacks(EIGHT[6:], attempt=2),
    ]
    await life.is_shown_whole(modal, deploy_id)
    assert await statuses_shown(modal) == ["queued", *EIGHT[:7], "failed", *EIGHT[6:]]
    run = await life.stage.run_of(deploy_id)
    assert life.runner.began == [(run.id, 1), (run.id, 2)]
    assert (len(life.dispatched()), life.stage.github.times("POST", "/rerun-failed-jobs")) == (1, 1)
    await keep_screenshot(modal.page, "whole-life/run-again")


async def test_a_deploy_waits_for_its_environment_and_goes_when_the_one_before_it_has_ended(life: Life) -> None:
    first_id, first = await life.begin_in_the_form("production")
    await follow(life.door, first.modal, TO_THE_END[:5])
    second_id, second = await life.begin_in_the_form("production")
    third_id, third = await life.begin_in_the_form("production")
    await second.says("queue-place", "1st in its queue")
    await third.says("queue-place", "2nd in its queue")
    await keep_screenshot(third.page, "whole-life/waiting")

    # One leaves the queue. GitHub has nothing to do with it: it was never asked for a run.
    await second.confirm("cancel", "It is in the third as well")
    await expect(second.modal.host).to_have_attribute("data-status", "cancelled", timeout=SOON)
    assert (await second.modal.read()).states == "NOT_REPORTED NOT_REPORTED NOT_REPORTED NOT_REPORTED"
    await third.says("queue-place", "1st in its queue")
    assert [asked["inputs"]["console_deploy_id"] for asked in life.dispatched()] == [first_id]
    await follow(life.door, first.modal, TO_THE_END[5:])
    shown = await follow(life.door, third.modal, TO_THE_END)
    assert shown.outcome == "SUCCEEDED"
    await life.runner.over()

    for deploy_id, console in ((first_id, first), (third_id, third)):
        await life.github_has_ended(deploy_id, (1, "success"))
        assert await life.log(deploy_id) == [STARTED, *by_callbacks(EIGHT)]
        await life.is_shown_whole(console.modal, deploy_id)
        assert await statuses_shown(console.modal) == ["queued", *EIGHT]
    assert await life.log(second_id) == [STARTED, ("OPERATOR", "TRANSITION", "cancelled", 1)]
    assert await statuses_shown(second.modal) == ["queued", "cancelled"]
    assert [asked["inputs"]["console_deploy_id"] for asked in life.dispatched()] == [first_id, third_id]
    assert life.stage.github.times("POST", "/cancel") == 0
