"""Many deploys move at once, each before a few viewers: how much is delivered, and how late."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import quantiles

import typer

from tests.benchmarks import running
from tests.benchmarks.callers import calling
from tests.benchmarks.crowd import Receipt, Wish, event, gathered
from tests.benchmarks.figures import Better, Comparison
from tests.benchmarks.peers import OURS, TITLES, serving_one
from tests.benchmarks.processes import Served
from tests.benchmarks.reports import reports

MANY = 32
WANTED = 4

# Callbacks a second that every server keeps up with: what is late then is not what has piled up.
PACE = 50


@dataclass
class Moving:
    """Figures a round by server: deliveries a second, and milliseconds from commit to receipt, the 99th percentile,
    where as much is sent as is answered, and where both are sent the same."""

    deploys: int
    viewers_each: int
    rates: dict[str, list[float]] = field(default_factory=dict)
    late: dict[str, list[float]] = field(default_factory=dict)
    late_at_pace: dict[str, list[float]] = field(default_factory=dict)

    @property
    def comparisons(self) -> list[Comparison]:
        """Ours with the stock one."""
        what = f"{self.deploys} deploys move at once, {self.viewers_each} viewers each"
        return [
            Comparison(f"{what}: {unit}", TITLES["stock"], found[OURS], found["stock"], WANTED, better)
            for unit, found, better in (
                ("deliveries a second", self.rates, Better.MORE),
                ("ms from commit to receipt, p99", self.late, Better.LESS),
                (f"the same at {PACE} callbacks a second", self.late_at_pace, Better.LESS),
            )
        ]


async def measure(
    deploys: int, viewers_each: int, steps: int, rounds: int, directory: Path, tell: Callable[[str], None]
) -> Moving:
    """Rounds of both, in turn."""
    found = Moving(deploys, viewers_each)
    directory = directory / "moving"
    directory.mkdir()
    async with serving_one(OURS, directory) as ours, serving_one("stock", directory) as stock:
        for number in range(1, rounds + 1):
            for name, served in ((OURS, ours), ("stock", stock)):
                tell(f"{deploys} deploys move at once, round {number} of {rounds}: {name}")
                (began, receipts), (_, at_pace) = await _round(name, served, deploys, viewers_each, steps)
                found.rates.setdefault(name, []).append(len(receipts) / (receipts[-1].time - began))
                found.late.setdefault(name, []).append(_slowest(receipts))
                found.late_at_pace.setdefault(name, []).append(_slowest(at_pace))
    return found


async def _round(
    name: str, served: Served, deploys: int, viewers_each: int, steps: int
) -> list[tuple[float, list[Receipt]]]:
    """When the first callback was sent, and what came of all of them: of as many as are answered, and then of one more
    step at the pace. A step before does not count."""
    ids = [f"deploy-{number}" for number in range(deploys)]
    if name == OURS:
        async with calling(served.url) as caller:
            ids = [await caller.start() for _ in ids]
    warm_up, *measured, last = islice(reports(), 1 + steps + 1)
    found = []
    async with gathered(served.url, [Wish(deploy) for deploy in ids for _ in range(viewers_each)]) as viewers:
        for walk, rate in (([warm_up], None), (measured, None), ([last], PACE)):
            viewers.expect(deploys * viewers_each * len(walk))
            async with calling(served.url, min(MANY, deploys)) as callers:
                began = await callers.move(ids, walk, rate)
                found.append((began, await viewers.receipts()))
    return found[1:]


def _slowest(receipts: list[Receipt]) -> float:
    """The 99th percentile, in milliseconds."""
    return 1000 * quantiles(map(_late, receipts), n=100)[-1]


def _late(receipt: Receipt) -> float:
    """Seconds since the entry was recorded, which is before its commit: ours is told no faster than it is."""
    return receipt.time - datetime.fromisoformat(event(receipt.message)["entry"]["recordedAt"]).timestamp()


def main(deploys: int = 500, viewers_each: int = 10, steps: int = 4, rounds: int = 2) -> None:
    """Measure many deploys at once."""
    found = running.run(partial(measure, deploys, viewers_each, steps, rounds))
    running.show(found.comparisons)


if __name__ == "__main__":
    typer.run(main)
