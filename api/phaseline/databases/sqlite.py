"""SQLite: one file, one writer at a time, no set-up."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from phaseline.databases.turns import in_turn

# How long a writer waits for another one, in milliseconds: far longer than a commit takes, far
# shorter than a caller's time-out.
_BUSY_MS = 5000

# How long a writer waits for its turn among those of this process, in seconds. All waits together
# are shorter than the 15 seconds after which a workflow gives up, so it is told why.
_TURN_SECONDS = 5

# How long a connection is waited for, in seconds.
_POOL = 3

_URI = "file:"

_PRAGMAS = (
    "PRAGMA synchronous = FULL",  # an acknowledged callback survives the loss of power
    "PRAGMA foreign_keys = ON",
    f"PRAGMA busy_timeout = {_BUSY_MS}",
)


class SQLite:
    """A database in a file, which several processes of one machine may share."""

    reading: Mapping[str, Any] = {}
    # Holds the file's one write lock from its first statement on, so what it has read cannot be overtaken.
    writing: Mapping[str, Any] = {"phaseline_writes": True}
    # Nothing on a file of this machine waits longer than its turn and its lock.
    seconds: float | None = None
    # Nobody tells what another process has written: it is looked for.
    listen = None

    def __init__(self, url: str, *, only_reads: bool = False) -> None:
        self._path = make_url(url).database or ""
        self._opened = _only_read(self._path) if only_reads else self._path
        # `uri` tells SQLAlchemy that this is no name of a file; the rest is SQLite's.
        found = make_url(f"sqlite+aiosqlite:///{self._opened}&uri=true") if only_reads else make_url(url)
        self.engine = create_async_engine(found, hide_parameters=True, pool_timeout=_POOL)
        self._turn = asyncio.Lock()
        _prepare(self.engine.sync_engine, self._path, only_reads)

    def try_to_open(self) -> None:
        """The asynchronous driver raises the same, but from a thread that is still busy when its loop has gone."""
        sqlite3.connect(self._opened, uri=self._opened.startswith(_URI)).close()

    @asynccontextmanager
    async def turn(self, deploy_id: str | None) -> AsyncIterator[None]:
        """First come, first served: of many that wait for SQLite's own lock, some never get it."""
        async with in_turn(self._turn, _TURN_SECONDS):
            yield

    async def only_reads(self, connection: AsyncConnection) -> bool:
        """Never: a file has no standby."""
        return False

    async def alone(self, connection: AsyncConnection) -> None:
        """A writer is alone as it is."""

    async def unhurried(self, connection: AsyncConnection) -> None:
        """A reader waits for nobody."""

    @asynccontextmanager
    async def as_it_lies(self, connection: AsyncConnection) -> AsyncIterator[None]:
        """Text that is not UTF-8 comes as the bytes that it is, instead of ending the statement."""
        driver: Any = (await connection.get_raw_connection()).driver_connection
        driver.text_factory = _text_or_bytes
        try:
            yield
        finally:
            with suppress(ValueError):  # it was closed meanwhile
                driver.text_factory = str

    def time_as_text(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """As it is."""
        return column

    def by_characters(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """As it does by itself."""
        return column


def is_away(error: BaseException) -> bool:
    """Whether an error says that the file could not be read or written now."""
    if isinstance(error, OperationalError | InterfaceError | sqlite3.OperationalError):
        return True
    # Nothing more special than this: the file is no database, or a damaged one.
    return type(error) in (DatabaseError, sqlite3.DatabaseError)


def _text_or_bytes(value: bytes) -> str | bytes:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def _only_read(path: str) -> str:
    """The address of a file that nothing is written to. SQLite makes files beside one that others may write; where it
    cannot, nobody has opened it, or they would be there: then it is taken for one that nobody changes."""
    file = Path(path).absolute()
    is_left_alone = not os.access(file.parent, os.W_OK) and not Path(f"{file}-wal").exists()
    return f"{file.as_uri()}?mode=ro{'&immutable=1' if is_left_alone else ''}"


def _prepare(engine: Any, path: str, only_reads: bool) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: Any, record: ConnectionPoolEntry) -> None:
        # The driver's own transaction control begins too late (with the first write, and never
        # for DDL); with it off, ours below is the only one.
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

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        writes = connection.get_execution_options().get("phaseline_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _file(path: str) -> tuple[int, int] | None:
    """What tells one file from another, whatever its name."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
