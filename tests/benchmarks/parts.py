"""What the database's part of a callback and of an event takes, without HTTP, GraphQL or another process."""

import asyncio
import time
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from phaseline import deploys, history, revisions
from phaseline.graph import GraphCache
from phaseline.identity import ANYBODY
from phaseline.store import Store
from phaseline_schema.records import Callback, Start
from tests.benchmarks.quiet import quiet
from tests.benchmarks.reports import reports

# How many of each are measured, and how many viewers read at once.
_TIMES = 480
AT_ONCE = 96


@dataclass(frozen=True)
class Parts:
    """Both in milliseconds, as means."""

    callback: float
    read: float


async def measure(database: Path) -> Parts:
    """On a file of its own: the verb with its commit, and a follower's read among others of its kind."""
    store = Store(f"sqlite+aiosqlite:///{database}")
    try:
        await revisions.prepare(store, None)
        graphs = GraphCache()
        wanted = Start("production", "main", "console", None)
        deploy = await store.write(partial(deploys.start, graphs=graphs, identity=ANYBODY, wanted=wanted))
        apply = partial(deploys.apply, graphs=graphs, identity=ANYBODY)
        callbacks = [Callback(deploy.id, status, attempt, None, None, None) for attempt, status in _some(2 * _TIMES)]

        async def report(given: list[Callback]) -> None:
            for callback in given:
                await store.write(partial(apply, callback=callback))

        async def read() -> None:
            newest = partial(history.entries_between, deploy_id=deploy.id, after=2 * _TIMES, upto=3 * _TIMES)
            for _ in range(_TIMES // AT_ONCE):
                await asyncio.gather(*(store.read(newest) for _ in range(AT_ONCE)))

        await report(callbacks[:_TIMES])
        with quiet():
            began = time.perf_counter()
            await report(callbacks[_TIMES:])
            reported = time.perf_counter()
        await read()
        with quiet():
            reading = time.perf_counter()
            await read()
            ended = time.perf_counter()
    finally:
        await store.close()
    return Parts(1000 * (reported - began) / _TIMES, 1000 * (ended - reading) / _TIMES)


def _some(times: int) -> list[tuple[int, str]]:
    return list(islice(reports(), times))
