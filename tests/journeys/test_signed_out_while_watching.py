"""A sign-in that ends while a deploy is watched: what was shown stays, and after the next one nothing is missing."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.journeys.axe import objections, open_for_axe
from tests.journeys.console import ConsolePage
from tests.journeys.modal import KEEP_WHAT_WAS_SHOWN, SOON
from tests.support.browser import Viewers, keep_screenshot, moving
from tests.support.caller import Caller
from tests.support.logins import OPERATOR, VIEWER
from tests.support.server import PHASELINE, Server, serving

STATUSES = ("smoke_running", "smoke_passed", "freeze_checking", "freeze_passed")


@pytest.fixture
async def server(database: Path) -> AsyncIterator[Server]:
    """A server that looks often whose sign-in was ended."""
    async with serving(database, poll_seconds="0.2") as running:
        yield running


@pytest.fixture
async def deploy(caller: Caller) -> dict[str, Any]:
    """One whose smoke gate has passed."""
    started = await caller.start()
    await caller.walk(started["id"], *STATUSES[:2])
    return started


async def watch(page: Page, server: Server, deploy: dict[str, Any]) -> ConsolePage:
    """Its modal, live; the page keeps what it shows."""
    await page.add_init_script(KEEP_WHAT_WAS_SHOWN)
    await page.goto(f"{server.url}/deploys/{deploy['id']}")
    console = ConsolePage(page)
    assert (await console.modal.at("smoke_passed", 3)).connection == "live"
    return console


async def says_signed_out(console: ConsolePage) -> None:
    """Wait until the modal says so, with all that it has shown."""
    modal = console.modal
    await modal.connection("closed")
    await expect(modal.host).to_have_attribute("data-failure", "UNAUTHENTICATED")
    await expect(modal.part("failure")).to_contain_text("Signed out. What is shown here is no longer followed.")
    await expect(modal.part("last-confirmed")).to_contain_text("Last confirmed: entry 3, Smoke gate passed, recorded ")
    shown = await modal.read()
    assert (shown.status, shown.states) == ("smoke_passed", "PASSED PENDING PENDING PENDING")
    assert shown.announced == "Signed out. Last confirmed: entry 3."
    assert await moving(console.page) == []


async def goes_on(console: ConsolePage, caller: Caller, deploy: dict[str, Any], token: str) -> None:
    """Sign in again over the modal, while the deploy has gone on: nothing of it is missing."""
    await caller.walk(deploy["id"], *STATUSES[2:])
    assert (await console.modal.read()).newest == 3
    await console.modal.part("sign-in").click()
    dialog = await give_again(console, token)
    assert (await console.modal.at("freeze_passed", 5)).connection == "live"
    await expect(dialog).to_be_hidden()
    await expect(console.modal.part("failure")).to_have_count(0)
    shown = await console.modal.ever_shown()
    assert (shown[0], shown[-1]) == (("smoke_passed", 3), ("freeze_passed", 5))
    assert shown == sorted(set(shown), key=lambda pair: pair[1]), "it never went back, nor began anew"


async def give_again(console: ConsolePage, token: str) -> Locator:
    """Give a token to the sign-in that has opened over another dialog, and return that one."""
    dialog = console.page.get_by_role("dialog", name="Sign in again")
    await expect(dialog.get_by_label("Token")).to_be_focused()
    await keep_screenshot(console.page, "signing-in-again")
    await console.page.keyboard.type(token)
    await console.press("Enter")
    return dialog


async def test_signing_out_in_one_tab_is_told_in_the_other_which_goes_on_after_the_next_sign_in(
    server: Server, caller: Caller, viewers: Viewers, deploy: dict[str, Any]
) -> None:
    console = await watch(await viewers.blank(), server, deploy)
    other = ConsolePage(await console.page.context.new_page())
    await other.page.goto(server.url)
    await other.button("Sign out").click()
    await expect(other.token).to_be_visible()
    await says_signed_out(console)
    await keep_screenshot(console.page, "signed-out-while-watching")
    await goes_on(console, caller, deploy, VIEWER)
    await expect(other.caller).to_contain_text("token:viewer")
    await expect(other.rows.first).to_be_visible()


async def test_a_token_that_is_revoked_ends_what_is_watched_with_it_and_signs_nobody_in_any_more(
    server: Server, caller: Caller, viewers: Viewers, deploy: dict[str, Any]
) -> None:
    viewers.tolerate(r"Failed to load resource: the server responded with a status of 401")
    token = await phaseline(server, "token", "create", "--role", "viewer", "--name", "night-watch")
    page = await viewers.open(f"{server.url}/deploys/{deploy['id']}", signed_in=False)
    await ConsolePage(page).sign_in(token)
    await expect(ConsolePage(page).caller).to_contain_text("token:night-watch")
    console = await watch(page, server, deploy)
    sockets: list[object] = []
    page.on("websocket", lambda socket: sockets.append(socket))
    await phaseline(server, "token", "revoke", "night-watch")
    await says_signed_out(console)
    await console.modal.part("sign-in").click()
    dialog = await give_again(console, token)
    await expect(dialog.get_by_role("alert")).to_contain_text("This token is no longer good: it was ended")
    assert sockets == [], "it has not knocked again by itself"
    await console.press("Escape")
    await goes_on(console, caller, deploy, OPERATOR)


async def test_a_sign_in_that_expires_ends_what_is_watched(
    server: Server, caller: Caller, viewers: Viewers, deploy: dict[str, Any]
) -> None:
    page = await viewers.blank()
    with closing(sqlite3.connect(server.database, timeout=30)) as connection, connection:
        soon = datetime.now(UTC) + timedelta(seconds=8)
        connection.execute("UPDATE sign_ins SET expires_at = ?", [str(soon).removesuffix("+00:00")])
    console = await watch(page, server, deploy)
    await expect(console.modal.part("failure")).to_be_visible(timeout=3 * SOON)
    await says_signed_out(console)
    await goes_on(console, caller, deploy, OPERATOR)


async def test_who_closes_the_modal_first_finds_the_sign_in_and_nothing_that_was_for_somebody_else(
    server: Server, caller: Caller, viewers: Viewers, deploy: dict[str, Any]
) -> None:
    console = await watch(await viewers.blank(), server, deploy)
    await end_the_sign_in(server)
    await says_signed_out(console)
    await console.press("Escape")
    await expect(console.dialog).to_be_hidden()
    await expect(console.token).to_be_focused()
    assert await console.rows.count() == await console.caller.count() == 0
    assert await console.button("Start a deploy").count() == 0
    await keep_screenshot(console.page, "signed-out-and-modal-closed")
    await console.sign_in(OPERATOR)
    await console.link(deploy["id"]).click()
    assert (await console.modal.at("smoke_passed", 3)).connection == "live"


async def test_a_deploy_that_was_being_filled_in_when_the_sign_in_ended_can_be_started_after_the_next(
    server: Server, viewers: Viewers
) -> None:
    viewers.tolerate(r"Failed to load resource: the server responded with a status of 401")
    console = ConsolePage(await viewers.open(server.url))
    await console.button("Start a deploy").first.click()
    await console.form.get_by_label("Environment").fill("production")
    await console.form.get_by_label("Ref").fill("v1")
    await end_the_sign_in(server)
    await console.press("Enter")
    await expect(console.form).to_contain_text("The deploy was not started.")
    dialog = await give_again(console, OPERATOR)
    await expect(dialog).to_be_hidden()
    await console.form.get_by_role("button", name="Start deploy").click()
    await console.modal.at("queued", 1)
    await expect(console.modal.part("ref")).to_have_text("v1")


async def test_axe_finds_nothing_in_a_modal_that_is_no_longer_followed_nor_in_the_sign_in_over_it(
    server: Server, viewers: Viewers, deploy: dict[str, Any]
) -> None:
    console = ConsolePage(await open_for_axe(viewers, f"{server.url}/deploys/{deploy['id']}"))
    await console.modal.at("smoke_passed", 3)
    await end_the_sign_in(server)
    await console.modal.connection("closed")
    assert await objections(console.page) == []
    await keep_screenshot(console.page, "signed-out-while-watching-dark")
    await console.modal.part("sign-in").click()
    await expect(console.page.get_by_role("dialog", name="Sign in again").get_by_label("Token")).to_be_focused()
    assert await objections(console.page) == []
    await keep_screenshot(console.page, "signing-in-again-dark")


async def end_the_sign_in(server: Server) -> None:
    """As signing out elsewhere does."""
    with closing(sqlite3.connect(server.database, timeout=30)) as connection, connection:
        now = str(datetime.now(UTC)).removesuffix("+00:00")
        connection.execute("UPDATE sign_ins SET ended_at = ?", [now])


async def phaseline(server: Server, *arguments: str) -> str:
    """What the command prints; it has to succeed."""
    environment = {"PATH": os.defpath, "PHASELINE_DATABASE_URL": server.database_url}
    process = await asyncio.create_subprocess_exec(
        PHASELINE, *arguments, env=environment, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode().strip()
