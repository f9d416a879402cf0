"""GitHub's misfortunes while a deploy is under way: what callbacks say goes on being shown, and nothing is invented."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from phaseline.demo import Commands
from tests.journeys.expected import EIGHT, GOES_WELL
from tests.journeys.life import STARTED, Life, by_callbacks, follow, lived, statuses_shown
from tests.journeys.modal import SOON
from tests.journeys.steps import TO_HEALTH_CHECKING
from tests.support.browser import Viewers, keep_screenshot
from tests.support.github.faults import failing
from tests.support.github.hooks import Manner
from tests.support.waiting import until

# What the browser logs of a request that the server refuses because GitHub is away.
NOT_DONE = r"Failed to load resource: the server responded with a status of 503"


@pytest.fixture
async def life(tmp_path: Path, viewers: Viewers) -> AsyncIterator[Life]:
    async with lived(tmp_path, viewers) as living:
        living.stage.github.hooks.manner = Manner.NEVER
        yield living


async def test_a_run_that_dies_while_github_is_away_is_shown_as_github_tells_it_when_it_is_back(life: Life) -> None:
    life.viewers.tolerate(NOT_DONE)
    life.runner.commands = Commands(health_check="sleep 600")
    deploy_id, console = await life.begin_in_the_form("staging")
    modal = console.modal
    await follow(life.door, modal, TO_HEALTH_CHECKING[:4])
    await life.stage.github.away()
    before = await follow(life.door, modal, TO_HEALTH_CHECKING[4:])
    await until(lambda: any("GitHub does not tell" in line["event"] for line in life.stage.server.log))
    await console.confirm("cancel", "It hangs")
    await expect(console.asks).to_contain_text("GITHUB_UNAVAILABLE")
    await console.press("Escape")
    await console.says("request", "GitHub is not known to have done it")
    await life.runner.lose(await life.stage.run_of(deploy_id), "timed_out")

    # Nobody knows of it, and nobody guesses: the server has asked in vain meanwhile.
    shown = await modal.read()
    assert (shown.status, shown.states, shown.connection) == ("health_checking", before.states, "live")
    told = [
        STARTED,
        *by_callbacks(EIGHT[:7]),
        ("OPERATOR", "CANCEL_REQUESTED", "health_checking", 1),
        ("CONSOLE", "REQUEST_FAILED", "health_checking", 1),
    ]
    assert await life.log(deploy_id) == told
    await keep_screenshot(modal.page, "whole-life/github-away")

    await life.stage.github.back()
    await expect(modal.host).to_have_attribute("data-status", "failed", timeout=SOON)
    shown = await modal.read()
    assert (shown.outcome, shown.states) == ("FAILED", "PASSED PASSED PASSED NOT_REPORTED")
    await life.github_has_ended(deploy_id, (1, "timed_out"))
    assert await life.log(deploy_id) == [*told, ("GITHUB", "TRANSITION", "failed", 1)]
    await life.is_shown_whole(modal, deploy_id)
    assert await statuses_shown(modal) == ["queued", *EIGHT[:7], "failed"]
    assert len(life.dispatched()) == 1
    assert {answer for delivery in life.stage.github.hooks.all for answer in delivery.answers} == set()
    await keep_screenshot(modal.page, "whole-life/github-back")


async def test_a_run_whose_beginning_github_does_not_confirm_is_not_begun_again_and_shows_itself(life: Life) -> None:
    github = life.stage.github
    github.faults.add(failing(done=True), "POST", "/dispatches")
    github.lag()  # so that it is not found there
    deploy_id, console = await life.begin_in_the_form("staging")
    await console.says("dispatch", "It is not known whether GitHub has begun the run.")
    await keep_screenshot(console.page, "whole-life/not-known")
    await follow(life.door, console.modal, [(expected.status, expected.states) for expected in GOES_WELL[:1]])
    await expect(console.modal.part("dispatch")).to_have_count(0, timeout=SOON)
    shown = await follow(life.door, console.modal, [(expected.status, expected.states) for expected in GOES_WELL[1:]])
    assert shown.outcome == "SUCCEEDED"
    await life.runner.over()

    await life.github_has_ended(deploy_id, (1, "success"))
    assert await life.log(deploy_id) == [
        STARTED,
        ("CONSOLE", "DISPATCH_UNCLEAR", "queued", 1),
        *by_callbacks(EIGHT),
    ]
    await life.is_shown_whole(console.modal, deploy_id)
    assert (len(life.dispatched()), len(github.repository.runs)) == (1, 1)
