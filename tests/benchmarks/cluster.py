"""A PostgreSQL server that keeps what it acknowledges: the tests' own, with the safety that they do without."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from queue import SimpleQueue

from tests.support import postgres
from tests.support.postgres import Postgres


@asynccontextmanager
async def durable() -> AsyncIterator[Postgres]:
    """One of the newest version for the length of a block.

    It is started and stopped by a thread with asyncio's own loop: uvloop starts no process as somebody else.
    """
    started: SimpleQueue[Postgres | BaseException] = SimpleQueue()
    enough = threading.Event()
    holding = threading.Thread(target=lambda: asyncio.run(_hold(started, enough)))
    holding.start()
    try:
        found = await asyncio.to_thread(started.get)
        if isinstance(found, BaseException):
            raise found
        yield found
    finally:
        enough.set()
        await asyncio.to_thread(holding.join)


async def _hold(started: "SimpleQueue[Postgres | BaseException]", enough: threading.Event) -> None:
    try:
        async with postgres.running(postgres.VERSIONS[-1], fsync="on") as cluster:
            started.put(cluster)
            await asyncio.to_thread(enough.wait)
    except BaseException as error:
        started.put(error)
        raise
