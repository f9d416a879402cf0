"""What a page looks like: narrow screens, dark and light, and for those who asked for less motion."""

from typing import Literal

import pytest
from playwright.async_api import Page, expect

from tests.journeys.console import ConsolePage
from tests.support.browser import Viewers, keep_screenshot, moving
from tests.support.caller import Caller
from tests.support.server import Server

LONG = "a-branch-with-a-very-long-name-that-goes-on/" * 4


async def wider_than_the_screen(page: Page) -> list[str]:
    """Whatever reaches beyond the right edge of the screen and is not cut off on purpose."""
    return list(
        await page.evaluate("""() => {
            const wide = [];
            const look = (root) => {
                for (const element of root.querySelectorAll("*")) {
                    const { right, width } = element.getBoundingClientRect();
                    if (width > 1 && right > innerWidth + 0.5) wide.push(`${element.localName}.${element.className}`);
                    if (element.shadowRoot) look(element.shadowRoot);
                }
            };
            look(document);
            if (document.scrollingElement.scrollWidth > innerWidth) wide.push("the page itself");
            return wide;
        }""")
    )


async def test_at_320_pixels_nothing_is_wider_than_the_screen(server: Server, caller: Caller, viewers: Viewers) -> None:
    deploy = await caller.start("an-environment-with-a-long-name", LONG[:170], note="word " * 60)
    await caller.walk(deploy["id"], "smoke_running", "freeze_checking")
    await caller.report(deploy["id"], "a_status_that_nobody_knows_and_that_has_a_long_name")
    console = ConsolePage(await viewers.open(server.url, viewport={"width": 320, "height": 720}))
    await expect(console.rows.first).to_be_visible()
    assert await wider_than_the_screen(console.page) == []
    await keep_screenshot(console.page, "console-320px")
    await console.button("Start a deploy").first.click()
    await expect(console.form).to_be_visible()
    assert await wider_than_the_screen(console.page) == []
    await keep_screenshot(console.page, "console-form-320px")
    await console.press("Escape")
    await console.link(deploy["id"]).click()
    await console.modal.at("freeze_checking", 4)
    assert await wider_than_the_screen(console.page) == []
    await keep_screenshot(console.page, "modal-320px")


async def test_nothing_moves_for_whoever_asked_for_less_motion(
    server: Server, caller: Caller, viewers: Viewers
) -> None:
    deploy = await caller.start()
    await caller.walk(deploy["id"], "smoke_running")
    animated = ConsolePage(await viewers.open(f"{server.url}/deploys/{deploy['id']}", reduced_motion="no-preference"))
    await animated.modal.at("smoke_running", 2)
    assert await moving(animated.page), "otherwise this test could not fail"
    still = ConsolePage(await viewers.open(f"{server.url}/deploys/{deploy['id']}", reduced_motion="reduce"))
    await still.modal.at("smoke_running", 2)
    assert await moving(still.page) == []
    await still.press("Escape")
    await expect(still.rows.first).to_be_visible()
    assert await moving(still.page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_page_keeps_to_the_scheme_that_was_asked_for(
    own_server: Server, own_caller: Caller, viewers: Viewers, scheme: Literal["light", "dark"]
) -> None:
    for ref, statuses in {
        "v1": ("building", "deploying", "succeeded"),
        "v2": ("smoke_running", "failed"),
        "v3": ("smoke_running", "smoke_passed", "cancelled"),
        "v4": ("smoke_running", "smoke_passed", "freeze_checking"),
        "v5": (),
    }.items():
        await own_caller.walk((await own_caller.start("production", ref))["id"], *statuses)
    console = ConsolePage(await viewers.open(own_server.url, color_scheme=scheme))
    await expect(console.rows).to_have_count(5)
    lightness = await console.page.evaluate("""() => {
        const { backgroundColor } = getComputedStyle(document.querySelector("phaseline-console"));
        const [red, green, blue] = backgroundColor.match(/\\d+/g);
        return (Number(red) + Number(green) + Number(blue)) / 765;
    }""")
    assert lightness > 0.8 if scheme == "light" else lightness < 0.2
    await keep_screenshot(console.page, f"console-{scheme}")
