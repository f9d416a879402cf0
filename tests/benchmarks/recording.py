"""The very statements that phaseline's verbs send to a database, so that a bare loop can send the same ones."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import deploys, revisions
from phaseline.graph import GraphCache
from phaseline.identity import ANYBODY
from phaseline.store import Store
from phaseline_schema.records import Callback, Start
from tests.benchmarks.reports import reports
from tests.support.database import address

# Whatever could make one connection faster or safer than another.
_PRAGMAS = (
    "journal_mode synchronous foreign_keys busy_timeout wal_autocheckpoint cache_size temp_store mmap_size".split()
)

Statement = tuple[str, list[Any]]
Transaction = list[Statement]


@dataclass
class Recording:
    """For each of several deploys its transactions: its start, then a callback each. And what pragmas there are."""

    pragmas: dict[str, str | int] = field(default_factory=dict)
    deploys: list[list[Transaction]] = field(default_factory=list)

    def keep(self, path: Path) -> None:
        """As a file. A time is kept as an object that holds it."""
        path.write_text(json.dumps(vars(self), default=_time))


async def record(database: Path | str, many: int, callbacks: int) -> Recording:
    """What is sent for so many callbacks on each of so many deploys; the database is used for nothing else."""
    store, recording = Store(address(database)), Recording()
    try:
        await revisions.prepare(store, None)
        if isinstance(database, Path):
            recording.pragmas = await store.read(_pragmas)
        graphs = GraphCache()
        for _ in range(many):
            with _listening() as transactions:
                await _walk(store, graphs, callbacks)
            recording.deploys.append(transactions)
    finally:
        await store.close()
    return recording


async def _walk(store: Store, graphs: GraphCache, callbacks: int) -> None:
    wanted = Start("production", "main", "console", None)
    deploy = (await store.write(lambda connection: deploys.start(connection, graphs, ANYBODY, wanted))).deploy
    for attempt, status in islice(reports(), callbacks):
        callback = Callback(deploy.id, status, attempt, None, None, None)
        await store.write(partial(deploys.apply, graphs=graphs, identity=ANYBODY, callback=callback), deploy.id)


@contextmanager
def _listening() -> Iterator[list[Transaction]]:
    """The transactions of a block. How one begins, none is told: on a file we say it, on a server the driver does."""
    transactions: list[Transaction] = []

    def begun(connection: Any) -> None:
        is_sqlite = connection.dialect.name == "sqlite"
        transactions.append([("BEGIN IMMEDIATE" if is_sqlite else "BEGIN ISOLATION LEVEL READ COMMITTED", [])])

    def executed(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        transactions[-1].append((statement, list(parameters)))

    def committed(_connection: Any) -> None:
        transactions[-1].append(("COMMIT", []))

    listeners: dict[str, Callable[..., None]] = {"begin": begun, "before_cursor_execute": executed, "commit": committed}
    for name, listener in listeners.items():
        event.listen(Engine, name, listener)
    try:
        yield transactions
    finally:
        for name, listener in listeners.items():
            event.remove(Engine, name, listener)


def _time(value: Any) -> dict[str, str]:
    assert isinstance(value, datetime), f"how is {value!r} kept?"
    return {"time": value.isoformat()}


async def _pragmas(connection: AsyncConnection) -> dict[str, str | int]:
    found = {}
    for name in _PRAGMAS:
        found[name] = (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
    return found
