"""The file of an SQLite database: its address, and connections to it."""

import os
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

# How long a writer waits for another one, in milliseconds: far longer than a commit takes, far
# shorter than a caller's time-out.
_BUSY_MS = 5000

_PRAGMAS = (
    "PRAGMA synchronous = FULL",  # an acknowledged callback survives the loss of power
    "PRAGMA foreign_keys = ON",
    f"PRAGMA busy_timeout = {_BUSY_MS}",
)


def only_read(path: str) -> str:
    """The address of a file that nothing is written to. SQLite makes files beside one that others may write; where it
    cannot, nobody has opened it, or they would be there: then it is taken for one that nobody changes."""
    file = Path(path).absolute()
    is_left_alone = not os.access(file.parent, os.W_OK) and not Path(f"{file}-wal").exists()
    return f"{file.as_uri()}?mode=ro{'&immutable=1' if is_left_alone else ''}"


def prepare(engine: Engine, path: str, only_reads: bool) -> None:
    """Have each of its connections set up, and held to the file that was opened; who begins a transaction says so."""

    @event.listens_for(engine, "connect")
    def connected(connection: Any, record: ConnectionPoolEntry) -> None:
        # The driver's own transaction control begins too late (with the first write, and never
        # for DDL); with it off, ours is the only one.
        connection.isolation_level = None
        record.info["file"] = _file(path)
        cursor = connection.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(pragma)
        # The file remembers this one, so it is said only of a file that is ours, or nobody's.
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        tables = {name for (name,) in cursor.fetchall()}
        if not only_reads and (not tables or "audit_entries" in tables):
            cursor.execute("PRAGMA journal_mode = WAL")
        cursor.close()

    @event.listens_for(engine, "checkout")
    def checked_out(_connection: Any, record: ConnectionPoolEntry, _proxy: Any) -> None:
        # Whoever has moved the file away, or put a backup in its place, would otherwise have
        # callbacks acknowledged that are in no file any more.
        if record.info["file"] != _file(path):
            raise DisconnectionError(f"{path} is another file than before")


def file_of(connection: PoolProxiedConnection) -> sqlite3.Connection:
    """The driver's own: what is a word to it takes longer to be said through SQLAlchemy than to be done."""
    file = connection.driver_connection
    assert isinstance(file, sqlite3.Connection)
    return file


def _file(path: str) -> tuple[int, int] | None:
    """What tells one file from another, whatever its name."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
