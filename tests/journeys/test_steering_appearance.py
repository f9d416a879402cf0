"""What steering looks like: axe finds nothing, and nothing is wider than the screen, in light, dark and on a phone."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import ViewportSize, expect

from tests.journeys.axe import SCHEMES, objections, open_for_axe
from tests.journeys.modal import SOON
from tests.journeys.steering import Steered, Steering, steered
from tests.journeys.test_appearance import wider_than_the_screen
from tests.support.browser import Viewers, keep_screenshot
from tests.support.github.faults import failing

REFUSED = r"Failed to load resource: the server responded with a status of 4"
WIDE, NARROW = ViewportSize(width=1180, height=900), ViewportSize(width=380, height=1400)


@pytest.fixture
async def stage(database: Path, tmp_path: Path) -> AsyncIterator[Steered]:
    """A server that asks a GitHub."""
    async with steered(database, tmp_path) as standing:
        yield standing


async def _console(stage: Steered, viewers: Viewers) -> Steering:
    viewers.tolerate(REFUSED)
    return Steering(await open_for_axe(viewers, stage.server.url))


async def _is_fine(console: Steering, name: str) -> None:
    """In every light and width."""
    page = console.page
    assert await objections(page) == []
    for width, viewport in (("wide", WIDE), ("narrow", NARROW)):
        await page.set_viewport_size(viewport)
        for scheme in SCHEMES:
            await page.emulate_media(color_scheme=scheme)
            assert await wider_than_the_screen(page) == []
            await keep_screenshot(page, f"steering-{name}-{width}-{scheme}")
    await page.set_viewport_size(WIDE)
    await page.emulate_media(forced_colors="active")
    await keep_screenshot(page, f"steering-{name}-forced-colours")
    await page.emulate_media(forced_colors="none")


async def test_the_environments_and_the_start_form_are_fine(stage: Steered, viewers: Viewers) -> None:
    before = await stage.caller.start("production", "main")
    await stage.caller.walk(before["id"], "building", "deploying", "succeeded")
    stage.github.repository.branch("release/2026.11-with-a-long-name", stage.github.repository.commit())
    await stage.caller.start("production", "release/2026.11-with-a-long-name")
    await stage.caller.start("production", "main")
    await stage.caller.start("production", "release/2026.11-with-a-long-name")
    await stage.caller.start("staging", "main")
    console = await _console(stage, viewers)
    await expect(console.environment("production").locator("[data-waiting]")).to_have_count(2)
    await _is_fine(console, "environments")
    await console.button("Start a deploy").first.click()
    await console.form.get_by_label("Environment").select_option("production")
    await console.form.get_by_label("Ref").fill("release/2026.11-with-a-long-name")
    await expect(console.form.locator("#ref-changes")).to_contain_text("ahead")
    await _is_fine(console, "form")
    await console.form.get_by_label("Environment").select_option("staging")
    await console.press("Enter")
    await console.form.get_by_role("button", name="Start deploy").click()
    await expect(console.form.locator(".notice")).to_contain_text("Another deploy is in progress")
    await _is_fine(console, "form-busy")


async def test_the_modal_of_a_deploy_that_waits_is_fine(stage: Steered, viewers: Viewers) -> None:
    await stage.caller.start("production", "main")
    console = await _console(stage, viewers)
    await console.started("production", "main")
    await console.says("queue-place", "1st in its queue")
    await _is_fine(console, "modal-waits")
    await console.modal.part("cancel").click()
    await console.press("Enter")
    await expect(console.asks.get_by_text("Say why.")).to_be_visible()
    await _is_fine(console, "confirmation")


async def test_the_modal_of_a_deploy_with_a_run_is_fine(stage: Steered, viewers: Viewers) -> None:
    console = await _console(stage, viewers)
    deploy_id = await console.started("production", "main")
    run = await stage.run_of(deploy_id)
    await stage.github.runs.wait(run, "production")
    await console.says("run-waits", "waiting")
    await _is_fine(console, "modal-approval")
    await console.confirm("cancel", "It is the wrong ref: release 2026.11 was meant, and not what is on main today")
    await console.says("request", "Cancellation asked for")
    await _is_fine(console, "modal-cancel-pending")
    await console.modal.part("abandon").click()
    await _is_fine(console, "confirmation-abandon")
    await stage.github.runs.end(run, "failure")
    await expect(console.modal.host).to_have_attribute("data-status", "failed", timeout=SOON)
    await expect(console.asks.locator(".notice")).to_contain_text("The deploy has moved on meanwhile.")
    await _is_fine(console, "confirmation-moved")
    await console.press("Escape")
    await _is_fine(console, "modal-failed")


async def test_the_modal_of_a_deploy_of_whose_run_nobody_knows_is_fine(stage: Steered, viewers: Viewers) -> None:
    stage.github.faults.add(failing(), "POST", "/dispatches")
    console = await _console(stage, viewers)
    await console.started("production", "main")
    await console.says("dispatch", "It is not known")
    await _is_fine(console, "modal-unclear")
