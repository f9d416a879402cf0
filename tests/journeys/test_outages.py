"""The server dies, or its words no longer come through: the modal says so, stands still, and then goes on."""

import re
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, WebSocket, expect

from tests.journeys.conftest import StartWorkflow
from tests.journeys.door import door_to
from tests.journeys.expected import EIGHT
from tests.journeys.modal import KEEP_WHAT_WAS_SHOWN, Modal
from tests.journeys.steps import TO_DEPLOYING, walk
from tests.support.browser import OUTAGE, Viewers, keep_screenshot, moving
from tests.support.caller import Caller
from tests.support.server import Server, serving, start
from tests.support.wire import Wire, wire_to

# What the product promises: whoever watches is told of a lost connection within this, in milliseconds.
TOLD_WITHIN = 10_000
RECONNECTED_WITHIN = 20_000


async def clock_runs(modal: Modal) -> None:
    """Wait until the active step's clock has been seen to change."""
    clock = modal.part("step-running")
    await expect(clock).not_to_have_text(await clock.inner_text())


async def stands_still(modal: Modal) -> None:
    """Wait until two more tries to reconnect have failed, which takes seconds, and hold the clock to what it said."""
    clock = await modal.part("step-running").inner_text()
    said = re.search(r"try (\d+)", await modal.part("retry").inner_text())
    assert said
    later = re.compile(rf"try {int(said[1]) + 2}\b")
    await expect(modal.part("retry")).to_have_text(later, timeout=RECONNECTED_WITHIN)
    assert await modal.part("step-running").inner_text() == clock
    assert await moving(modal.page) == []


async def last_heard(modal: Modal) -> datetime:
    """The moment that the clocks say they stand at, to which the active step's clock is held."""
    as_of = await modal.part("step-as-of").locator("time").get_attribute("datetime")
    began = await modal.host.locator("[aria-current] [part~=step-began] time").get_attribute("datetime")
    assert as_of is not None
    assert began is not None
    seconds = (datetime.fromisoformat(as_of) - datetime.fromisoformat(began)).total_seconds()
    # The DOM tells times in milliseconds, the server in microseconds.
    possible = {f"running for {int(seconds + error)} s" for error in (-0.001, 0.001)}
    assert await modal.part("step-running").inner_text() in possible
    return datetime.fromisoformat(as_of)


async def test_a_server_killed_in_mid_deploy_is_said_to_be_lost_and_forgets_no_acknowledged_callback(
    database: Path, viewers: Viewers, start_workflow: StartWorkflow
) -> None:
    viewers.tolerate(OUTAGE)
    first = await start(database)
    port = str(urlsplit(first.url).port)
    try:
        async with Caller(first.url) as caller, door_to(first.url) as door:
            deploy = await caller.start()
            page = await viewers.blank()
            await page.add_init_script(KEEP_WHAT_WAS_SHOWN)
            await page.goto(f"{first.url}/deploys/{deploy['id']}")
            modal = Modal(page)
            run = start_workflow(deploy, door.url)
            await walk(door, modal, TO_DEPLOYING[:-1])
            await clock_runs(modal)
            # Recorded, but the workflow never learns of it: what a server killed in the act of answering leaves behind.
            await door.lose_answer("deploying")
            before = await modal.at("deploying", 7)
            assert await moving(page)
            await first.kill()

            await modal.connection("lost", within=TOLD_WITHIN)
            await expect(modal.part("connection")).to_have_text("Connection lost")
            await expect(modal.part("last-confirmed")).to_contain_text("Last confirmed: entry 7, Deploying, recorded ")
            assert await last_heard(modal) <= datetime.now(UTC)
            await stands_still(modal)
            lost = await modal.read()
            assert (lost.states, lost.position) == (before.states, before.position)
            assert lost.announced.startswith("Connection lost. Last confirmed: entry 7.")
            await keep_screenshot(page, "server-killed")

            async with serving(database, port=port) as second:
                assert second.url == first.url
                await modal.connection("live", within=RECONNECTED_WITHIN)
                assert await modal.part("lost").count() == 0
                await clock_runs(modal)
                await door.let_in("deploying")
                await door.let_in("health_checking")
                assert (await modal.at("health_checking", 8)).states == "PASSED PASSED PASSED ACTIVE"
                await door.let_in("succeeded")
                assert (await modal.at("succeeded", 9)).states == "PASSED PASSED PASSED PASSED"
                assert await run == 0
                entries = await caller.entries(deploy["id"])
    finally:
        await first.stop()
    assert [entry["toStatus"] for entry in entries] == ["queued", *EIGHT]
    assert [(passed.status, passed.sequence) for passed in door.passed] == [
        *zip(EIGHT[:6], range(2, 8), strict=True),
        ("deploying", 7),
        *zip(EIGHT[6:], range(8, 10), strict=True),
    ]
    assert door.passed[6].body["data"]["applyCallback"]["duplicate"] is True
    assert await modal.ever_shown() == [(status, number) for number, status in enumerate(("queued", *EIGHT), start=1)]


def keep_subscriptions(page: Page) -> list[str]:
    """What the page will ask for over its sockets, as it is sent."""
    sent: list[str] = []

    def follow(socket: WebSocket) -> None:
        socket.on("framesent", lambda frame: sent.append(str(frame)) if '"subscribe"' in str(frame) else None)

    page.on("websocket", follow)
    return sent


