"""The start form where the server says which environments there are."""

from collections.abc import AsyncIterator
from typing import Any, Literal

import pytest
from playwright.async_api import expect

from phaseline.callers import tokens
from phaseline.store import Store
from phaseline_schema.rights import Role
from tests.journeys.axe import objections, open_for_axe
from tests.journeys.console import ConsolePage
from tests.journeys.test_appearance import wider_than_the_screen
from tests.support.browser import Viewers, keep_screenshot
from tests.support.caller import Caller
from tests.support.server import Server, serving

FILE = """
[environments.staging]
repository = "octo-org/console"
workflow = ".github/workflows/deploy-console.yml"
refs = ["refs/heads/*"]
commits = true

[environments.production]
repository = "octo-org/console"
workflow = ".github/workflows/deploy-console.yml"
refs = ["refs/heads/main", "refs/heads/release/*", "refs/tags/v*"]
protected = true
url = "https://console.example"
"""
REFUSED = r"Failed to load resource: the server responded with a status of 400"


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server that says which environments there are."""
    folder = tmp_path_factory.mktemp("environments")
    (folder / "environments.toml").write_text(FILE)
    async with serving(folder / "phaseline.db", environments_file=str(folder / "environments.toml")) as running:
        yield running


@pytest.fixture
async def caller(server: Server) -> AsyncIterator[Caller]:
    async with Caller(server.url) as calling:
        yield calling


async def _opened(viewers: Viewers, server: Server, **options: Any) -> ConsolePage:
    console = ConsolePage(await viewers.open(server.url, **options))
    await console.button("Start a deploy").first.click()
    await expect(console.form.get_by_label("Environment")).to_be_visible()
    return console


async def test_a_protected_environment_is_chosen_confirmed_and_started_with_the_keyboard_alone(
    server: Server, caller: Caller, viewers: Viewers
) -> None:
    console = await _opened(viewers, server)
    assert await console.focused() == "environment"
    await console.page.keyboard.type("prod")
    await expect(console.form.get_by_label("Environment")).to_have_value("production")
    await expect(console.form.get_by_text("May be deployed: main, release/*, v*.")).to_be_visible()
    await console.press("Tab")
    assert await console.focused() == "Open production"
    await console.press("Tab")
    await console.page.keyboard.type("v1.2")
    await console.press("Tab", "Tab")
    assert await console.focused() == "confirmation"
    await console.page.keyboard.type("staging")
    await console.press("Enter")
    await expect(console.form.get_by_text("This is not the name of production.")).to_be_visible()
    assert await console.focused() == "confirmation"
    await console.press("ControlOrMeta+a")
    await console.page.keyboard.type("production")
    await console.press("Enter")
    await console.modal.at("queued", 1)
    deploy = await caller.deploy(await console.modal.part("deploy-id").inner_text())
    assert (deploy["environment"], deploy["ref"]) == ("production", "v1.2")
    await console.press("Escape")
    await console.button("Start a deploy").first.click()
    await expect(console.form.get_by_label("Environment")).to_have_value("")
    await expect(console.form.get_by_label("Confirmation")).to_have_count(0)


async def test_a_ref_that_may_not_be_deployed_is_objected_to_beside_its_field(server: Server, viewers: Viewers) -> None:
    viewers.tolerate(REFUSED)
    console = await _opened(viewers, server)
    await console.form.get_by_label("Environment").select_option("production")
    await console.form.get_by_label("Ref").fill("topic")
    await console.form.get_by_label("Confirmation").fill("production")
    await console.press("Enter")
    await expect(console.form.get_by_role("alert").first).to_contain_text("Ref may not be deployed to this environment")
    await expect(console.form.get_by_label("Ref")).to_be_focused()
    await keep_screenshot(console.page, "environments-ref-refused")


async def test_where_somebody_may_not_deploy_cannot_be_chosen_and_says_so(server: Server, viewers: Viewers) -> None:
    store = Store(server.database_url)
    _, token = await store.write(
        lambda connection: tokens.create(connection, "stager", Role.OPERATOR, {"staging"}, None)
    )
    await store.close()
    console = ConsolePage(await viewers.open(server.url, signed_in=False))
    await console.sign_in(token)
    await console.button("Start a deploy").first.click()
    await expect(console.form.get_by_label("Environment")).to_have_value("staging")
    option = console.form.get_by_role("option", name="production (protected, you may not deploy to it)")
    await expect(option).to_be_disabled()
    assert await console.focused() == "ref"
    await keep_screenshot(console.page, "environments-one-of-two")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_form_keeps_to_the_scheme_and_axe_finds_nothing(
    server: Server, viewers: Viewers, scheme: Literal["light", "dark"]
) -> None:
    console = ConsolePage(await open_for_axe(viewers, server.url))
    await console.button("Start a deploy").first.click()
    await console.form.get_by_label("Environment").select_option("production")
    await console.form.get_by_label("Confirmation").fill("staging")
    await console.form.get_by_label("Ref").fill("main")
    assert await objections(console.page) == []
    await console.press("Enter")
    await expect(console.form.get_by_role("alert").first).to_be_visible()
    assert await objections(console.page) == []
    await console.page.emulate_media(color_scheme=scheme)
    await keep_screenshot(console.page, f"environments-{scheme}")


async def test_at_320_pixels_nothing_of_the_form_is_wider_than_the_screen(server: Server, viewers: Viewers) -> None:
    console = await _opened(viewers, server, viewport={"width": 320, "height": 720})
    await console.form.get_by_label("Environment").select_option("production")
    await expect(console.form.get_by_label("Confirmation")).to_be_visible()
    assert await wider_than_the_screen(console.page) == []
    await keep_screenshot(console.page, "environments-320px")
