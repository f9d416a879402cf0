"""What a modal says while something is the matter, in the words that an operator reads; with pictures in artifacts/."""

import asyncio
from typing import Literal

import pytest
from playwright.async_api import Page, expect

from tests.faults.sampling import Watched, samples_of
from tests.faults.screens import judge, log_of
from tests.faults.stage import CAUGHT_UP_WITHIN, Stage
from tests.journeys.modal import Modal
from tests.support.browser import keep_screenshot
from tests.support.caller import Caller

STARTED = "smoke_running smoke_passed freeze_checking freeze_passed building".split()


@pytest.mark.timeout(120)
async def test_each_trouble_is_told_from_the_others_and_from_a_live_connection(stage: Stage) -> None:
    nodes, wire = stage.cluster.nodes, stage.cluster.wires["viewers"]
    async with Caller(nodes[0].url) as caller:
        deploy = (await caller.start())["id"]
        modal = await stage.open(deploy)
        await caller.walk(deploy, *STARTED)
        await modal.at("building", 6)
        await modal.connection("live")
        await expect(modal.part("lost")).to_have_count(0)
        await keep(modal.page, "live")

        await stage.postgres.stop("immediate")
        await says(modal, "Database not answering", "The database does not answer.", "The server is there")
        await expect(modal.part("last-confirmed")).to_contain_text("Last confirmed: entry 6, Building, recorded ")
        assert (await modal.read()).announced == "The database does not answer. Last confirmed: entry 6."
        await keep(modal.page, "database-away")
        await stage.postgres.start()
        await modal.connection("live", within=CAUGHT_UP_WITHIN)

    await asyncio.gather(*(node.close() for node in nodes))
    await says(modal, "Connection lost", "Connection lost.", "The server could not be reached.")
    await keep(modal.page, "nodes-gone")
    wire.fall_silent()
    await modal.part("try-now").click()
    await expect(modal.part("retry")).to_contain_text("…")
    await keep(modal.page, "reconnecting")
    for node in nodes:
        await node.start()
    wire.carry_on_for_new_connections()
    async with Caller(nodes[1].url) as caller:
        await caller.walk(deploy, "deploying", "health_checking")
    await modal.connection("live", within=CAUGHT_UP_WITHIN)
    await modal.at("health_checking", 8)
    await keep(modal.page, "caught-up")
    watched = await samples_of(modal.page, "page", deploy)
    assert any(sample.announced.startswith("Connected again.") for sample in watched.samples)
    assert judge(watched, await log_of(stage.postgres, stage.database, deploy)) == []


async def test_a_node_that_ends_says_so_and_the_modal_goes_on_with_the_other_at_once(stage: Stage) -> None:
    async with Caller(stage.cluster.nodes[0].url) as caller:
        deploy = (await caller.start())["id"]
    modal = await stage.open(deploy)
    await modal.at("queued", 1)
    for node in stage.cluster.nodes:  # it is connected with one of them, and then with the other
        await node.end()
        await modal.connection("live")
    watched = await samples_of(modal.page, "page", deploy)
    told = {sample.lost for sample in watched.samples if sample.lost}
    assert told == {"Connection lost. The server is stopping, as it does for a restart or an update."}
    assert [socket.code for socket in watched.sockets[:-1]] == [1012] * (len(watched.sockets) - 1)
    for without in outages(watched):
        assert without < 2_000, "not at once"


def outages(watched: Watched) -> list[int]:
    """How long it was not live each time, once it had been, in milliseconds."""
    since = None
    lengths = []
    for sample in watched.samples:
        if sample.marks.get("connection") == "lost":
            since = since or sample.at
        elif since is not None:
            lengths.append(sample.at - since)
            since = None
    assert lengths
    return lengths


async def says(modal: Modal, word: str, *texts: str) -> None:
    """Wait until it says so, in the bar and in the notice."""
    await expect(modal.part("connection")).to_have_text(word, timeout=CAUGHT_UP_WITHIN)
    for text in texts:
        await expect(modal.part("lost")).to_contain_text(text, timeout=CAUGHT_UP_WITHIN)


async def keep(page: Page, what: str) -> None:
    """Pictures of it, one for each scheme."""
    schemes: tuple[Literal["dark", "light"], ...] = ("dark", "light")
    for scheme in schemes:
        await page.emulate_media(color_scheme=scheme)
        await keep_screenshot(page, f"trouble-{what}-{scheme}")
