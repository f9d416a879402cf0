"""Signing in and out, as people do it; and what the page shows to whom."""

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.journeys.axe import objections, open_for_axe
from tests.journeys.console import ConsolePage
from tests.support.browser import Viewers, keep_screenshot
from tests.support.caller import Caller
from tests.support.command import phaseline
from tests.support.logins import OPERATOR, TOOL, VIEWER, WORKFLOW
from tests.support.server import Server, serving

# What Chromium logs by itself of an answer with such a status, however well the page takes it.
REFUSED = r"Failed to load resource: the server responded with a status of (401|403)"
WRONG = OPERATOR[:-1] + "x"


async def test_a_deploys_address_leads_to_the_sign_in_and_a_token_leads_on_to_the_deploy(
    server: Server, caller: Caller, viewers: Viewers
) -> None:
    deploy = await caller.start()
    address = f"{server.url}/deploys/{deploy['id']}"
    console = ConsolePage(await viewers.open(address, signed_in=False))
    await expect(console.token).to_be_focused()
    await expect(console.token).to_have_attribute("type", "password")
    await expect(console.dialog).to_be_hidden()
    assert deploy["environment"] not in await console.page.locator("body").inner_text()
    await keep_screenshot(console.page, "sign-in")
    await console.sign_in(OPERATOR)
    assert (await console.modal.at("queued", 1)).connection == "live"
    await expect(console.caller).to_contain_text("token:operator")
    assert console.page.url == address
    (cookie,) = await console.page.context.cookies()
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == ("phaseline", True, "Strict")
    kept = "JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}, location.href])"
    assert OPERATOR not in await console.page.evaluate(kept) + await console.page.content()
    assert cookie["value"] not in await console.page.evaluate(kept)
    await console.page.reload()
    assert (await console.modal.at("queued", 1)).connection == "live"


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("nonsense", "This is no token of this server's"),
        (WRONG, "This is no token of this server's"),
        (WORKFLOW, "This token is for programs, and not for a browser"),
    ],
    ids=["nonsense", "mistyped", "a workflow's"],
)
async def test_a_wrong_token_is_said_to_be_one_beside_the_field(
    server: Server, viewers: Viewers, token: str, said: str
) -> None:
    viewers.tolerate(REFUSED)
    console = ConsolePage(await viewers.open(server.url, signed_in=False))
    await console.sign_in(token)
    await expect(console.page.get_by_role("alert").first).to_contain_text(said)
    await expect(console.token).to_have_attribute("aria-invalid", "true")
    await expect(console.token).to_have_accessible_description(re.compile(f"^{said}"))
    await expect(console.token).to_be_focused()
    await keep_screenshot(console.page, "sign-in-refused")
    assert await console.page.context.cookies() == []
    await console.press("End", "Backspace")
    await expect(console.token).to_have_attribute("aria-invalid", "false")
    await console.sign_in(OPERATOR)
    await expect(console.caller).to_contain_text("token:operator")


async def test_a_viewer_sees_every_deploy_and_nothing_that_would_start_one(
    server: Server, caller: Caller, viewers: Viewers
) -> None:
    deploy = await caller.start()
    console = ConsolePage(await viewers.open(server.url, signed_in=False))
    await console.sign_in(VIEWER)
    await expect(console.caller).to_have_text(re.compile(r"token:viewer\s+Viewer"))
    await console.link(deploy["id"]).click()
    assert (await console.modal.at("queued", 1)).connection == "live"
    await console.press("Escape")
    await expect(console.dialog).to_be_hidden()
    await expect(console.rows.first).to_be_visible()
    await expect(console.button("Start a deploy")).to_have_count(0)
    await expect(console.page.locator("phaseline-start-form")).to_have_count(0)
    await keep_screenshot(console.page, "signed-in-viewer")


async def test_a_tool_is_told_that_the_deploys_are_not_for_it(server: Server, viewers: Viewers) -> None:
    console = ConsolePage(await viewers.open(server.url, signed_in=False))
    await console.sign_in(TOOL)
    await expect(console.page.get_by_text("You may not see the deploys")).to_be_visible()
    await keep_screenshot(console.page, "signed-in-tool")
    await console.button("Sign out").click()
    await expect(console.token).to_be_focused()


