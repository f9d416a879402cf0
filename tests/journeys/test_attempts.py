"""GitHub's "Re-run failed jobs": the same run as attempt 2, which starts where attempt 1 failed."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from phaseline.demo import watchable
from tests.journeys.conftest import OpenModal, StartWorkflow
from tests.journeys.door import Door
from tests.journeys.steps import TO_DEPLOYING, TO_HEALTH_CHECKING, Steps, walk
from tests.support.browser import keep_screenshot
from tests.support.caller import Caller
from tests.workflow.rerun import rerun_of_failed_jobs


@pytest.mark.parametrize(
    ("gate", "first", "passed", "second", "attempts"),
    [
        (
            "health",
            (*TO_HEALTH_CHECKING, ("failed", "PASSED PASSED PASSED FAILED")),
            ["smoke", "freeze-check", "deploy"],
            (("health_checking", "PASSED PASSED PASSED ACTIVE"), ("succeeded", "PASSED PASSED PASSED PASSED")),
            ["1", "1", "1", "2"],
        ),
        (
            "deploy",
            (*TO_DEPLOYING, ("failed", "PASSED PASSED FAILED NOT_REPORTED")),
            ["smoke", "freeze-check"],
            (
                ("building", "PASSED PASSED ACTIVE PENDING"),
                ("deploying", "PASSED PASSED ACTIVE PENDING"),
                ("health_checking", "PASSED PASSED PASSED ACTIVE"),
                ("succeeded", "PASSED PASSED PASSED PASSED"),
            ),
            ["1", "1", "2", "2"],
        ),
    ],
    ids=["health check", "deploy"],
)
async def test_a_rerun_goes_on_where_it_failed_and_each_step_says_which_attempt_it_passed_in(
    caller: Caller,
    door: Door,
    open_modal: OpenModal,
    start_workflow: StartWorkflow,
    tmp_path: Path,
    gate: str,
    first: Steps,
    passed: list[str],
    second: Steps,
    attempts: list[str],
) -> None:
    deploy = await caller.start()
    modal = await open_modal(deploy)
    run = start_workflow(deploy, door.url, run_id="7001", commands=watchable(0, fail=gate))
    shown = await walk(door, modal, first)
    assert (shown.attempt, set(shown.attempts.values()) - {"1", None}) == (1, set())
    assert await run != 0

    workflow = rerun_of_failed_jobs(tmp_path / "deploy-console.yml", passed=passed)
    run = start_workflow(deploy, door.url, run_id="7001", attempt=2, workflow=workflow)
    shown = await walk(door, modal, second[:1], after=1 + len(first))
    assert shown.announced.startswith("Attempt 2. ")
    shown = await walk(door, modal, second[1:], after=2 + len(first))
    assert await run == 0
    assert (shown.outcome, shown.attempt) == ("SUCCEEDED", 2)
    assert list(shown.attempts.values()) == attempts
    assert await modal.part("step-attempt").all_inner_texts() == ["in attempt 1"] * attempts.count("1")
    await expect(modal.part("run").get_by_role("link")).to_have_attribute(
        "href", r"https://github.com/example/console/actions/runs/7001/attempts/2"
    )
    told = [(entry["toStatus"], entry["attempt"]) for entry in await caller.entries(deploy["id"])]
    assert told == [
        ("queued", 1),
        *((status, 1) for status, _ in first),
        *((status, 2) for status, _ in second),
    ]
    await keep_screenshot(modal.page, f"attempt-2-after-{gate}")
