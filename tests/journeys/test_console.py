"""The console page, as an operator uses it."""

import re

import pytest
from playwright.async_api import Route, expect

from tests.journeys.console import ConsolePage
from tests.support.browser import OUTAGE, Viewers, keep_screenshot
from tests.support.caller import Caller
from tests.support.server import Server

# What Chromium logs by itself of an answer with such a status, however well the page takes it.
REFUSED = r"Failed to load resource: the server responded with a status of 400"


async def test_an_operator_starts_the_first_deploy_with_the_keyboard_alone(
    own_server: Server, own_caller: Caller, viewers: Viewers
) -> None:
    console = ConsolePage(await viewers.open(own_server.url))
    page = console.page
    await expect(page.get_by_text("No deploys yet")).to_be_visible()
    await keep_screenshot(page, "console-empty")
    await console.press("Tab")
    assert await console.focused() == "Start a deploy"
    await console.press("Enter")
    await expect(console.form).to_be_visible()
    assert await console.focused() == "environment"
    await page.keyboard.type("production")
    await console.press("Tab")
    assert await console.focused() == "ref"
    await page.keyboard.type("v1.2.3")
    await console.press("Tab")
    assert await console.focused() == "note"
    await page.keyboard.type("Ticket 4711")
    await console.press("Enter")

    await expect(console.form).to_be_hidden()
    shown = await console.modal.at("queued", 1)
    assert shown.connection == "live"
    await expect(console.modal.part("environment")).to_have_text("production")
    await expect(console.modal.part("ref")).to_have_text("v1.2.3")
    await expect(console.modal.part("entry")).to_contain_text("Ticket 4711")
    deploy_id = await console.modal.part("deploy-id").inner_text()
    assert page.url == f"{own_server.url}/deploys/{deploy_id}"
    assert (await own_caller.deploy(deploy_id))["ref"] == "v1.2.3"

    await console.press("Escape")
    await expect(console.dialog).to_be_hidden()
    await expect(page).to_have_url(f"{own_server.url}/")
    await expect(console.link(deploy_id)).to_be_focused()
    await console.press("Enter")
    await expect(console.dialog).to_be_visible()
    assert page.url == f"{own_server.url}/deploys/{deploy_id}"


async def test_what_the_server_objects_to_is_said_by_the_field_and_gone_with_the_next_letter(
    server: Server, viewers: Viewers
) -> None:
    viewers.tolerate(REFUSED)
    console = ConsolePage(await viewers.open(server.url))
    await console.button("Start a deploy").first.click()
    environment = console.form.get_by_label("Environment")
    await environment.fill("x" * 65)
    await console.form.get_by_label("Ref").fill("main")
    await console.form.get_by_role("button", name="Start deploy").click()
    await expect(environment).to_have_attribute("aria-invalid", "true")
    await expect(environment).to_have_accessible_description(re.compile(r"^Environment .*more than 64"))
    await expect(console.form.get_by_role("alert").first).to_contain_text("BAD_USER_INPUT")
    await expect(environment).to_be_focused()
    await keep_screenshot(console.page, "console-form-error")
    await environment.press("End")
    await environment.press("Backspace")
    await expect(environment).to_have_attribute("aria-invalid", "false")
    await console.press("Enter")
    await expect(console.dialog).to_be_visible()


async def test_nothing_is_sent_while_a_required_field_is_empty(server: Server, viewers: Viewers) -> None:
    console = ConsolePage(await viewers.open(server.url))
    await console.button("Start a deploy").first.click()
    await console.form.get_by_role("button", name="Start deploy").click()
    assert await console.focused() == "environment"
    assert await console.form.get_by_label("Environment").evaluate("(field) => field.validity.valueMissing")
    await expect(console.form).to_be_visible()