async def test_signing_out_leaves_nothing_behind_and_ends_the_cookie_itself(
    server: Server, caller: Caller, viewers: Viewers
) -> None:
    deploy = await caller.start()
    console = ConsolePage(await viewers.open(server.url, signed_in=False))
    await console.sign_in(OPERATOR)
    await expect(console.link(deploy["id"])).to_be_visible()
    (cookie,) = await console.page.context.cookies()
    await keep_screenshot(console.page, "signed-in-operator")
    await console.button("Sign out").click()
    await expect(console.token).to_be_focused()
    await expect(console.rows).to_have_count(0)
    assert await console.page.context.cookies() == []
    # Whoever has taken a copy of it has nothing.
    await console.page.context.add_cookies([{"name": cookie["name"], "value": cookie["value"], "url": server.url}])
    await console.page.reload()
    await expect(console.token).to_be_visible()


async def test_a_sign_out_that_has_not_come_through_says_so_and_is_sent_again(server: Server, viewers: Viewers) -> None:
    viewers.tolerate(r"Failed to load resource: net::ERR_FAILED")
    console = ConsolePage(await viewers.open(server.url, signed_in=False))
    await console.sign_in(OPERATOR)
    await console.page.route("**/sign-out", lambda route: route.abort())
    await console.button("Sign out").click()
    notice = console.page.get_by_role("alert")
    await expect(notice).to_contain_text("You may still be signed in: signing out is not confirmed.")
    await expect(console.caller).to_contain_text("token:operator")
    await keep_screenshot(console.page, "sign-out-not-confirmed")
    await console.page.unroute("**/sign-out")
    await notice.get_by_role("button", name="Try again").click()
    await expect(console.token).to_be_focused()
    await expect(notice).to_have_count(0)
    assert await console.page.context.cookies() == []


async def test_an_operator_of_one_environment_finds_it_filled_in(server: Server, viewers: Viewers) -> None:
    role = ("--role", "operator", "--environment", "staging", "--name", "stager")
    token = phaseline(server.database, "token", "create", *role).stdout.strip()
    console = ConsolePage(await viewers.open(server.url, signed_in=False))
    await console.sign_in(token)
    await console.button("Start a deploy").first.click()
    await expect(console.form.get_by_label("Environment")).to_have_value("staging")
    await expect(console.form.get_by_label("Ref")).to_be_focused()
    await keep_screenshot(console.page, "start-form-one-environment")
    await console.page.keyboard.type("v1")
    await console.press("Enter")
    await console.modal.at("queued", 1)
    await expect(console.modal.part("environment")).to_have_text("staging")


async def test_where_authentication_is_off_nobody_is_asked_to_sign_in(database: Path, viewers: Viewers) -> None:
    async with serving(database, authentication="off") as server, Caller(server.url) as caller:
        deploy = await caller.start()
        console = ConsolePage(await viewers.open(server.url, signed_in=False))
        await console.link(deploy["id"]).click()
        assert (await console.modal.at("queued", 1)).connection == "live"
        await console.press("Escape")
        await expect(console.button("Start a deploy")).to_be_visible()
        await expect(console.caller).to_have_count(0)
        await expect(console.token).to_have_count(0)
        await keep_screenshot(console.page, "authentication-off")


async def test_axe_finds_nothing_in_the_sign_in_and_in_what_each_role_sees(
    server: Server, caller: Caller, viewers: Viewers
) -> None:
    viewers.tolerate(REFUSED)
    await caller.start()
    console = ConsolePage(await open_for_axe(viewers, server.url, signed_in=False))
    await expect(console.token).to_be_visible()
    assert await objections(console.page) == []
    await console.sign_in("nonsense")
    await expect(console.token).to_have_attribute("aria-invalid", "true")
    assert await objections(console.page) == []
    for token in (VIEWER, TOOL):
        await console.sign_in(token)
        await expect(console.caller).to_be_visible()
        assert await objections(console.page) == []
        await console.button("Sign out").click()
        await expect(console.token).to_be_focused()
