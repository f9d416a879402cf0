"""A database file, seen past the server."""

import sqlite3
from pathlib import Path

from phaseline import revisions
from phaseline.store import Store


async def migrate(database: Path, revision: str = "head") -> None:
    """Bring the file to a revision."""
    store = Store(f"sqlite+aiosqlite:///{database}")
    try:
        async with store.writing() as connection:
            await revisions.migrate(connection, revision)
    finally:
        await store.close()


def change(database: Path, statement: str) -> None:
    """Execute a statement as somebody who knows nothing of phaseline would."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute(statement)
    connection.close()