async def test_a_start_whose_answer_is_lost_is_not_said_to_have_failed_and_the_list_shows_it(
    own_server: Server, viewers: Viewers
) -> None:
    viewers.tolerate(OUTAGE)
    console = ConsolePage(await viewers.open(own_server.url))

    async def lose(route: Route) -> None:
        if "startDeploy" in (route.request.post_data or ""):
            await route.fetch()
            await route.abort()
        else:
            await route.continue_()

    await console.page.route("**/graphql", lose)
    await console.button("Start a deploy").first.click()
    await console.form.get_by_label("Environment").fill("production")
    await console.form.get_by_label("Ref").fill("v1")
    await console.press("Enter")
    alert = console.form.get_by_role("alert")
    await expect(alert).to_contain_text("It is not known whether the deploy was started.")
    await expect(console.rows).to_have_count(1)
    await keep_screenshot(console.page, "console-start-unknown")


async def test_back_and_forward_at_once_leave_the_modal_open(server: Server, caller: Caller, viewers: Viewers) -> None:
    deploy = await caller.start()
    console = ConsolePage(await viewers.open(server.url))
    await console.link(deploy["id"]).click()
    await console.modal.at("queued", 1)
    address = console.page.url
    for pause in (0, 1, 2, 5, 10, 20, 50):
        await console.page.evaluate(
            """async (pause) => {
                const gone = () => new Promise((resolve) => addEventListener("popstate", resolve, { once: true }));
                for (const go of ["back", "forward"]) {
                    const there = gone();
                    history[go]();
                    await there;
                    if (pause) await new Promise((resolve) => setTimeout(resolve, pause));
                }
            }""",
            pause,
        )
        await console.page.wait_for_timeout(150)
        assert console.page.url == address
        await expect(console.dialog).to_be_visible()


async def test_a_row_opens_the_modal_at_its_own_address_and_back_and_forward_follow(
    server: Server, caller: Caller, viewers: Viewers
) -> None:
    deploy = await caller.start()
    console = ConsolePage(await viewers.open(server.url))
    page, address = console.page, f"{server.url}/deploys/{deploy['id']}"
    await console.link(deploy["id"]).click()
    await console.modal.at("queued", 1)
    assert page.url == address
    await console.modal.part("close").click()
    await expect(page).to_have_url(f"{server.url}/")
    await expect(console.link(deploy["id"])).to_be_focused()

    await page.go_back()
    await expect(page).to_have_url(address)
    await console.modal.at("queued", 1)
    await page.go_back()
    await expect(page).to_have_url(f"{server.url}/")
    await expect(console.dialog).to_be_hidden()
    await page.go_forward()
    await expect(page).to_have_url(address)
    await console.modal.at("queued", 1)
    await page.reload()
    await console.modal.at("queued", 1)
    await console.press("Escape")
    await expect(page).to_have_url(f"{server.url}/")
    await expect(console.link(deploy["id"])).to_be_focused()


@pytest.mark.parametrize("deploy_id", ["00000000-0000-4000-8000-000000000000", "no such deploy"])
async def test_an_unknown_id_is_said_not_to_be_found_and_is_not_tried_again(
    server: Server, viewers: Viewers, deploy_id: str
) -> None:
    console = ConsolePage(await viewers.open(f"{server.url}/deploys/{deploy_id}"))
    await expect(console.modal.part("not-found")).to_contain_text("There is no deploy with this id.")
    await expect(console.modal.part("not-found")).to_contain_text(deploy_id)
    await console.modal.connection("closed")
    assert await console.modal.part("step").count() == 0
    await keep_screenshot(console.page, "not-found")
    await console.press("Escape")
    await expect(console.button("Start a deploy").first).to_be_focused()
    await expect(console.dialog).to_be_hidden()


