"""axe-core finds nothing in the console page and in the modal, in each of their states, in light and dark."""

import pytest
from playwright.async_api import expect

from tests.journeys.axe import objections, open_for_axe
from tests.journeys.console import ConsolePage
from tests.journeys.modal import Modal
from tests.support.browser import OUTAGE, Viewers, keep_screenshot
from tests.support.caller import Caller
from tests.support.server import Server
from tests.support.wire import wire_to

REFUSED = r"Failed to load resource: the server responded with a status of 400"
TO_HEALTH = (
    "smoke_running",
    "smoke_passed",
    "freeze_checking",
    "freeze_passed",
    "building",
    "deploying",
    "health_checking",
)


async def test_axe_finds_nothing_in_the_console_empty_filled_or_with_its_form_in_error(
    own_server: Server, own_caller: Caller, viewers: Viewers
) -> None:
    viewers.tolerate(REFUSED)
    console = ConsolePage(await open_for_axe(viewers, own_server.url))
    await expect(console.page.get_by_text("No deploys yet")).to_be_visible()
    assert await objections(console.page) == []
    await own_caller.walk((await own_caller.start())["id"], "building", "deploying", "succeeded")
    await own_caller.walk((await own_caller.start())["id"], "smoke_running", "failed")
    await own_caller.walk((await own_caller.start())["id"], "cancelled")
    await own_caller.start()
    await console.button("Refresh").click()
    await expect(console.rows).to_have_count(4)
    assert await objections(console.page) == []
    await console.button("Start a deploy").click()
    await console.form.get_by_label("Environment").fill("x" * 65)
    await console.form.get_by_label("Ref").fill("main")
    await console.press("Enter")
    await expect(console.form.get_by_role("alert").first).to_be_visible()
    assert await objections(console.page) == []


@pytest.mark.parametrize(
    "statuses",
    [
        (),
        TO_HEALTH,
        (*TO_HEALTH, "succeeded"),
        ("smoke_running", "failed"),
        (*TO_HEALTH[:6], "cancelled"),
        ("smoke_running", "building", "deploying", "succeeded"),
    ],
    ids=["queued", "in progress", "succeeded", "failed", "cancelled", "not reported"],
)
async def test_axe_finds_nothing_in_the_modal(
    server: Server, caller: Caller, viewers: Viewers, statuses: tuple[str, ...]
) -> None:
    deploy = await caller.start(note="A note")
    for status in statuses:
        await caller.report(deploy["id"], status, runUrl="https://ci.example/1", message=f"This is {status}")
    modal = Modal(await open_for_axe(viewers, f"{server.url}/deploys/{deploy['id']}"))
    await modal.at(statuses[-1] if statuses else "queued", 1 + len(statuses))
    assert await objections(modal.page) == []


async def test_axe_finds_nothing_in_the_modal_with_refusals_and_a_second_attempt(
    server: Server, caller: Caller, viewers: Viewers
) -> None:
    deploy = await caller.start()
    await caller.walk(deploy["id"], *TO_HEALTH, "failed")
    await caller.walk(deploy["id"], "health_checking", attempt=2)
    for status, attempt in (("deploying", 2), ("no_such_status", 2), ("cancelled", 1)):
        assert (await caller.report(deploy["id"], status, attempt)).status == 422
    modal = Modal(await open_for_axe(viewers, f"{server.url}/deploys/{deploy['id']}"))
    await modal.at("health_checking", 13)
    assert await objections(modal.page) == []
    await keep_screenshot(modal.page, "refusals-dark")


async def test_axe_finds_nothing_in_the_modal_that_knows_no_such_deploy_or_has_lost_its_connection(
    server: Server, caller: Caller, viewers: Viewers
) -> None:
    viewers.tolerate(OUTAGE)
    deploy = await caller.start()
    await caller.walk(deploy["id"], "smoke_running")
    unknown = Modal(await open_for_axe(viewers, f"{server.url}/deploys/unknown"))
    await unknown.connection("closed")
    assert await objections(unknown.page) == []
    async with wire_to(server.url) as wire:
        lost = Modal(await open_for_axe(viewers, f"{wire.url}/deploys/{deploy['id']}"))
        await lost.at("smoke_running", 2)
    await lost.connection("lost")
    assert await objections(lost.page) == []
    await keep_screenshot(lost.page, "lost-dark")
