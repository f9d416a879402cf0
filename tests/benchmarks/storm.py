"""Many viewers connect, rest, and come again after a restart: how long it takes, and how much memory they hold."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from tests.benchmarks import own_tokens, running
from tests.benchmarks.callers import calling
from tests.benchmarks.crowd import Crowd, Receipt, Wish, event, gathered
from tests.benchmarks.figures import Better, Comparison, spread
from tests.benchmarks.peers import OURS, TITLES, serving_one
from tests.benchmarks.processes import Served
from tests.benchmarks.quiet import quiet
from tests.benchmarks.reports import reports
from tests.support.ports import free_port

# Ours once more, where no two viewers are the same caller.
OWN = "phaseline, each viewer a caller of its own"

# Viewers that have come and gone before anything counts.
_WARM_UP = 200

# How long everything rests before memory is read, in seconds.
REST = 2


@dataclass
class Storm:
    """Figures a round of one server: seconds, and KiB a viewer."""

    connected: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)


@dataclass
class Storms:
    """Those of all servers, for one number of viewers."""

    viewers: int
    found: dict[str, Storm]

    @property
    def comparisons(self) -> list[Comparison]:
        """Ours, in both ways, with Node's."""
        compared = []
        node = self.found["node"]
        for name, ours in self.found.items():
            if name == "node":
                continue
            own = ", each a caller of its own" if name == OWN else ""
            for what, mine, theirs in (
                (f"{self.viewers:,} viewers{own} connect and subscribe, s", ours.connected, node.connected),
                (f"{self.viewers:,} viewers{own} come again after a restart, s", ours.again, node.again),
                (f"memory of an idle viewer{own}, KiB", ours.memory, node.memory),
            ):
                compared.append(Comparison(what, TITLES["node"], mine, theirs, 1, Better.LESS))
        return compared


async def measure(
    viewers: int, rounds: int, servers: Sequence[str], directory: Path, tell: Callable[[str], None]
) -> Storms:
    """Rounds of all, in turn."""
    found = Storms(viewers, {name: Storm() for name in servers})
    for number in range(1, rounds + 1):
        for name, storm in found.found.items():
            tell(f"{viewers} viewers connect, round {number} of {rounds}: {name}")
            folder = directory / f"storm-{number}-{list(found.found).index(name)}"
            folder.mkdir()
            await _Round(name, viewers, folder, storm).run()
    return found


class _Round:
    """One server, before and after its restart."""

    def __init__(self, name: str, viewers: int, directory: Path, storm: Storm) -> None:
        self._ours = name != "node"
        self._own = name == OWN
        self._viewers, self._directory, self._storm = viewers, directory, storm
        self._port = free_port()
        self._walk = reports()
        self._deploy = "a-deploy"

    async def run(self) -> None:
        crowd, server = Crowd(), OURS if self._ours else "node"
        tokens: list[str] = []
        async with serving_one(server, self._directory, self._port) as served:
            if self._own:
                tokens = own_tokens.write(self._directory / "phaseline.db", self._viewers)
            await self._begin(served)
            before = await self._idle(served)
            self._storm.connected.append(await self._join(crowd, served, self._wishes(None, tokens), 2))
            self._storm.memory.append((await self._idle(served) - before) / self._viewers)
            crowd.part()
        async with serving_one(server, self._directory, self._port) as served:
            await self._report(served)
            crowd = Crowd()
            self._storm.again.append(await self._join(crowd, served, self._wishes(2, tokens), 3))
            crowd.leave()

    async def _begin(self, served: Served) -> None:
        if self._ours:
            async with calling(served.url) as caller:
                self._deploy = await caller.start()
        await self._report(served)
        async with gathered(served.url, [Wish(self._deploy)] * min(_WARM_UP, self._viewers)):
            pass

    async def _report(self, served: Served) -> None:
        async with calling(served.url) as caller:
            await caller.report(self._deploy, *next(self._walk))

    async def _idle(self, served: Served) -> float:
        await asyncio.sleep(REST)
        return await served.memory()

    def _wishes(self, after: int | None, tokens: list[str]) -> list[Wish]:
        if tokens:
            return [Wish(self._deploy, after, token) for token in tokens]
        return [Wish(self._deploy, after)] * self._viewers

    async def _join(self, crowd: Crowd, served: Served, wishes: list[Wish], newest: int) -> float:
        with quiet():
            began = time.time()
            receipts = await crowd.join(served.url, wishes)
        self._check(receipts, newest)
        return receipts[-1].time - began

    def _check(self, receipts: list[Receipt], newest: int) -> None:
        """Node's server keeps no log, so it has no newest event."""
        told = [event(receipt.message) for receipt in receipts]
        if self._ours and any(one["entry"]["sequence"] != newest for one in told):
            raise RuntimeError("not every viewer knows the newest event")


def main(
    viewers: int = 5000,
    rounds: int = 2,
    against: Annotated[
        str, typer.Option(help="Which servers: phaseline, own, node; separated by commas.")
    ] = "own,node",
) -> None:
    """Measure connecting, connecting again, and memory."""
    names = [OURS, *(OWN if name == "own" else name for name in against.split(",") if name)]
    found = running.run(partial(measure, viewers, rounds, names))
    for name, storm in found.found.items():
        running.console.print(
            f"{name}: {spread(storm.connected)} s, again {spread(storm.again)} s, {spread(storm.memory)} KiB a viewer"
        )
    if "node" in names:
        running.show(found.comparisons)


if __name__ == "__main__":
    typer.run(main)
