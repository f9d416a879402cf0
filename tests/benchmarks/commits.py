"""Callbacks that are acknowledged when they are on the disk: over HTTP, and in a bare loop."""

import json
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks import bare_loop
from tests.benchmarks.callers import calling
from tests.benchmarks.figures import Comparison
from tests.benchmarks.ours import serving_ours
from tests.benchmarks.processes import output
from tests.benchmarks.recording import record
from tests.support.database import migrate

MANY = 32

# Callbacks that do not count, a round; divisible by MANY.
_WARM_UP = 3 * MANY

# How many times as many callbacks the bare loop has: it takes too little time for as many.
_LONGER = 4


@dataclass
class Commits:
    """Figures a round: how many a second; for the disk, how many milliseconds."""

    alone: list[float] = field(default_factory=list)
    together: list[float] = field(default_factory=list)
    reading: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    disk: list[float] = field(default_factory=list)

    @property
    def comparisons(self) -> list[Comparison]:
        """Each with the bare loop of the same rounds."""
        peer = "bare sqlite3 loop"
        return [
            Comparison("callbacks a second, 1 caller", peer, self.alone, self.bare),
            Comparison(f"callbacks a second, {MANY} callers", peer, self.together, self.bare),
        ]


async def measure(rounds: int, callbacks: int, directory: Path, tell: Callable[[str], None]) -> Commits:
    """Rounds on fresh files: the bare loop, then a server with one caller and with many."""
    recording = directory / "recording.json"
    (await record(directory / "recorded.db", _WARM_UP + _LONGER * callbacks)).keep(recording)
    found = Commits()
    for number in range(1, rounds + 1):
        tell(f"callbacks, round {number} of {rounds}")
        await _bare(found, recording, directory / f"bare-{number}.db")
        await _served(found, callbacks, directory / f"served-{number}.db")
    return found


async def _bare(found: Commits, recording: Path, database: Path) -> None:
    await migrate(database)
    printed = json.loads(await output(sys.executable, bare_loop.__file__, recording, database, str(_WARM_UP)))
    found.bare.append(printed["rate"])
    found.disk.append(printed["write_through"])


async def _served(found: Commits, total: int, database: Path) -> None:
    async with serving_ours(database) as url:
        async with calling(url) as caller:
            found.alone.append(await caller.callbacks_a_second(_WARM_UP, total))
        async with calling(url, MANY) as callers:
            found.together.append(await callers.callbacks_a_second(_WARM_UP, total))
            found.reading.append(await callers.answers_a_second("{ __typename }", total))
    with closing(sqlite3.connect(database)) as connection:
        (kept,) = connection.execute("SELECT count(*) FROM audit_entries WHERE kind = 'TRANSITION'").fetchone()
    if kept != 2 * (_WARM_UP + total):
        raise RuntimeError(f"{kept} callbacks are in the log, and {2 * (_WARM_UP + total)} were acknowledged")
