"""A connection that answers at once, for work that a thread or a greenlet does from its beginning to its end."""

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, TypeVar

from sqlalchemy import Connection, CursorResult, Executable
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncResult
from sqlalchemy.ext.asyncio.base import asyncstartablecontext
from sqlalchemy.pool import PoolProxiedConnection

Result = TypeVar("Result")


class DirectConnection(AsyncConnection):
    """In form it is awaited, as the other one is, so that verbs are written once; but nothing in it ever waits for a
    loop. What is sent to a file is done when the call returns, so a thread of its own costs more than it gives; and
    where a server is asked, it is the greenlet around all of the work that waits.
    """

    def __init__(self, sync: Connection) -> None:
        self.sync_connection = sync
        self.sync_engine = sync.engine

    @property
    def direct(self) -> Connection:
        """The connection beneath, for those who are in the thread already."""
        return self._proxied

    async def execute(self, statement: Executable, *given: Any, **options: Any) -> CursorResult[Any]:
        """As SQLAlchemy's."""
        return self._proxied.execute(statement, *given, **options)

    async def exec_driver_sql(self, statement: str, *given: Any, **options: Any) -> CursorResult[Any]:
        """As SQLAlchemy's."""
        return self._proxied.exec_driver_sql(statement, *given, **options)

    @asyncstartablecontext
    async def stream(self, statement: Executable, *given: Any, **options: Any) -> AsyncIterator[AsyncResult[Any]]:
        """As SQLAlchemy's: rows are read as they are asked for."""
        result = AsyncResult(self._proxied.execute(statement, *given, **options))
        try:
            yield result
        finally:
            await result.close()

    async def run_sync(self, fn: Callable[..., Result], *given: Any, **named: Any) -> Result:
        """As SQLAlchemy's."""
        return fn(self._proxied, *given, **named)

    async def get_raw_connection(self) -> PoolProxiedConnection:
        """As SQLAlchemy's."""
        return self._proxied.connection


def finished(work: Coroutine[Any, Any, Result]) -> Result:
    """What `work` returns, which waits for nothing but a direct connection."""
    try:
        work.send(None)
    except StopIteration as done:
        result: Result = done.value
        return result
    work.close()
    raise RuntimeError("a transaction waits for something else, and keeps what it holds from everybody meanwhile")
