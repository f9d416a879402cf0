"""One event to many viewers of one deploy, ours and others' in turn: from sending the callback to the last receipt."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer

from tests.benchmarks import crowd, running
from tests.benchmarks.callers import Callers, calling
from tests.benchmarks.crowd import Crowd, Wish, gathered
from tests.benchmarks.figures import Comparison, spread
from tests.benchmarks.peers import EVENT, OURS, TITLES, serving_one
from tests.benchmarks.processes import Served
from tests.benchmarks.quiet import quiet
from tests.benchmarks.reports import reports
from tests.benchmarks.signal_giver import SignalGiver, signalling

WANTED = {"stock": 20, "node": 4, "picows": 0.5}

_WARM_UP = 2

# How long everything is let come to rest before an event, in seconds.
_REST = 0.3


@dataclass
class FanOut:
    """Deliveries a second, a figure a round by server, for one number of viewers."""

    viewers: int
    rates: dict[str, list[float]] = field(default_factory=dict)

    @property
    def comparisons(self) -> list[Comparison]:
        """Ours with each of the others."""
        what = f"1 event to {self.viewers:,} viewers, deliveries a second"
        ours = self.rates[OURS]
        return [
            Comparison(what, TITLES[name], ours, theirs, WANTED[name])
            for name, theirs in self.rates.items()
            if name != OURS
        ]


async def measure(
    sizes: Sequence[int], rounds: int, events: int, against: Sequence[str], directory: Path, tell: Callable[[str], None]
) -> list[FanOut]:
    """Rounds of all, in turn, for each number of viewers."""
    found = [FanOut(size) for size in sizes]
    async with AsyncExitStack() as stack:
        ours = await stack.enter_async_context(serving_one(OURS, directory))
        await _keep_event(ours, directory / EVENT)
        servers = {OURS: ours}
        for name in against:
            servers[name] = await stack.enter_async_context(serving_one(name, directory))
        for one in found:
            for number in range(1, rounds + 1):
                for name, served in servers.items():
                    tell(f"1 event to {one.viewers} viewers, round {number} of {rounds}: {name}")
                    one.rates.setdefault(name, []).append(await _round(name, served, one.viewers, events))
    return found


async def _keep_event(served: Served, file: Path) -> None:
    """One as ours sends it."""
    async with calling(served.url) as caller:
        deploy = await caller.start()
        async with gathered(served.url, [Wish(deploy)]) as viewers:
            viewers.expect(1)
            await caller.report(deploy, *next(reports()))
            (receipt,) = await viewers.receipts()
    await asyncio.to_thread(file.write_bytes, receipt.message)


async def _round(name: str, served: Served, size: int, events: int) -> float:
    """The median of its events."""
    deploy = "a-deploy"
    if name == OURS:
        async with calling(served.url) as caller:
            deploy = await caller.start()
    walk, rates = reports(), []
    async with gathered(served.url, [Wish(deploy)] * size) as viewers:
        for number in range(_WARM_UP + events):
            await asyncio.sleep(_REST)
            async with _reporting(name, served.url) as caller:  # anew: a server closes what is idle for some seconds
                seconds = await _event(caller, viewers, deploy, walk, size, ready=name == "picows")
            if number >= _WARM_UP:
                rates.append(size / seconds)
    return median(rates)


def _reporting(name: str, url: str) -> AbstractAsyncContextManager[Callers | SignalGiver]:
    return signalling(url) if name == "picows" else calling(url)


async def _event(
    caller: Callers | SignalGiver,
    viewers: Crowd,
    deploy: str,
    walk: Iterator[tuple[int, str]],
    size: int,
    *,
    ready: bool,
) -> float:
    attempt, status = next(walk)
    viewers.expect(size)
    with quiet():
        began = time.time()
        _, receipts = await asyncio.gather(caller.report(deploy, attempt, status), viewers.receipts())
    told = [crowd.event(receipt.message) for receipt in receipts]
    if not ready and any(_says(one) != (attempt, status) for one in told):
        raise RuntimeError(f"not everyone was told of {status} in attempt {attempt}")
    return receipts[-1].time - began


def _says(event: Any) -> tuple[int, str]:
    return event["entry"]["attempt"], event["entry"]["toStatus"]


def main(
    viewers: Annotated[list[int], typer.Option(help="How many viewers; may be given again.")] = [1000],  # noqa: B006
    against: Annotated[str, typer.Option(help="Peers, separated by commas.")] = "picows,node,stock",
    rounds: int = 3,
    events: int = 3,
) -> None:
    """Measure one event to many viewers."""
    peers = [name for name in against.split(",") if name]
    found = running.run(partial(measure, viewers, rounds, events, peers))
    for one in found:
        for name, rates in one.rates.items():
            running.console.print(f"{one.viewers} viewers, {name}: {spread(rates)} deliveries a second")
    running.show([comparison for one in found for comparison in one.comparisons])


if __name__ == "__main__":
    typer.run(main)
