"""Writers of one process, one after another."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def in_turn(turn: asyncio.Lock, seconds: float) -> AsyncIterator[None]:
    """Hold the turn while the block runs: first come, first served. Raises TimeoutError where it comes too late."""
    async with asyncio.timeout(seconds):
        await turn.acquire()
    try:
        yield
    finally:
        turn.release()
