"""The server's own connections to SQLite."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from phaseline.store import Store


async def test_the_server_s_own_connections_are_durable_and_hold_to_foreign_keys(database: Path) -> None:
    store = Store(f"sqlite:///{database}")
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}
    for opened in (store.reading, store.writing):
        async with opened() as connection:
            found = {name: (await connection.execute(text(f"PRAGMA {name}"))).scalar() for name in wanted}
        assert found == wanted
    await store.close()


async def test_of_two_writers_the_second_sees_what_the_first_has_written(database: Path) -> None:
    """A transaction that writes holds the lock from its first read on."""
    store = Store(f"sqlite:///{database}")
    async with store.writing() as connection:
        await connection.execute(text("SELECT 1"))
        other = sqlite3.connect(database, timeout=0, isolation_level=None)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()
    await store.close()
