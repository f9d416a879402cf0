"""One HTTP/1.1 connection that is kept open, and does no more than a request needs.

A client library takes about as long for a request as the bare loop for a callback; that would be in every figure.
"""

import asyncio
import re
from typing import Self
from urllib.parse import urlsplit

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)

# How long one answer may take, in seconds.
_PATIENCE = 60


class Connection:
    """To the GraphQL endpoint of one server."""

    def __init__(self, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._head = f"POST /graphql HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n"
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, url: str) -> Self:
        """A new one."""
        address = urlsplit(url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        return cls(address.netloc, reader, writer)

    async def post(self, body: bytes, token: str) -> bytes:
        """The body of the answer to whoever has this token."""
        head = f"{self._head}authorization: Bearer {token}\r\ncontent-length: {len(body)}\r\n\r\n"
        self._writer.write(head.encode() + body)
        try:
            async with asyncio.timeout(_PATIENCE):
                answer = await self._reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(answer)
                if length is None:
                    raise RuntimeError(f"an answer of unknown length: {answer!r}")
                return await self._reader.readexactly(int(length[1]))
        except asyncio.IncompleteReadError:  # an EOFError, which typer would take for a wish to end
            raise RuntimeError("the server closed the connection") from None

    async def close(self) -> None:
        """Close it."""
        self._writer.close()
        await self._writer.wait_closed()
