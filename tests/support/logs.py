"""The log as it lies in the database, read past phaseline: every deploy's row, and its audit entries in order."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg

Row = dict[str, Any]

_TIMES = ("started_at", "updated_at", "finished_at", "recorded_at")


@dataclass
class Log:
    """A deploy: its row, None where it has none, and its entries by sequence."""

    id: str
    row: Row | None = None
    entries: list[Row] = field(default_factory=list)


async def read(database: Path | str) -> dict[str, Log]:
    """All deploys in this SQLite file, or in the database of this URL, by id."""
    rows = _from_postgresql if str(database).startswith("postgresql") else _from_sqlite
    deploys, entries = await rows(
        str(database), "SELECT * FROM deploys", "SELECT * FROM audit_entries ORDER BY sequence, id"
    )
    found = {row["id"]: Log(row["id"], row) for row in deploys}
    for entry in entries:
        found.setdefault(entry["deploy_id"], Log(entry["deploy_id"])).entries.append(entry)
    return found


async def _from_postgresql(url: str, *queries: str) -> list[list[Row]]:
    connection = await asyncpg.connect(url.replace("+asyncpg", "", 1))
    try:
        return [[_row(dict(row)) for row in await connection.fetch(query)] for query in queries]
    finally:
        await connection.close()


async def _from_sqlite(database: str, *queries: str) -> list[list[Row]]:
    with closing(sqlite3.connect(database.removeprefix("sqlite:///"))) as connection:
        connection.row_factory = sqlite3.Row
        return [[_row(dict(row)) for row in connection.execute(query)] for query in queries]


def _row(row: Row) -> Row:
    """With times in UTC: SQLite keeps them as text without an offset."""
    return {name: _time(value) if value and name in _TIMES else value for name, value in row.items()}


def _time(value: datetime | str) -> datetime:
    return datetime.fromisoformat(value).replace(tzinfo=UTC) if isinstance(value, str) else value.astimezone(UTC)
