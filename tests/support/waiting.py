"""Waiting for what nobody tells of: it is looked for, until it is so."""

import asyncio
from collections.abc import Awaitable, Callable

# Far more than anything that is waited for takes; whatever hangs, fails.
SOON = 25


async def until(is_so: Callable[[], bool | Awaitable[bool]], seconds: float = SOON) -> None:
    """Return as soon as it is. Raises TimeoutError where it is not within these seconds."""
    async with asyncio.timeout(seconds):
        while True:
            answer = is_so()
            if answer if isinstance(answer, bool) else await answer:
                return
            await asyncio.sleep(0.02)
