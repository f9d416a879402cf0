"""A deploy's whole life: a GitHub whose runs are carried out, a server that has it begin them, and the log as judge."""

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import expect

from tests.journeys.door import Door, door_to
from tests.journeys.modal import KEEP_WHAT_WAS_SHOWN, SOON, Modal, Shown
from tests.journeys.steering import Steered, Steering, steered
from tests.journeys.steps import Steps
from tests.support.browser import Viewers
from tests.support.consistency import assert_consistent
from tests.support.github.runner import Runner
from tests.support.waiting import until
from tests.support.witness import faults

# An entry, shortly: who says it, what it is, which status it leads to or stands at, in which attempt.
Line = tuple[str, str, str, int]

STARTED: Line = ("OPERATOR", "DEPLOY_STARTED", "queued", 1)


def by_callbacks(statuses: Iterable[str], attempt: int = 1) -> list[Line]:
    """The entries of accepted callbacks."""
    return [("CALLBACK", "TRANSITION", status, attempt) for status in statuses]


@dataclass
class Life:
    """What a journey goes through. `door`: what the runs' callbacks pass."""

    stage: Steered
    runner: Runner
    door: Door
    viewers: Viewers

    async def begin_in_the_form(self, environment: str) -> tuple[str, Steering]:
        """Start a deploy of `main` as an operator does; its id, and the page that has its modal open."""
        page = await self.viewers.blank()
        await page.add_init_script(KEEP_WHAT_WAS_SHOWN)
        await page.goto(self.stage.server.url)
        console = Steering(page)
        return await console.started(environment, "main"), console

    def dispatched(self) -> list[dict[str, Any]]:
        """What GitHub was asked to begin, oldest first."""
        asked = (asked for asked in self.stage.github.asked if asked.path.endswith("/dispatches"))
        return [json.loads(one.body) for one in asked]

    async def log(self, deploy_id: str) -> list[Line]:
        """What the log says of it, but for what moves nothing and is GitHub's; it has no gap."""
        entries = await self.stage.caller.entries(deploy_id)
        assert [entry["sequence"] for entry in entries] == list(range(1, len(entries) + 1))
        return [
            (entry["source"], entry["kind"], entry["toStatus"], entry["attempt"])
            for entry in entries
            if entry["kind"] != "RUN_REPORTED"
        ]

    async def github_has_ended(self, deploy_id: str, *ends: tuple[int, str]) -> None:
        """Wait until GitHub's account has these ends of attempts, and hold it to having said nothing else of ends."""

        async def told() -> list[tuple[int, str]]:
            entries = await self.stage.caller.entries(deploy_id)
            return [(one["attempt"], one["runConclusion"]) for one in entries if one["runStatus"] == "completed"]

        async def is_so() -> bool:
            return len(await told()) >= len(ends)

        await until(is_so)
        assert await told() == list(ends)

    async def is_shown_whole(self, modal: Modal, deploy_id: str) -> None:
        """Wait until the modal has every entry of the log in its list, and say so where it has not."""
        entries = await self.stage.caller.entries(deploy_id)
        await expect(modal.part("entry")).to_have_count(len(entries), timeout=SOON)
        shown = (await modal.read()).entries
        assert shown == [[one["sequence"], one["kind"], one["toStatus"], one["refusal"]] for one in reversed(entries)]


async def follow(door: Door, modal: Modal, steps: Steps) -> Shown:
    """Let these statuses in, one after the other, and hold the modal to each. GitHub may have its say in between."""
    shown = await modal.read()
    for status, states in steps:
        await door.let_in(status)
        await expect(modal.host).to_have_attribute("data-status", status, timeout=SOON)
        shown = await modal.read()
        assert (status, shown.states) == (status, states)
    return shown


async def statuses_shown(modal: Modal) -> list[str]:
    """Every status that the modal has ever shown, in order."""
    shown = [status for status, _ in await modal.ever_shown()]
    return [status for place, status in enumerate(shown) if place == 0 or shown[place - 1] != status]


@asynccontextmanager
async def lived(folder: Path, viewers: Viewers) -> AsyncIterator[Life]:
    """In the end what was recorded is right, nothing is under way, and the server has had no fault."""
    database = folder / "phaseline.db"
    async with steered(database, folder) as stage, door_to(stage.server.url) as door:
        async with Runner(stage.github, door.url, folder) as runner:
            yield Life(stage, runner, door, viewers)
        await viewers.close()  # they would find the server gone
        await stage.github.away()  # so that the log stands still
        await assert_consistent(database, stage.server.url)
        assert not faults(stage.server)
