"""The very statements that phaseline's verbs send to SQLite, so that a bare loop can send the same ones."""

import json
from dataclasses import asdict, dataclass, field
from functools import partial
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

# Whatever could make one connection faster or safer than another.
_PRAGMAS = (
    "journal_mode synchronous foreign_keys busy_timeout wal_autocheckpoint cache_size temp_store mmap_size".split()
)

Statement = tuple[str, list[Any]]


@dataclass
class Recording:
    """Transactions: the start of a deploy, then a callback each. And the pragmas of their connection."""

    pragmas: dict[str, str | int] = field(default_factory=dict)
    transactions: list[list[Statement]] = field(default_factory=list)

    def keep(self, path: Path) -> None:
        """As a file."""
        path.write_text(json.dumps(asdict(self)))


async def record(database: Path, callbacks: int) -> Recording:
    """What is sent for so many callbacks; the file is used for nothing else."""
    store = Store(f"sqlite+aiosqlite:///{database}")
    recording = Recording()

    def executed(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        if statement.startswith("BEGIN"):
            recording.transactions.append([])
        recording.transactions[-1].append((statement, list(parameters)))

    def committed(_connection: Any) -> None:
        recording.transactions[-1].append(("COMMIT", []))

    try:
        await revisions.prepare(store, None)
        recording.pragmas = await store.read(_pragmas)
        graphs = GraphCache()
        event.listen(Engine, "before_cursor_execute", executed)
        event.listen(Engine, "commit", committed)
        try:
            wanted = Start("production", "main", "console", None)
            deploy = await store.write(lambda connection: deploys.start(connection, graphs, ANYBODY, wanted))
            for _, (attempt, status) in zip(range(callbacks), reports(), strict=False):
                callback = Callback(deploy.id, status, attempt, None, None, None)
                await store.write(
                    partial(deploys.apply, graphs=graphs, identity=ANYBODY, callback=callback),
                )
        finally:
            event.remove(Engine, "before_cursor_execute", executed)
            event.remove(Engine, "commit", committed)
    finally:
        await store.close()
    return recording


async def _pragmas(connection: AsyncConnection) -> dict[str, str | int]:
    found = {}
    for name in _PRAGMAS:
        found[name] = (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
    return found
