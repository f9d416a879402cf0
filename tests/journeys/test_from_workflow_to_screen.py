"""The real deploy-console.yml, run by act, reports to a running server, while a browser has the modal open."""

from playwright.async_api import expect

from tests.journeys.conftest import OpenModal, StartWorkflow
from tests.journeys.door import Door
from tests.journeys.expected import EIGHT, GOES_WELL, LABELS, STARTED, WORDS
from tests.support.browser import keep_screenshot
from tests.support.caller import Caller

PICTURES = "from-workflow-to-screen"


async def test_every_status_of_the_real_workflow_shows_the_right_step_and_is_in_the_audit_trail(
    caller: Caller, door: Door, open_modal: OpenModal, start_workflow: StartWorkflow
) -> None:
    deploy = await caller.start("production", "v2.4.1", note="A journey from the workflow to the screen")
    modal = await open_modal(deploy)
    page = modal.page
    run = start_workflow(deploy, door.url)

    shown = await modal.at("queued", 1)
    assert (shown.states, shown.announced) == ("PENDING PENDING PENDING PENDING", "Status: Queued.")
    await keep_screenshot(page, f"{PICTURES}/1-queued")
    for sequence, expected in enumerate(GOES_WELL, start=2):
        await door.let_in(expected.status)
        shown = await modal.at(expected.status, sequence)
        assert (shown.status, shown.states, shown.pill) == (expected.status, expected.states, expected.pill)
        assert shown.announced == expected.announced
        assert (shown.position, shown.newest) == (f"entry {sequence} of {sequence}", sequence)
        assert (shown.connection, shown.labels) == ("live", LABELS)
        assert shown.words == [WORDS[state] for state in shown.steps.values()]
        assert shown.current == [key for key, state in shown.steps.items() if state == "ACTIVE"]
        await keep_screenshot(page, f"{PICTURES}/{sequence}-{expected.status}")
    assert await run == 0

    entries = await caller.entries(deploy["id"])
    assert [(entry["kind"], entry["toStatus"]) for entry in entries] == [
        STARTED,
        *(("TRANSITION", status) for status in EIGHT),
    ]
    assert [entry["sequence"] for entry in entries] == list(range(1, 10))
    assert [entry["fromStatus"] for entry in entries] == [None, "queued", *EIGHT[:-1]]
    newest_first = [[entry["sequence"], entry["kind"], entry["toStatus"], None] for entry in reversed(entries)]
    assert (await modal.read()).entries == newest_first
    assert await modal.ever_shown() == [(status, number) for number, status in enumerate(("queued", *EIGHT), start=1)]

    await page.emulate_media(color_scheme="dark")
    await keep_screenshot(page, f"{PICTURES}/9-succeeded-dark")
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size({"width": 320, "height": 720})
    await expect(modal.part("dialog")).to_be_in_viewport()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320
    await keep_screenshot(page, f"{PICTURES}/9-succeeded-320px")
