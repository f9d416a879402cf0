"""What operators are told where a deploy moves while they make up their minds, or nobody knows what GitHub has done."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.journeys.modal import SOON
from tests.journeys.steering import Steered, Steering, steered
from tests.support.browser import Viewers, keep_screenshot
from tests.support.github.faults import failing
from tests.support.server import Server

REFUSED = r"Failed to load resource: the server responded with a status of [45]"


@pytest.fixture
async def stage(database: Path, tmp_path: Path) -> AsyncIterator[Steered]:
    """A server that asks a GitHub."""
    async with steered(database, tmp_path) as standing:
        yield standing


@pytest.fixture
def server(stage: Steered) -> Server:
    return stage.server


async def test_a_deploy_that_has_left_the_queue_meanwhile_is_not_cancelled_and_that_is_said(
    stage: Steered, viewers: Viewers
) -> None:
    viewers.tolerate(REFUSED)
    first = await stage.caller.start("production", "main")
    second = (await stage.caller.start("production", "main"))["id"]
    console = Steering(await viewers.open(stage.server.url))
    production = console.environment("production")
    await production.locator(f"[data-waiting='{second}']").get_by_role("button", name="Cancel").click()
    await console.asks.get_by_label("Reason").fill("not needed any more")
    await stage.caller.walk(first["id"], "building", "deploying", "succeeded")
    run = await stage.run_of(second)
    await console.press("Enter")
    await expect(console.asks).to_contain_text("This was not done. The deploy has moved on meanwhile.")
    await expect(production.locator(".in-progress")).to_contain_text("main")
    await expect(production.locator("[data-waiting]")).to_have_count(0)
    await expect(console.asks.get_by_role("button", name="Cancel the deploy")).to_be_disabled()
    await keep_screenshot(console.page, "steering-gone-meanwhile")
    assert not run.cancelling
    assert (await stage.caller.deploy(second))["status"]["outcome"] == "IN_PROGRESS"


async def test_a_question_that_does_not_hold_any_more_cannot_be_sent(stage: Steered, viewers: Viewers) -> None:
    console = Steering(await viewers.open(stage.server.url))
    deploy_id = await console.started("production", "main")
    await stage.run_of(deploy_id)
    await console.modal.part("cancel").click(timeout=SOON)
    await expect(console.asks).to_be_visible()
    await stage.caller.walk(deploy_id, "building")
    await expect(console.asks.locator(".deploy")).to_contain_text(": Building", timeout=SOON)
    await expect(console.asks.locator(".notice")).to_have_count(0)
    await stage.caller.walk(deploy_id, "deploying", "succeeded")
    await expect(console.asks.locator(".notice")).to_contain_text("The deploy has moved on meanwhile.", timeout=SOON)
    await expect(console.asks.get_by_role("button", name="Ask GitHub to cancel")).to_be_disabled()
    await keep_screenshot(console.page, "steering-question-moved")


async def test_what_nobody_knows_the_end_of_is_not_said_not_to_have_been_done(stage: Steered, viewers: Viewers) -> None:
    viewers.tolerate(REFUSED)
    console = Steering(await viewers.open(stage.server.url))
    deploy_id = await console.started("production", "main")
    await stage.github.runs.begin(await stage.run_of(deploy_id))
    await console.says("run-account", "in_progress")
    stage.github.faults.add(failing(), "POST", "/cancel")
    await console.confirm("cancel", "wrong ref")
    await expect(console.asks).to_contain_text("It is not known whether this was done. To do it again does no harm.")
    await keep_screenshot(console.page, "steering-cancel-unclear")
    await console.press("Escape")
    await console.says("request", "GitHub is not known to have done it:")
    await expect(console.modal.part("entry").first).to_contain_text(
        "GitHub is not known to have done what was requested"
    )
    await keep_screenshot(console.page, "steering-request-unclear")


async def test_nobody_is_told_that_a_run_is_looked_for_once_its_deploy_is_abandoned(
    stage: Steered, viewers: Viewers
) -> None:
    stage.github.faults.add(failing(), "POST", "/dispatches")
    console = Steering(await viewers.open(stage.server.url))
    await console.started("production", "main")
    await console.says("dispatch", "It is looked for there")
    await console.confirm("abandon", "nobody knows")
    await expect(console.modal.host).to_have_attribute("data-outcome", "ABANDONED", timeout=SOON)
    await console.says("dispatch", "It was never learned whether GitHub has begun the run.")
    await expect(console.modal.part("dispatch")).not_to_contain_text("looked for")
    await keep_screenshot(console.page, "steering-abandoned-unclear")
