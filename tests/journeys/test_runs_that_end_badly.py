"""The real workflow where a gate fails, or somebody cancels it."""

import asyncio

import pytest
from playwright.async_api import expect

from phaseline.demo import Commands, watchable
from tests.journeys.conftest import OpenModal, StartWorkflow
from tests.journeys.door import Door
from tests.journeys.steps import TO_DEPLOYING, TO_HEALTH_CHECKING, Steps, walk
from tests.support.browser import keep_screenshot
from tests.support.caller import Caller


@pytest.mark.parametrize(
    ("gate", "steps", "message"),
    [
        (
            "smoke",
            (TO_DEPLOYING[0], ("failed", "FAILED NOT_REPORTED NOT_REPORTED NOT_REPORTED")),
            "failed in smoke",
        ),
        (
            "health",
            (*TO_HEALTH_CHECKING, ("failed", "PASSED PASSED PASSED FAILED")),
            "failed in health-check",
        ),
    ],
    ids=["smoke gate", "health check"],
)
async def test_a_gate_that_fails_shows_as_failed_and_what_never_began_as_not_reported(
    caller: Caller,
    door: Door,
    open_modal: OpenModal,
    start_workflow: StartWorkflow,
    gate: str,
    steps: Steps,
    message: str,
) -> None:
    deploy = await caller.start()
    modal = await open_modal(deploy)
    run = start_workflow(deploy, door.url, commands=watchable(0, fail=gate))
    shown = await walk(door, modal, steps)
    assert (shown.outcome, shown.current) == ("FAILED", [])
    await expect(modal.part("entry").first).to_contain_text(message)
    assert await run != 0
    assert [entry["toStatus"] for entry in await caller.entries(deploy["id"])] == [
        "queued",
        *(status for status, _ in steps),
    ]
    await keep_screenshot(modal.page, f"failed-{gate}")


async def test_a_run_cancelled_in_mid_deploy_shows_the_deploy_as_cancelled(
    caller: Caller, door: Door, open_modal: OpenModal, start_workflow: StartWorkflow
) -> None:
    deploy = await caller.start()
    modal = await open_modal(deploy)
    run = start_workflow(deploy, door.url, commands=Commands(deploy="sleep 600"))
    await walk(door, modal, TO_DEPLOYING)
    run.cancel()
    shown = await walk(door, modal, [("cancelled", "PASSED PASSED CANCELLED NOT_REPORTED")], after=7)
    assert (shown.outcome, shown.pill) == ("CANCELLED", "Cancelled")
    assert shown.announced == "Deploy: Cancelled. Health check: Not reported. Status: Cancelled."
    with pytest.raises(asyncio.CancelledError):
        await run
    assert [passed.status for passed in door.passed][-2:] == ["deploying", "cancelled"]
    await keep_screenshot(modal.page, "cancelled")
