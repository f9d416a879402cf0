"""One event to many viewers, ours and a stock Strawberry's in turn: from the callback to the last receipt."""

import asyncio
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks import crowd
from tests.benchmarks.callers import Callers, calling
from tests.benchmarks.crowd import Crowd, viewing
from tests.benchmarks.figures import Comparison
from tests.benchmarks.ours import serving_ours
from tests.benchmarks.processes import serving
from tests.benchmarks.quiet import quiet
from tests.benchmarks.reports import reports

_WARM_UP = 1


@dataclass
class FanOut:
    """Figures a round for one number of viewers: the median of its events, in milliseconds."""

    viewers: int
    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)

    @property
    def comparison(self) -> Comparison:
        """Ours and theirs."""
        return Comparison(f"ms, 1 event to {self.viewers} viewers", "stock Strawberry", self.ours, self.theirs)


async def measure(
    rounds: int, viewers: Sequence[int], events: int, directory: Path, tell: Callable[[str], None]
) -> list[FanOut]:
    """Rounds of both, in turn, for each number of viewers."""
    database = directory / "feed.db"
    peer: list[str | Path] = [sys.executable, Path(__file__).with_name("stock_strawberry.py")]
    found = [FanOut(size) for size in viewers]
    async with (
        serving_ours(database) as ours,
        serving(peer, directory / "peer.log") as theirs,
    ):
        for one in found:
            for number in range(1, rounds + 1):
                tell(f"1 event to {one.viewers} viewers, round {number} of {rounds}")
                async with calling(ours) as caller:
                    deploy = await caller.start()
                told, taken = await _round(ours, deploy, one.viewers, events)
                one.ours.append(taken)
                told_too, taken = await _round(theirs, "a-deploy", one.viewers, events)
                one.theirs.append(taken)
                if _shape(told) != _shape(told_too):
                    raise RuntimeError(f"the peer tells something else: {told_too}, not {told}")
    return found


async def _round(url: str, deploy: str, size: int, events: int) -> tuple[Any, float]:
    """An event as it was received, and how many milliseconds one takes."""
    taken = []
    walk = reports()
    async with viewing(url, deploy, size) as gathered:
        for number in range(_WARM_UP + events):
            # Ours reads the log once more for every viewer when all have been told.
            await asyncio.sleep(0.1 + size / 1000)
            async with calling(url) as caller:  # anew: a server closes a connection that is idle for some seconds
                told, milliseconds = await _event(caller, gathered, deploy, walk)
            if number >= _WARM_UP:
                taken.append(milliseconds)
    return told, median(taken)


async def _event(caller: Callers, gathered: Crowd, deploy: str, walk: Iterator[tuple[int, str]]) -> tuple[Any, float]:
    attempt, status = next(walk)
    with quiet():
        began = time.perf_counter()
        _, (last, messages) = await asyncio.gather(caller.report(deploy, attempt, status), gathered.last_receipt())
    told = [crowd.event(message) for message in messages]
    if any((one["entry"]["attempt"], one["entry"]["toStatus"]) != (attempt, status) for one in told):
        raise RuntimeError(f"not everyone was told of {status} in attempt {attempt}")
    return told[0], (last - began) * 1000


def _shape(value: Any) -> Any:
    """The names in an answer, without the values."""
    if isinstance(value, dict):
        return {name: _shape(inner) for name, inner in value.items()}
    return [_shape(inner) for inner in value] if isinstance(value, list) else None