async def test_the_list_shows_the_newest_twenty_loads_more_and_filters(
    own_server: Server, own_caller: Caller, viewers: Viewers
) -> None:
    ids = [(await own_caller.start(f"env-{number % 2}", f"v{number}"))["id"] for number in range(45)]
    await own_caller.walk(ids[3], "building", "deploying", "succeeded")
    await own_caller.walk(ids[4], "building", "failed")
    console = ConsolePage(await viewers.open(own_server.url))
    await expect(console.rows).to_have_count(20)
    await expect(console.rows.first).to_contain_text("v44")
    await console.button("Load more").click()
    await expect(console.rows).to_have_count(40)
    await console.button("Load more").click()
    await expect(console.rows).to_have_count(45)
    await expect(console.button("Load more")).to_have_count(0)
    refs = [await row.locator("code").inner_text() for row in await console.rows.all()]
    assert refs == [f"v{number}" for number in reversed(range(45))]

    await console.page.get_by_label("Outcome").select_option("Succeeded")
    await expect(console.rows).to_have_count(1)
    await expect(console.rows).to_contain_text("v3")
    environment = console.page.get_by_role("search").get_by_label("Environment")
    await environment.fill("env-0")
    await environment.press("Enter")
    await expect(console.page.get_by_text("No deploy matches")).to_be_visible()
    await console.page.get_by_label("Outcome").select_option("Failed")
    await expect(console.rows).to_contain_text("v4")


async def test_the_focus_stays_in_the_modal_however_often_tab_is_pressed(
    server: Server, caller: Caller, viewers: Viewers
) -> None:
    deploy = await caller.start()
    await caller.report(deploy["id"], "building", runUrl="https://ci.example/runs/1")
    console = ConsolePage(await viewers.open(f"{server.url}/deploys/{deploy['id']}"))
    await console.modal.at("building", 2)
    assert await console.focused() == "title"
    visited = []
    for _ in range(6):
        await console.press("Tab")
        visited.append(await console.focused())
    behind = {"Start a deploy", "environment", "Refresh", deploy["id"]}
    assert {"Close"} < set(visited)
    assert not behind & set(visited)
    assert any(name.startswith("Open run") for name in visited)


async def test_the_modal_is_modal_again_wherever_its_page_puts_it(
    server: Server, caller: Caller, viewers: Viewers
) -> None:
    # Moved while it connects, it hangs up on a connection that is not made yet, and Chromium says so.
    viewers.tolerate("closed before the connection is established")
    deploy = await caller.start()
    page = await viewers.open(server.url)
    await page.evaluate(
        """(id) => {
            window.modal = document.createElement("phaseline-deploy-modal");
            [modal.id, modal.deployId, modal.open] = ["moved", id, true];
            window.there = document.body.appendChild(document.createElement("div"));
            document.body.append(modal);
        }""",
        deploy["id"],
    )
    dialog = page.locator("#moved [part=dialog]")
    modal = "() => window.modal.shadowRoot.querySelector('dialog').matches(':modal')"
    await page.wait_for_function(modal)
    for move in (
        "modal.remove(), there.append(modal)",
        "document.body.append(modal)",
        "there.append(modal), document.body.append(modal)",
        "modal.remove(), new Promise((done) => setTimeout(done, 100)).then(() => there.append(modal))",
    ):
        await page.evaluate(f"async () => void await ({move})")
        await page.wait_for_function(modal)
        await expect(page.locator("#moved")).to_have_attribute("data-connection", "live")
        await expect(page.locator("#moved [part=close]")).to_be_visible()
    # Outside the page it can be told anything; what holds is what it was told last.
    await page.evaluate("modal.remove()")
    for told in ("false", "true"):
        await page.evaluate(f"async () => {{ modal.open = {told}; await modal.updateComplete; }}")
    await page.evaluate("document.body.append(modal)")
    await page.wait_for_function(modal)
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()


async def test_the_focus_goes_on_to_the_first_entry_that_was_revealed(
    server: Server, caller: Caller, viewers: Viewers
) -> None:
    deploy = await caller.start()
    for _ in range(104):
        await caller.report(deploy["id"], "succeeded")
    console = ConsolePage(await viewers.open(f"{server.url}/deploys/{deploy['id']}"))
    await expect(console.modal.part("older")).to_have_text("Show 5 older entries")
    await console.modal.part("older").press("Enter")
    await expect(console.modal.part("entry")).to_have_count(105)
    revealed = console.page.locator("[part=entry][data-sequence='5']")
    await expect(revealed).to_be_focused()
    await expect(revealed).to_be_in_viewport()
