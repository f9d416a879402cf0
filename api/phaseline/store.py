"""The database: engine, transactions, and everything in which one database differs from another."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import (
    DatabaseError,
    DBAPIError,
    DisconnectionError,
    InterfaceError,
    OperationalError,
    TimeoutError,
)
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

# How long a writer waits for another one, in milliseconds: far longer than a commit takes, far
# shorter than a caller's time-out.
_SQLITE_BUSY_MS = 5000

# How long a writer waits for its turn among those of this process, in seconds. Both waits together
# are shorter than the 15 seconds after which a workflow gives up, so it is told why.
_TURN_SECONDS = 8

_SQLITE_PRAGMAS = (
    "PRAGMA synchronous = FULL",  # an acknowledged callback survives the loss of power
    "PRAGMA foreign_keys = ON",
    f"PRAGMA busy_timeout = {_SQLITE_BUSY_MS}",
)

Result = TypeVar("Result")
Work = Callable[[AsyncConnection], Awaitable[Result]]


class Store:
    """Hands out connections inside a transaction, to read or to write."""

    def __init__(self, url: str) -> None:
        self._engine = create_async_engine(url, hide_parameters=True)
        self._turn: asyncio.Lock | None = None
        if make_url(url).get_backend_name() == "sqlite":
            _prepare_sqlite(self._engine.sync_engine, make_url(url).database or "")
            self._turn = asyncio.Lock()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection that sees one state of the log throughout."""
        async with self._engine.connect() as connection:
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A connection whose transaction is committed at the end, or undone where an error left it.

        On SQLite it holds the file's one write lock from its first statement on, so what it has
        read cannot be overtaken by another writer.
        """
        async with self._in_turn(), self._engine.connect() as connection:
            await connection.execution_options(phaseline_writes=True)
            async with connection.begin():
                yield connection

    async def read(self, work: Work[Result]) -> Result:
        """What `work` finds, given a connection as `reading` has it. It ends even where its caller is cancelled."""

        async def run() -> Result:
            async with self.reading() as connection:
                return await work(connection)

        return await to_the_end(run())

    async def write(self, work: Work[Result]) -> Result:
        """The same, given a connection as `writing` has it."""

        async def run() -> Result:
            async with self.writing() as connection:
                return await work(connection)

        return await to_the_end(run())

    @asynccontextmanager
    async def _in_turn(self) -> AsyncIterator[None]:
        """First come, first served: of many that wait for SQLite's own lock, some never get it."""
        if self._turn is None:
            yield
            return
        async with asyncio.timeout(_TURN_SECONDS):
            await self._turn.acquire()
        try:
            yield
        finally:
            self._turn.release()

    async def close(self) -> None:
        """Give all connections back."""
        await self._engine.dispose()


async def to_the_end(work: Coroutine[Any, Any, Result]) -> Result:
    """What `work` returns. It goes on to its end even where its caller is cancelled, as when a viewer vanishes.

    A connection that is dropped in the middle of a statement is lost to the pool, and who closes it is cancelled in
    turn; and what has been recorded has to be told.
    """
    return await asyncio.shield(asyncio.create_task(work))


def is_unavailable(error: BaseException) -> bool:
    """Whether an error says that the database does not answer, so that the same may work later."""
    if isinstance(error, TimeoutError | asyncio.TimeoutError):
        return True
    if isinstance(error, OperationalError | InterfaceError | sqlite3.OperationalError):
        return True
    if type(error) is DatabaseError:  # SQLite: the file is no database, or a damaged one
        return True
    return isinstance(error, DBAPIError) and error.connection_invalidated


def try_to_open(url: str) -> None:
    """Raise sqlite3.OperationalError where the file cannot be opened.

    The asynchronous driver raises the same, but from a thread that is still busy when its loop has gone.
    """
    sqlite3.connect(make_url(url).database or "").close()


def _prepare_sqlite(engine: Any, path: str) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: Any, record: ConnectionPoolEntry) -> None:
        # The driver's own transaction control begins too late (with the first write, and never
        # for DDL); with it off, ours below is the only one.
        connection.isolation_level = None
        record.info["file"] = _file(path)
        cursor = connection.cursor()
        for pragma in _SQLITE_PRAGMAS:
            cursor.execute(pragma)
        # The file remembers this one, so it is said only of a file that is ours, or nobody's.
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        tables = {name for (name,) in cursor.fetchall()}
        if not tables or "audit_entries" in tables:
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