@pytest.mark.parametrize(
    "recover", [Wire.carry_on, Wire.carry_on_for_new_connections], ids=["it comes back", "a new connection passes"]
)
async def test_a_connection_that_falls_silent_is_said_to_be_lost_and_the_modal_catches_up_afterwards(
    server: Server, caller: Caller, viewers: Viewers, recover: Callable[[Wire], None]
) -> None:
    viewers.tolerate(OUTAGE)
    deploy = await caller.start()
    async with wire_to(server.url) as wire:
        page = await viewers.blank()
        await page.add_init_script(KEEP_WHAT_WAS_SHOWN)
        subscriptions = keep_subscriptions(page)
        await page.goto(f"{wire.url}/deploys/{deploy['id']}")
        modal = Modal(page)
        await caller.walk(deploy["id"], "smoke_running")
        before = await modal.at("smoke_running", 2)
        await clock_runs(modal)
        silent_since, subscribed_before = datetime.now(UTC), len(subscriptions)
        wire.fall_silent()
        await caller.walk(deploy["id"], "smoke_passed", "freeze_checking")
        await modal.connection("lost", within=TOLD_WITHIN)
        await expect(modal.part("lost")).to_contain_text("Connection lost.")
        await expect(modal.part("last-confirmed")).to_contain_text("entry 2, Smoke gate running, recorded ")
        await caller.walk(deploy["id"], "freeze_passed", "building")
        assert await last_heard(modal) < silent_since + timedelta(seconds=1)
        lost = await modal.read()
        assert (lost.states, lost.position, lost.status) == (before.states, before.position, before.status)
        await keep_screenshot(page, "connection-silent")

        recover(wire)
        await modal.connection("live", within=RECONNECTED_WITHIN)
        assert (await modal.at("building", 6)).states == "PASSED PASSED ACTIVE PENDING"
        await caller.walk(deploy["id"], "failed")
        assert (await modal.at("failed", 7)).states == "PASSED PASSED FAILED NOT_REPORTED"
    # Each goes on with the last entry that was seen, entry 2, which the server has to send again.
    resumed = [sent for sent in subscriptions[subscribed_before:] if '"after"' in sent]
    assert resumed
    assert all('"after":1' in sent for sent in resumed)
    true = [(entry["toStatus"], entry["sequence"]) for entry in await caller.entries(deploy["id"])]
    shown = await modal.ever_shown()
    assert set(shown) <= set(true)
    assert shown == sorted(set(shown), key=lambda pair: pair[1])


@pytest.fixture
async def home(database: Path) -> AsyncIterator[Server]:
    """A server whose address is taken over by others after it was ended."""
    server = await start(database)
    yield server
    await server.stop()


async def test_a_deploy_that_the_server_no_longer_holds_is_said_to_be_gone(
    home: Server, database: Path, viewers: Viewers
) -> None:
    viewers.tolerate(OUTAGE)
    port = str(urlsplit(home.url).port)
    async with Caller(home.url) as caller:
        deploy = await caller.start()
        modal = Modal(await viewers.open(f"{home.url}/deploys/{deploy['id']}"))
        await caller.walk(deploy["id"], "smoke_running")
        before = await modal.at("smoke_running", 2)
        await clock_runs(modal)
    await home.stop()
    ended = datetime.now(UTC)
    async with serving(database.with_name("another.db"), port=port):
        await modal.connection("closed", within=RECONNECTED_WITHIN)
        await expect(modal.part("failure")).to_contain_text("The server no longer holds this deploy.")
        await expect(modal.part("last-confirmed")).to_contain_text("entry 2, Smoke gate running, recorded ")
        assert await last_heard(modal) <= ended
        assert await moving(modal.page) == []
        gone = await modal.read()
        assert (gone.states, gone.position) == (before.states, before.position)
        assert gone.announced == "The server no longer holds this deploy. Last confirmed: entry 2."
        await keep_screenshot(modal.page, "deploy-gone")
    async with serving(database, port=port):
        await modal.part("try-again").click()
        await modal.connection("live")
        await expect(modal.part("failure")).to_have_count(0)
        await clock_runs(modal)


@pytest.mark.parametrize(
    "restored",
    [(), ("smoke_passed",), ("building", "deploying"), ("building", "deploying", "succeeded")],
    ids=["shorter", "one shorter", "of the same length", "longer"],
)
async def test_a_history_that_was_restored_and_went_another_way_is_shown_in_place_of_what_was_shown(
    restored: tuple[str, ...], home: Server, database: Path, viewers: Viewers
) -> None:
    viewers.tolerate(OUTAGE)
    port = str(urlsplit(home.url).port)
    backup = database.with_name("backup.db")
    async with Caller(home.url) as caller:
        deploy = await caller.start()
        await caller.walk(deploy["id"], "smoke_running")
        with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(backup)) as target:
            source.backup(target)
        modal = Modal(await viewers.open(f"{home.url}/deploys/{deploy['id']}"))
        await caller.walk(deploy["id"], "smoke_passed", "freeze_checking")
        await modal.at("freeze_checking", 4)
    async with serving(backup) as elsewhere, Caller(elsewhere.url) as caller:
        await caller.walk(deploy["id"], *restored)
    await home.stop()
    async with serving(backup, port=port):
        await expect(modal.part("restarted")).to_contain_text("had reached entry 4", timeout=RECONNECTED_WITHIN)
        shown = await modal.at(("smoke_running", *restored)[-1], 2 + len(restored))
        assert shown.connection == "live"
        assert "The server's history differs from what was shown here. Status: " in shown.announced
    await keep_screenshot(modal.page, f"history-restored-{len(restored)}")
