"""SQLite: one file, one writer at a time, no set-up."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import copy_context
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import ConnectionPoolEntry

from phaseline import metrics
from phaseline.databases.direct import DirectConnection, finished
from phaseline.databases.kind import Work
from phaseline.databases.together import Outcome, Together
from phaseline.databases.turns import in_turn

# How long a writer waits for another one, in milliseconds: far longer than a commit takes, far
# shorter than a caller's time-out.
_BUSY_MS = 5000

# How long a writer waits for its turn among those of this process, in seconds. All waits together
# are shorter than the 15 seconds after which a workflow gives up, so it is told why.
_TURN_SECONDS = 5

# How long a connection is waited for, in seconds.
_POOL = 3

# How many connections are kept, and how many are opened at most.
_KEPT = 5
_MOST = 15

_URI = "file:"

# The execution option that says with which statement a transaction begins.
_BEGINS = "phaseline_begins"

_PRAGMAS = (
    "PRAGMA synchronous = FULL",  # an acknowledged callback survives the loss of power
    "PRAGMA foreign_keys = ON",
    f"PRAGMA busy_timeout = {_BUSY_MS}",
)


Result = TypeVar("Result")


class SQLite:
    """A database in a file, which several processes of one machine may share.

    A whole transaction is done by one thread at once: to go there and back for each statement costs more than they do.
    """

    # Nothing on a file of this machine waits longer than its turn and its lock.
    seconds: float | None = None
    # Nobody tells what another process has written: it is looked for.
    listen = None

    def __init__(self, url: str, *, only_reads: bool = False) -> None:
        self._path = make_url(url).database or ""
        self._opened = _only_read(self._path) if only_reads else self._path
        # `uri` tells SQLAlchemy that this is no name of a file; the rest is SQLite's.
        address = f"sqlite:///{self._opened}&uri=true" if only_reads else make_url(url).set(drivername="sqlite")
        self._engine = create_engine(
            address,
            hide_parameters=True,
            poolclass=QueuePool,
            pool_size=_KEPT,
            max_overflow=_MOST - _KEPT,
            pool_timeout=_POOL,
            connect_args={"check_same_thread": False},
        )
        self._readers = asyncio.Semaphore(_MOST - 1)  # one connection is the writer's
        self._threads = ThreadPoolExecutor(_MOST, "sqlite")
        self._turn = asyncio.Lock()
        self._together = Together(lambda: self._turn, lambda works: self._in_a_thread(partial(self._commit, works)))
        _prepare(self._engine, self._path, only_reads)
        self._reader = self._engine.execution_options(**{_BEGINS: "BEGIN"})
        # It holds the file's one write lock, so what is read cannot be overtaken.
        self._writer = self._engine.execution_options(**{_BEGINS: "BEGIN IMMEDIATE"})

    @property
    def pool(self) -> QueuePool:
        """Its connections."""
        assert isinstance(self._engine.pool, QueuePool)
        return self._engine.pool

    def try_to_open(self) -> None:
        """A pool would try it when it is first asked for a connection."""
        sqlite3.connect(self._opened, uri=self._opened.startswith(_URI)).close()

    async def read(self, work: Work[Result]) -> Result:
        """What `work` finds."""
        async with asyncio.timeout(_POOL):
            await self._readers.acquire()
        try:
            return await self._in_a_thread(partial(self._find, work))
        finally:
            self._readers.release()

    async def look(self, work: Work[Result]) -> Result:
        """To begin a transaction costs next to nothing here."""
        return await self.read(work)

    async def write(self, work: Work[Result], deploy_id: str | None) -> Result:
        """What `work` returns, which is committed together with whatever else waits."""
        result: Result = await self._together.write(work, _TURN_SECONDS)
        return result

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """For work of which there is one at a time, as that of a command: its statements keep the loop waiting."""
        with self._begun(self._reader) as connection:
            yield connection

    @asynccontextmanager
    async def writing(self, deploy_id: str | None) -> AsyncIterator[AsyncConnection]:
        """The same. First come, first served: of many that wait for SQLite's own lock, some never get it."""
        async with in_turn(self._turn, _TURN_SECONDS):
            with self._begun(self._writer) as connection:
                yield connection

    async def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()
        self._threads.shutdown(wait=False)

    async def _in_a_thread(self, job: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, copy_context().run, job)

    @contextmanager
    def _begun(self, engine: Engine) -> Iterator[DirectConnection]:
        with engine.begin() as connection:
            metrics.measure(self.pool)
            yield DirectConnection(connection)

    def _find(self, work: Work[Result]) -> Result:
        with self._begun(self._reader) as connection:
            return finished(work(connection))

    def _commit(self, works: Sequence[Work[Any]]) -> list[Outcome]:
        with self._begun(self._writer) as connection:
            if len(works) == 1:  # where it raises, all is undone
                return [Outcome(finished(works[0](connection)))]
            return [self._apart(connection, work) for work in works]

    def _apart(self, connection: DirectConnection, work: Work[Any]) -> Outcome:
        """One of several works: what it has written is undone where it raises, and the others are not."""
        sync = connection.direct
        sync.exec_driver_sql("SAVEPOINT apart")
        try:
            outcome = Outcome(finished(work(connection)))
        except Exception as error:
            if not _file_of(sync).in_transaction:  # the disk is full, say: all of them are undone
                raise
            sync.exec_driver_sql("ROLLBACK TO apart")
            outcome = Outcome(error=error)
        sync.exec_driver_sql("RELEASE apart")
        return outcome

    async def only_reads(self, connection: AsyncConnection) -> bool:
        """Never: a file has no standby."""
        return False

    async def alone(self, connection: AsyncConnection) -> None:
        """A writer is alone as it is."""

    async def settled(self, connection: AsyncConnection, since: int | None) -> tuple[bool, int]:
        """There is one writer at a time, and who reads sees what all before it have left."""
        return True, 0

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


def _file_of(connection: Connection) -> sqlite3.Connection:
    file = connection.connection.driver_connection
    assert isinstance(file, sqlite3.Connection)
    return file


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
        connection.exec_driver_sql(connection.get_execution_options()[_BEGINS])


def _file(path: str) -> tuple[int, int] | None:
    """What tells one file from another, whatever its name."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
