"""SQLite: one file, one writer at a time, no set-up."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, QueuePool, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import metrics
from phaseline.databases import files
from phaseline.databases.direct import DirectConnection, finished
from phaseline.databases.kind import Work
from phaseline.databases.together import Outcome, Together
from phaseline.databases.turns import in_turn

# How long a writer waits for its turn among those of this process, in seconds. All waits together
# are shorter than the 15 seconds after which a workflow gives up, so it is told why.
_TURN_SECONDS = 5

# How long a connection is waited for, in seconds.
_POOL = 3

# How many connections are kept, and how many are opened at most.
_KEPT = 5
_MOST = 15

# How a transaction begins: one that writes holds the file's one write lock, so what it reads cannot be overtaken.
_READING = "BEGIN"
_WRITING = "BEGIN IMMEDIATE"

_URI = "file:"

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
        self.most_reads = _MOST - 1  # one connection is the writer's
        self._path = make_url(url).database or ""
        self._opened = files.only_read(self._path) if only_reads else self._path
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
        self._readers = asyncio.Semaphore(self.most_reads)
        self._threads = ThreadPoolExecutor(_MOST, "sqlite")
        self._turn = asyncio.Lock()
        self._together = Together(lambda: self._turn, lambda works: self._in_a_thread(partial(self._commit, works)))
        files.prepare(self._engine, self._path, only_reads)

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
        return await self._read(work, _READING)

    async def _read(self, work: Work[Result], begins: str | None) -> Result:
        try:
            async with asyncio.timeout(_POOL):
                await self._readers.acquire()
        except TimeoutError:
            raise NoConnectionFree from None  # as a pool says it
        try:
            return await self._in_a_thread(partial(self._find, work, begins))
        finally:
            self._readers.release()

    async def look(self, work: Work[Result]) -> Result:
        """What one statement finds, which is a transaction by itself."""
        return await self._read(work, None)

    async def write(self, work: Work[Result], deploy_id: str | None) -> Result:
        """What `work` returns, which is committed together with whatever else waits."""
        result: Result = await self._together.write(work, _TURN_SECONDS)
        return result

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """For work of which there is one at a time, as that of a command: its statements keep the loop waiting."""
        with self._begun(_READING) as connection:
            yield connection

    @asynccontextmanager
    async def writing(self, deploy_id: str | None) -> AsyncIterator[AsyncConnection]:
        """The same. First come, first served: of many that wait for SQLite's own lock, some never get it."""
        async with in_turn(self._turn, _TURN_SECONDS):
            with self._begun(_WRITING) as connection:
                yield connection

    async def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()
        self._threads.shutdown(wait=False)

    async def _in_a_thread(self, job: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, copy_context().run, job)

    @contextmanager
    def _begun(self, begins: str | None) -> Iterator[DirectConnection]:
        """Not by an event: where an engine has one, SQLAlchemy asks for those of each statement."""
        with self._engine.begin() as connection:
            if begins is not None:
                files.file_of(connection.connection).execute(begins)
            metrics.measure(self.pool)
            yield DirectConnection(connection)

    def _find(self, work: Work[Result], begins: str | None) -> Result:
        with self._begun(begins) as connection:
            return finished(work(connection))

    def _commit(self, works: Sequence[Work[Any]]) -> list[Outcome]:
        with self._begun(_WRITING) as connection:
            if len(works) == 1:  # where it raises, all is undone
                return [Outcome(finished(works[0](connection)))]
            return [self._apart(connection, work) for work in works]

    def _apart(self, connection: DirectConnection, work: Work[Any]) -> Outcome:
        """One of several works: what it has written is undone where it raises, and the others are not."""
        file = files.file_of(connection.direct.connection)
        file.execute("SAVEPOINT apart")
        try:
            outcome = Outcome(finished(work(connection)))
        except Exception as error:
            if not file.in_transaction:  # the disk is full, say: all of them are undone
                raise
            file.execute("ROLLBACK TO apart")
            outcome = Outcome(error=error)
        file.execute("RELEASE apart")
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


def _text_or_bytes(value: bytes) -> str | bytes:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value
