"""A database, seen past the server."""

import sqlite3
from pathlib import Path

from phaseline import revisions
from phaseline.store import Store


def address(database: Path | str) -> str:
    """The URL of a database: an SQLite file has one made for it, a URL stays as it is."""
    return database if isinstance(database, str) else f"sqlite:///{database}"


def settings_on(database: Path | str) -> dict[str, str]:
    """On PostgreSQL wake-ups go from node to node; on SQLite each looks for what the other has written."""
    return {"poll_seconds": "0.1"} if isinstance(database, Path) else {}


async def migrate(database: Path | str, revision: str = "head") -> None:
    """Bring the file, or the database of this URL, to a revision."""
    store = Store(address(database))
    try:
        async with store.migrating() as connection:
            await revisions.migrate(connection, revision)
    finally:
        await store.close()


def change(database: Path, statement: str) -> None:
    """Execute a statement as somebody who knows nothing of phaseline would."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute(statement)
    connection.close()


def drop(database: Path, kind: str, name: str = "%") -> None:
    """Drop every trigger, or index, with a name like this: to see that what stands before it holds as well."""
    connection = sqlite3.connect(database, isolation_level=None)
    found = "SELECT name FROM sqlite_master WHERE type = ? AND name LIKE ? AND sql IS NOT NULL"
    for (dropped,) in connection.execute(found, (kind, name)).fetchall():
        connection.execute(f"DROP {kind} {dropped}")
    connection.close()
