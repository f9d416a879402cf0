"""Connections that say what no library would: heads without an end, frames by the byte."""

import asyncio
import os
import struct
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

HEAD = b"POST /graphql HTTP/1.1\r\nhost: phaseline\r\ncontent-type: application/json\r\n"


class Raw:
    """One TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def say(self, data: bytes) -> None:
        """Send these bytes, as far as the other side takes them."""
        self.writer.write(data)

    async def rest(self, seconds: float = 40) -> bytes:
        """All that still comes until the other side ends the connection, in good order or not."""
        heard = b""
        async with asyncio.timeout(seconds):
            try:
                while data := await self.reader.read(65_536):
                    heard += data
            except ConnectionError:
                pass
        return heard

    async def upgrade(self, *headers: str) -> bytes:
        """Make it a WebSocket, and return the status line of the answer."""
        lines = [
            "GET /graphql HTTP/1.1",
            "host: phaseline",
            "upgrade: websocket",
            "connection: upgrade",
            "sec-websocket-version: 13",
            f"sec-websocket-key: {b64encode(os.urandom(16)).decode()}",
            "sec-websocket-protocol: graphql-transport-ws",
            *headers,
        ]
        self.say("\r\n".join([*lines, "", ""]).encode())
        head = await self.reader.readuntil(b"\r\n\r\n")
        return head.split(b"\r\n")[0]

    async def hear(self) -> tuple[int, bytes]:
        """The next frame: its opcode and its payload. Raises EOFError or ConnectionError where none comes any more."""
        first, size = await self.reader.readexactly(2)
        if size == 126:
            (size,) = struct.unpack("!H", await self.reader.readexactly(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
        return first & 0x0F, await self.reader.readexactly(size)


def frame(opcode: int, payload: bytes, *, fin: bool = True, length: int | None = None) -> bytes:
    """A frame as clients send them; `length` is what it says of its length, where that is a lie."""
    size = len(payload) if length is None else length
    first = opcode | (0x80 if fin else 0)
    if size < 126:
        head = struct.pack("!BB", first, 0x80 | size)
    elif size < 65_536:
        head = struct.pack("!BBH", first, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", first, 0x80 | 127, size)
    return head + bytes(4) + payload  # a mask of noughts


async def _connect(url: str) -> Raw:
    """A connection to this server."""
    parts = urlsplit(url)
    return Raw(*await asyncio.open_connection(parts.hostname, parts.port))


@asynccontextmanager
async def connected(url: str, count: int) -> AsyncIterator[list[Raw]]:
    """So many of them, which are dropped in the end."""
    made = [await _connect(url) for _ in range(count)]
    try:
        yield made
    finally:
        for one in made:
            one.writer.transport.abort()
