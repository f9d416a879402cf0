"""Transactions on the database, to read or to write, and whether it answers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from math import ceil
from typing import Any, TypeVar

import structlog
from sqlalchemy.exc import DBAPIError, SQLAlchemyError, TimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import metrics
from phaseline.databases import database_at, is_away
from phaseline.databases.kind import Work
from phaseline_schema.refusals import Refusal

log = structlog.get_logger(__name__)

# How long a read of an operation or a follower waits for its turn, in seconds.
_TURN = 10

Result = TypeVar("Result")
Run = Callable[[Work[Result]], Awaitable[Result]]


class _Stale(Exception):
    """The connection had died before the transaction, or in it; nothing was committed."""


class Store:
    """Hands out connections inside a transaction."""

    def __init__(self, url: str, pool_size: int = 10, *, only_reads: bool = False) -> None:
        self.database = database_at(url, pool_size, only_reads=only_reads)
        # A quarter of the connections is left to callbacks, and to looking up who calls.
        most = min(pool_size, self.database.most_reads)
        self._turns = asyncio.Semaphore(max(1, most - ceil(most / 4)))

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection that sees one state of the log throughout."""
        with metrics.transaction("read", self.database.pool):
            async with self.database.reading() as connection:
                yield connection

    @asynccontextmanager
    async def writing(self, deploy_id: str | None = None) -> AsyncIterator[AsyncConnection]:
        """A connection whose transaction is committed at the end, or undone where an error left it.

        `deploy_id`: the deploy that it changes, where there is one already.
        """
        with metrics.transaction("write", self.database.pool):
            async with self.database.writing(deploy_id) as connection:
                yield connection

    @asynccontextmanager
    async def migrating(self) -> AsyncIterator[AsyncConnection]:
        """The same, while nobody else migrates."""
        async with self.writing() as connection:
            await self.database.alone(connection)
            yield connection

    async def read(self, work: Work[Result]) -> Result:
        """What `work` finds, given a connection as `reading` has it. It ends even where its caller is cancelled."""
        return await to_the_end(self._read(work))

    async def look(self, work: Work[Result]) -> Result:
        """The same for work that consists of one statement, and has no need of a transaction around it."""
        return await to_the_end(self._run("read", work, self.database.look))

    async def read_in_turn(self, work: Work[Result]) -> Result:
        """The same, for operations and followers: however many of them come, the others find connections.

        Who waits for a turn here holds none, and gives the turn up where its caller is cancelled. Raises TimeoutError.
        """
        async with asyncio.timeout(_TURN):
            await self._turns.acquire()
        return await to_the_end(self._in_turn(work))

    async def write(self, work: Work[Result], deploy_id: str | None = None) -> Result:
        """The same, given a connection as `writing` has it."""
        return await to_the_end(self._run("write", work, partial(self.database.write, deploy_id=deploy_id)))

    async def close(self) -> None:
        """Give all connections back."""
        await self.database.close()

    async def _read(self, work: Work[Result]) -> Result:
        return await self._run("read", work, self.database.read)

    async def _in_turn(self, work: Work[Result]) -> Result:
        try:
            return await self._read(work)
        finally:
            self._turns.release()

    async def _run(self, kind: metrics.Kind, work: Work[Result], run: Run[Result]) -> Result:
        try:
            with metrics.transaction(kind, self.database.pool):
                async with asyncio.timeout(self.database.seconds):
                    try:
                        return await run(partial(_unless_stale, work))
                    except _Stale:  # the pool now knows, and makes a new one
                        return await run(work)
        except Exception as error:
            if isinstance(error, SQLAlchemyError) or is_unavailable(error):
                metrics.database_error()
            raise


async def _unless_stale(work: Work[Result], connection: AsyncConnection) -> Result:
    """Before the commit there is nothing to be in doubt about: the same may be done once more."""
    try:
        return await work(connection)
    except DBAPIError as error:
        if error.connection_invalidated:
            raise _Stale from error
        raise


async def to_the_end(work: Coroutine[Any, Any, Result]) -> Result:
    """What `work` returns. It goes on to its end even where its caller is cancelled, as when a viewer vanishes.

    A connection that is dropped in the middle of a statement is lost to the pool, and who closes it is cancelled in
    turn; and what has been recorded has to be told.
    """
    running = asyncio.create_task(work)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        running.add_done_callback(_unheard)
        raise


def _unheard(done: asyncio.Task[Any]) -> None:
    """Nobody is left to be told of an error. What its caller would have been told is no news; a fault of ours is."""
    error = None if done.cancelled() else done.exception()
    if error is not None and not isinstance(error, Refusal) and not is_unavailable(error):
        log.error("unexpected error, of which no caller was told", exc_info=error)


def is_unavailable(error: BaseException) -> bool:
    """Whether an error says that the database does not answer, so that the same may work later."""
    return isinstance(error, TimeoutError | asyncio.TimeoutError) or is_away(error)


def reason(error: BaseException) -> str:
    """In one line, what the driver said: where it stands in the server's code tells nothing of why it is away."""
    if isinstance(error, TimeoutError | asyncio.TimeoutError):
        return "no answer in time"
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    first, *_ = str(cause).splitlines() or [""]
    return f"{type(cause.__cause__ or cause).__name__}: {first}".removesuffix(": ")
