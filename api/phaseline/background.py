"""What goes on beside the requests for as long as the server runs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

log = structlog.get_logger(__name__)

# The pause before something that broke off is begun again, in seconds.
_PAUSE = 1.0


@asynccontextmanager
async def in_background(*endless: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Run these while the block runs. None of them is to end by itself; one that does is begun again."""
    tasks = [asyncio.create_task(_again_and_again(work)) for work in endless]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _again_and_again(work: Callable[[], Awaitable[None]]) -> None:
    task = asyncio.current_task()
    assert task is not None
    while True:
        try:
            await work()
        except (Exception, asyncio.CancelledError) as error:
            if task.cancelling():
                raise
            log.error("something in the background broke off, and is begun again", exc_info=error)
        await asyncio.sleep(_PAUSE)
