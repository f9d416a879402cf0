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
    deploy = await caller.start("an-environment-with-a-long-name", LONG[:170], note=("word " * 60).strip())
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


@pytest.mark.parametrize("width", [320, 768, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_longest_names_leave_room_and_are_whole_among_the_facts(
    server: Server, caller: Caller, viewers: Viewers, width: int, scheme: Literal["light", "dark"]
) -> None:
    environment, ref = "e" * 64, "r" * 255
    deploy = await caller.start(environment, ref)
    await caller.walk(deploy["id"], "smoke_running", "smoke_passed")
    console = ConsolePage(
        await viewers.open(
            f"{server.url}/deploys/{deploy['id']}",
            viewport={"width": width, "height": 720},
            color_scheme=scheme,
        )
    )
    await console.modal.at("smoke_passed", 3)
    assert await wider_than_the_screen(console.page) == []
    bar = await console.modal.host.locator(".top-bar").bounding_box()
    assert bar is not None
    assert bar["height"] < 260
    assert await console.modal.part("whole-ref").inner_text() == ref
    await keep_screenshot(console.page, f"modal-longest-{width}px-{scheme}")


async def test_at_400_percent_nothing_covers_what_is_scrolled_to(
    server: Server, caller: Caller, viewers: Viewers
) -> None:
    deploy = await caller.start("e" * 64, "r" * 255)
    console = ConsolePage(
        await viewers.open(f"{server.url}/deploys/{deploy['id']}", viewport={"width": 320, "height": 256})
    )
    await console.modal.at("queued", 1)
    assert await wider_than_the_screen(console.page) == []
    label = console.modal.part("step-label").first
    await label.evaluate("(label) => label.scrollIntoView({ block: 'start' })")
    await keep_screenshot(console.page, "modal-400-percent")
    assert await label.evaluate("""(label) => {
        const { left, top, width, height } = label.getBoundingClientRect();
        return label.getRootNode().elementFromPoint(left + width / 2, top + height / 2) === label;
    }""")


@pytest.mark.parametrize(("width", "columns"), [(320, [2, 2, 1]), (768, [3, 2]), (1280, [5])])
async def test_no_fact_is_left_alone_beside_an_empty_place(
    server: Server, caller: Caller, viewers: Viewers, width: int, columns: list[int]
) -> None:
    deploy = await caller.start()
    await caller.walk(deploy["id"], "smoke_running")
    console = ConsolePage(
        await viewers.open(f"{server.url}/deploys/{deploy['id']}", viewport={"width": width, "height": 900})
    )
    await console.modal.at("smoke_running", 2)
    boxes = await console.page.evaluate("""() => {
        const modal = document.querySelector("phaseline-console").shadowRoot.querySelector("phaseline-deploy-modal");
        return [...modal.shadowRoot.querySelectorAll(".facts > :not(.whole)")].map((fact) => {
            const { top, right } = fact.getBoundingClientRect();
            return [Math.round(top), Math.round(right)];
        });
    }""")
    rows = sorted({top for top, _ in boxes})
    assert [sum(top == row for top, _ in boxes) for row in rows] == columns
    assert len({max(right for top, right in boxes if top == row) for row in rows}) == 1, "each row is filled"
    await keep_screenshot(console.page, f"modal-{width}px")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_in_forced_colours_a_refusal_and_a_live_connection_are_still_told_by_their_shape(
    server: Server, caller: Caller, viewers: Viewers, scheme: Literal["light", "dark"]
) -> None:
    deploy = await caller.start()
    await caller.walk(deploy["id"], "smoke_running", "failed")
    await caller.walk(deploy["id"], "building", attempt=2)
    await caller.report(deploy["id"], "succeeded")
    page = await viewers.open(f"{server.url}/deploys/{deploy['id']}", forced_colors="active", color_scheme=scheme)
    console = ConsolePage(page)
    await console.modal.at("building", 5)
    borders = await console.modal.part("entry").evaluate_all(
        "(entries) => entries.map((entry) => getComputedStyle(entry).borderInlineStartWidth)"
    )
    assert borders == ["3px", "0px", "0px", "0px", "0px"]
    dot = """(connection) => {
        const { backgroundColor, borderColor } = getComputedStyle(connection, "::before");
        return [backgroundColor === borderColor, backgroundColor];
    }"""
    filled, colour = await console.modal.part("connection").evaluate(dot)
    background = await console.dialog.evaluate("(dialog) => getComputedStyle(dialog).backgroundColor")
    assert filled
    assert colour != background
    await keep_screenshot(page, f"modal-forced-colours-{scheme}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_queued_deploy_turns_nothing_and_a_failure_stands_out_from_what_was_not_reported(
    server: Server, caller: Caller, viewers: Viewers, scheme: Literal["light", "dark"]
) -> None:
    deploy = await caller.start()
    url = f"{server.url}/deploys/{deploy['id']}"
    console = ConsolePage(await viewers.open(url, reduced_motion="no-preference", color_scheme=scheme))
    await console.modal.at("queued", 1)
    assert await moving(console.page) == []
    await keep_screenshot(console.page, f"modal-queued-{scheme}")
    colour = "(step) => getComputedStyle(step.querySelector('.mark')).color"
    await caller.walk(deploy["id"], "freeze_checking")
    await console.modal.at("freeze_checking", 2)
    unreported = console.page.locator("[part=step][data-phase=smoke_gate]")
    while_running = await unreported.evaluate(colour)
    await caller.walk(deploy["id"], "failed")
    shown = await console.modal.at("failed", 3)
    assert shown.states == "NOT_REPORTED FAILED NOT_REPORTED NOT_REPORTED"
    assert await unreported.evaluate(colour) != while_running
    await keep_screenshot(console.page, f"modal-failed-{scheme}")
