"""Who lets the limit tell everyone: one message over one socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from tests.benchmarks import limit, viewer


class SignalGiver:
    """Reports as callers do, as far as the limit understands it."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def report(self, deploy: str, attempt: int, status: str) -> None:
        """Whatever it is: the limit knows one event."""
        self._writer.write(viewer.frame(limit.SIGNAL))
        await self._writer.drain()


@asynccontextmanager
async def signalling(url: str) -> AsyncIterator[SignalGiver]:
    """One for the length of a block."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        writer.write(viewer.handshake(url))
        await reader.readuntil(b"\r\n\r\n")
        yield SignalGiver(writer)
    finally:
        writer.close()
        await writer.wait_closed()
