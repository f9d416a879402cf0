"""Callbacks that are acknowledged when they are on the disk: over HTTP, and in a bare loop on the same database."""

import json
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Annotated

import typer

from phaseline.settings import Settings
from tests.benchmarks import bare_loop, bare_postgresql, running
from tests.benchmarks.callers import calling
from tests.benchmarks.cluster import durable
from tests.benchmarks.figures import Comparison
from tests.benchmarks.ours import serving_ours
from tests.benchmarks.processes import output
from tests.benchmarks.recording import record
from tests.support.database import migrate
from tests.support.postgres import Postgres

MANY = 32
WANTED = 0.5
POOL: int = Settings.model_fields["pool_size"].default

# Callbacks that do not count, a round; divisible by MANY.
_WARM_UP = 3 * MANY

DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


@dataclass
class Commits:
    """Figures a round of one database: how many a second; for the disk, how many milliseconds."""

    database: str
    alone: list[float] = field(default_factory=list)
    together: list[float] = field(default_factory=list)
    bare_alone: list[float] = field(default_factory=list)
    bare_together: list[float] = field(default_factory=list)
    disk: list[float] = field(default_factory=list)

    @property
    def comparisons(self) -> list[Comparison]:
        """Each with the bare loop of the same rounds."""
        what, peer = f"callbacks a second, {DATABASES[self.database]}", "the same statements in a bare loop"
        return [
            Comparison(f"{what}, 1 caller", peer, self.alone, self.bare_alone, WANTED),
            Comparison(f"{what}, {MANY} callers", peer, self.together, self.bare_together, WANTED),
        ]


async def measure(database: str, rounds: int, callbacks: int, directory: Path, tell: Callable[[str], None]) -> Commits:
    """Rounds on fresh databases: the bare loop, then a server with one caller and with many."""
    callbacks -= callbacks % MANY  # as many for every caller
    found = Commits(database)
    if database == "sqlite":
        await _on_sqlite(found, rounds, callbacks, directory, tell)
        return found
    async with durable() as cluster:
        await _on_postgresql(found, rounds, callbacks, directory, tell, cluster)
    return found


async def _on_sqlite(found: Commits, rounds: int, callbacks: int, directory: Path, tell: Callable[[str], None]) -> None:
    recording = directory / "sqlite.json"
    (await record(directory / "recorded.db", 1, _WARM_UP + callbacks)).keep(recording)
    for number in range(1, rounds + 1):
        tell(f"callbacks on SQLite, round {number} of {rounds}")
        bare, served = directory / f"bare-{number}.db", directory / f"served-{number}.db"
        await migrate(bare)
        printed = json.loads(await output(sys.executable, bare_loop.__file__, recording, bare, str(_WARM_UP)))
        found.bare_alone.append(printed["rate"])
        found.bare_together.append(printed["rate"])
        found.disk.append(printed["write_through"])
        await _served(found, callbacks, served, served.with_suffix(".log"))
        with closing(sqlite3.connect(served)) as connection:
            (kept,) = connection.execute("SELECT count(*) FROM audit_entries WHERE kind = 'TRANSITION'").fetchone()
        _complete(kept, callbacks)


async def _on_postgresql(
    found: Commits, rounds: int, callbacks: int, directory: Path, tell: Callable[[str], None], cluster: Postgres
) -> None:
    names = (f"round_{number}" for number in count(1))
    recordings = [directory / "alone.json", directory / "together.json"]
    for recording, many in zip(recordings, (1, MANY), strict=True):
        recorded = await record(await cluster.database(next(names)), many, (_WARM_UP + callbacks) // many)
        recorded.keep(recording)
    for number in range(1, rounds + 1):
        tell(f"callbacks on PostgreSQL, round {number} of {rounds}")
        for recording, many, rates in zip(recordings, (1, MANY), (found.bare_alone, found.bare_together), strict=True):
            url = await cluster.database(next(names))
            await migrate(url)
            plain = url.replace("+asyncpg", "", 1)
            arguments = (recording, plain, str(_WARM_UP // many), str(min(many, POOL)))
            rates.append(json.loads(await output(sys.executable, bare_postgresql.__file__, *arguments))["rate"])
        url = await cluster.database(next(names))
        await _served(found, callbacks, url, directory / f"served-{number}.log")
        (row,) = await cluster.fetch("SELECT count(*) FROM audit_entries WHERE kind = 'TRANSITION'", database=url)
        _complete(row[0], callbacks)


async def _served(found: Commits, total: int, database: Path | str, log: Path) -> None:
    async with serving_ours(database, log) as served:
        async with calling(served.url) as caller:
            found.alone.append(await caller.callbacks_a_second(_WARM_UP, total))
        async with calling(served.url, MANY) as callers:
            found.together.append(await callers.callbacks_a_second(_WARM_UP, total))


def _complete(kept: int, total: int) -> None:
    if kept != 2 * (_WARM_UP + total):
        raise RuntimeError(f"{kept} callbacks are in the log, and {2 * (_WARM_UP + total)} were acknowledged")


def main(
    database: Annotated[str, typer.Option(help="sqlite, postgresql; separated by commas.")] = "sqlite,postgresql",
    rounds: int = 3,
    callbacks: int = 384,
) -> None:
    """Measure callbacks and their commits."""
    for name in database.split(","):
        running.show(running.run(partial(measure, name, rounds, callbacks)).comparisons)


if __name__ == "__main__":
    typer.run(main)
