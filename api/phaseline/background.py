"""What goes on beside the requests for as long as the server runs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager


@asynccontextmanager
async def in_background(*endless: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Run these while the block runs. None of them ends by itself."""
    tasks = [asyncio.ensure_future(work()) for work in endless]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
