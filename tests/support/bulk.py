"""Writes a long history into a database in minutes, past the verbs: every row is one that they could have written.

.venv/bin/python -m tests.support.bulk phaseline.db 5000000
"""

import asyncio
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import asyncpg

from tests.support.database import migrate
from tests.support.invented import History, Row

_BATCH = 20_000

# Both tables, the deploys first; what an index or a trigger is not asked about costs no time.
_Batch = tuple[list[Row], list[Row]]


async def fill(database: Path | str, entries: int, *, seed: int = 0) -> None:
    """Migrate the SQLite file, or the database of this URL, which is to be empty, and write so many entries into it."""
    await migrate(database)
    if isinstance(database, Path):
        await asyncio.to_thread(_to_sqlite, database, entries, seed)
    else:
        await _to_postgresql(database, entries, seed)


def _batches(entries: int, seed: int) -> Iterator[_Batch]:
    """Deploys come when they are not to change any more."""
    history = History(seed)
    coming = history.entries(entries)
    while batch := list(islice(coming, _BATCH)):
        yield [ended.row for _, ended in batch if ended is not None], [entry for entry, _ in batch]
    yield [deploy.row for deploy in history.left()], []


def _to_sqlite(file: Path, entries: int, seed: int) -> None:
    """Triggers and indexes are put back in the end: an index of all rows is made faster than row by row."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        found = connection.execute(
            "SELECT type, name, sql FROM sqlite_master WHERE type IN ('trigger', 'index') AND sql IS NOT NULL"
        ).fetchall()
        for kind, name, _ in found:
            connection.execute(f"DROP {kind} {name}")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -1000000")
        for deploys, written in _batches(entries, seed):
            connection.execute("BEGIN")
            for table, rows in (("deploys", deploys), ("audit_entries", written)):
                if rows:
                    names = [*rows[0]]
                    into = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' for _ in names)})"
                    connection.executemany(into, ([_plain(row[name]) for name in names] for row in rows))
            connection.execute("COMMIT")
        for _, _, definition in found:
            connection.execute(definition)


def _plain(value: Any) -> Any:
    """A time as SQLAlchemy writes it."""
    return value.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(value, datetime) else value


async def _to_postgresql(url: str, entries: int, seed: int) -> None:
    connection = await asyncpg.connect(url.replace("+asyncpg", "", 1))
    try:
        await connection.execute("SET session_replication_role = replica")  # no triggers, foreign keys among them
        for deploys, written in _batches(entries, seed):
            for table, rows in (("deploys", deploys), ("audit_entries", written)):
                if rows:
                    values = [tuple(row.values()) for row in _alike(rows)]
                    await connection.copy_records_to_table(table, records=values, columns=[*_alike(rows)[0]])
        await connection.execute("SELECT setval(pg_get_serial_sequence('audit_entries', 'id'), $1)", entries)
        await connection.execute("ANALYZE")  # as autovacuum does after a while
    finally:
        await connection.close()


def _alike(rows: list[Row]) -> list[Row]:
    """With their columns in one order."""
    names = sorted(rows[0])
    return [{name: row[name] for name in names} for row in rows]


if __name__ == "__main__":
    target, count = sys.argv[1:]
    began = datetime.now(UTC)
    asyncio.run(fill(target if "://" in target else Path(target), int(count)))
    print(f"{count} entries in {datetime.now(UTC) - began}")
