"""The modal in a stranger's page: one script, one tag, on another origin."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.journeys.modal import Modal
from tests.support.browser import OUTAGE, Viewers, keep_screenshot
from tests.support.caller import Caller
from tests.support.logins import OPERATOR, TOOL, VIEWER
from tests.support.server import Server, serving

# The browser also has this server's cookie, which is not for pages of other origins: what they see, the property gives.
AUTHORIZATION = f"async () => 'Bearer {VIEWER}'"

PAGE = """<!doctype html>
<html lang="en">
<head><title>A team's own page</title><link rel="icon" href="data:,"></head>
<body>
<h1>Our releases</h1>
<script type="module" src="{server}/phaseline-modal.js"></script>
<phaseline-deploy-modal deploy-id="{deploy}" open></phaseline-deploy-modal>
<script type="module">
  document.querySelector("phaseline-deploy-modal").authorization = {authorization};
</script>
</body>
</html>
"""


def page_of(server: Server, deploy_id: str, authorization: str = AUTHORIZATION) -> str:
    """A page that holds the modal of a deploy; `authorization` is what it gives it, as JavaScript."""
    return PAGE.format(server=server.url, deploy=deploy_id, authorization=authorization)


class Site:
    """Another site, which serves one page at every address."""

    def __init__(self) -> None:
        self.origin = ""
        self.page = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request."""
        if await reader.read(65_536):
            body = self.page.encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}"
            writer.write(f"{head}\r\nConnection: close\r\n\r\n".encode() + body)
            await writer.drain()
        writer.close()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """Another site, on an origin of its own."""
    elsewhere = Site()
    listening = await asyncio.start_server(elsewhere.answer, "127.0.0.1", 0)
    elsewhere.origin = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    yield elsewhere
    listening.close()


async def test_a_page_of_an_allowed_origin_shows_the_modal_live(site: Site, database: Path, viewers: Viewers) -> None:
    async with serving(database, allowed_origins=site.origin) as server, Caller(server.url) as caller:
        deploy = await caller.start("staging", "v7")
        site.page = page_of(server, deploy["id"])
        modal = Modal(await viewers.open(site.origin))
        await modal.at("queued", 1)
        await caller.walk(deploy["id"], "smoke_running", "smoke_passed")
        shown = await modal.at("smoke_passed", 3)
        assert (shown.connection, shown.states) == ("live", "PASSED PENDING PENDING PENDING")
        assert shown.pill == "Smoke gate passed"
        await keep_screenshot(modal.page, "embedded")
        await modal.page.keyboard.press("Escape")
        await expect(modal.part("dialog")).to_be_hidden()


async def test_a_page_of_any_other_origin_is_told_that_it_cannot_connect(
    site: Site, database: Path, viewers: Viewers
) -> None:
    viewers.tolerate(OUTAGE, r"blocked by CORS policy")
    async with serving(database, allowed_origins="https://elsewhere.example") as server, Caller(server.url) as caller:
        deploy = await caller.start("staging", "v7")
        site.page = page_of(server, deploy["id"])
        modal = Modal(await viewers.open(site.origin))
        await modal.connection("lost")
        await expect(modal.part("lost")).to_contain_text("No connection.")
        await expect(modal.part("lost")).to_contain_text("The server could not be reached.")
        await expect(modal.part("lost")).to_contain_text("Nothing has been received yet.")
        await expect(modal.part("connection")).to_have_text("No connection")
        await expect(modal.part("origin-hint")).to_contain_text(site.origin)
        await expect(modal.part("origin-hint")).to_contain_text("PHASELINE_ALLOWED_ORIGINS")
        await expect(modal.part("step")).to_have_count(0)
        await keep_screenshot(modal.page, "embedded-not-allowed")


@pytest.mark.parametrize("deploy_id", ["x" * 65, "a&#1;b"], ids=["too long", "with a control character"])
async def test_an_id_that_no_deploy_can_have_is_said_not_to_be_found(
    site: Site, database: Path, viewers: Viewers, deploy_id: str
) -> None:
    async with serving(database, allowed_origins=site.origin) as server:
        site.page = page_of(server, deploy_id)
        modal = Modal(await viewers.open(site.origin))
        await modal.connection("closed")
        await expect(modal.host).to_have_attribute("data-failure", "BAD_USER_INPUT")
        await expect(modal.part("not-found")).to_contain_text("There is no deploy with this id.")
        assert (await modal.read()).announced == "There is no deploy with this id."


async def test_the_browsers_cookie_is_not_for_a_page_of_another_origin_be_it_allowed_and_the_property_is(
    site: Site, database: Path, viewers: Viewers
) -> None:
    async with serving(database, allowed_origins=site.origin) as server, Caller(server.url) as caller:
        deploy = await caller.start("staging", "v7")
        site.page = page_of(server, deploy["id"], "null")
        modal = Modal(await viewers.open(site.origin))
        await expect(modal.part("failure")).to_contain_text("Not signed in. This page has to prove who you are.")
        await expect(modal.host).to_have_attribute("data-failure", "UNAUTHENTICATED")
        await keep_screenshot(modal.page, "embedded-without-proof")
        await modal.host.evaluate("(modal, token) => (modal.authorization = `Bearer ${token}`)", TOOL)
        await expect(modal.host).to_have_attribute("data-failure", "FORBIDDEN")
        await expect(modal.part("failure")).to_contain_text("You may not see this deploy.")
        await keep_screenshot(modal.page, "embedded-forbidden")
        await modal.host.evaluate("(modal, token) => (modal.authorization = `Bearer ${token}`)", VIEWER)
        assert (await modal.at("queued", 1)).connection == "live"
        html = await modal.page.content() + await modal.host.evaluate("(modal) => modal.shadowRoot.innerHTML")
        assert VIEWER not in html
        await modal.page.keyboard.press("Escape")
        await expect(modal.part("dialog")).to_be_hidden()


async def test_on_another_origin_only_whoever_the_property_proves_to_be_an_operator_steers_a_deploy(
    site: Site, database: Path, viewers: Viewers
) -> None:
    async with serving(database, allowed_origins=site.origin) as server, Caller(server.url) as caller:
        deploy = await caller.start("staging", "v7")
        site.page = page_of(server, deploy["id"])
        viewer = Modal(await viewers.open(site.origin))
        await viewer.at("queued", 1)
        site.page = page_of(server, deploy["id"], f"async () => 'Bearer {OPERATOR}'")
        operator = Modal(await viewers.open(site.origin))
        await operator.part("abandon").click()
        confirmation = operator.page.locator("phaseline-confirmation dialog")
        await confirmation.get_by_label("Reason").fill("Nobody reports on it any more")
        await operator.page.keyboard.press("Enter")
        assert (await operator.at("abandoned", 2)).outcome == "ABANDONED"
        await viewer.at("abandoned", 2)
        await expect(viewer.part("steering")).to_have_count(0)
        for modal in (viewer, operator):
            await modal.page.keyboard.press("Escape")
            await expect(modal.part("dialog")).to_be_hidden()
        [_, abandoned] = await caller.entries(deploy["id"])
    assert (abandoned["actor"], abandoned["message"]) == ("token:operator", "Nobody reports on it any more")
