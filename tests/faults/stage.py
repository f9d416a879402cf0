"""Nodes, and a browser whose pages reach them over a wire and keep all that they show."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from playwright.async_api import Page, expect

from tests.faults.cluster import Cluster
from tests.faults.plan import Fault, Kind
from tests.faults.sampling import keep_samples
from tests.faults.screens import TOLD_WITHIN, Log, log_of
from tests.faults.viewers import SocketViewer
from tests.journeys.modal import Modal
from tests.support.browser import Viewers
from tests.support.postgres import Postgres

# How long a modal may take to be live again when nothing goes wrong any more, in milliseconds.
CAUGHT_UP_WITHIN = 45_000

# A browser waits for a random part of a pause that doubles: here for a small part, because a test is short.
_IMPATIENT = "Math.random = () => 0.05;"


@dataclass
class Stage:
    """Nodes, a browser that reaches them over a wire, and what has happened."""

    cluster: Cluster
    postgres: Postgres
    database: str
    viewers: Viewers
    faults: list[tuple[Fault, int, int]] = field(default_factory=list)  # with its beginning and end, in milliseconds

    async def open(
        self,
        deploy: str,
        *,
        impatient: bool = True,
        before: Callable[[Page], Awaitable[None]] | None = None,
        **options: Any,
    ) -> Modal:
        """The modal of a deploy, over the wire, in a page of its own that keeps what it shows.

        `before` is done with the page before it goes anywhere. Options are those of a Playwright context.
        """
        page = await self.viewers.blank(**options)
        if before is not None:
            await before(page)
        if impatient:
            await page.add_init_script(_IMPATIENT)
        await keep_samples(page)
        await page.goto(f"{self.cluster.wires['viewers'].url}/deploys/{deploy}")
        return Modal(page)

    async def suffer(self, planned: list[Fault]) -> None:
        """Carry out a plan, and wait until every node is ready again."""
        began = time.monotonic()
        nobody = SocketViewer("nobody", [], list, 1.0, Random())

        async def suffer(fault: Fault) -> None:
            await asyncio.sleep(began + fault.at - time.monotonic())
            since = now()
            await self.cluster.suffer(fault, nobody)
            self.faults.append((fault, since, now()))

        async with asyncio.TaskGroup() as going_wrong:
            for fault in planned:
                going_wrong.create_task(suffer(fault))
        for node in self.cluster.nodes:
            await node.ready()

    async def fall_silent_until_all_say_so(self, modals: list[Modal]) -> None:
        """The longest that a modal may be wrong about its connection: one that is open, and carries nothing more."""
        wire = self.cluster.wires["viewers"]
        since = now()
        wire.fall_silent()
        await asyncio.gather(*(modal.connection("lost", within=TOLD_WITHIN) for modal in modals))
        wire.carry_on_for_new_connections()
        self.faults.append((Fault(0, Kind.SILENCE, "viewers"), since, now()))

    async def log_when_shown(self, deploy: str, modal: Modal) -> Log:
        """The log of a deploy to which nobody reports any more, when it is on the screen to its last entry, as live."""
        while True:  # what was sent last may be recorded after its caller has gone
            log = await log_of(self.postgres, self.database, deploy)
            last = len(log.entries)
            await expect(modal.part("position")).to_have_text(f"entry {last} of {last}", timeout=CAUGHT_UP_WITHIN)
            await modal.connection("live", within=CAUGHT_UP_WITHIN)
            if len((await log_of(self.postgres, self.database, deploy)).entries) == last:
                return log


def now() -> int:
    """In milliseconds since 1970, as the pages count."""
    return time.time_ns() // 1_000_000
