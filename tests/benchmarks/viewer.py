"""A viewer that costs next to nothing: bytes that were made before, and a frame taken apart by its length alone.

A client library takes about as long for an event as the servers that are measured here; that would be in every figure.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA

# Where the length of a frame stands, by what its second byte says: from the third byte on, so many bytes of it.
_LONGER = {126: 2, 127: 8}


class Watched(Protocol):
    """Whoever wants to know what a viewer is told."""

    def told(self, message: bytes) -> None:
        """A message has come."""

    def lost(self, why: str) -> None:
        """The viewer is told nothing more."""


class Viewer(asyncio.Protocol):
    """One socket: it says who it is, follows, and passes on what it is told."""

    def __init__(self, head: bytes, greeting: bytes, question: bytes, watched: Watched) -> None:
        self.begun = asyncio.get_running_loop().create_future()
        self._head, self._greeting, self._question, self._watched = head, greeting, question, watched
        self._take: Callable[[bytes], None] = self._acknowledged
        self._open = False
        self._leaving = False
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for a socket."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._head)

    def data_received(self, data: bytes) -> None:
        """Take the frames that are complete."""
        data = self._rest + data if self._rest else data
        if not self._open:
            head, found, data = data.partition(b"\r\n\r\n")
            if not found:
                self._rest = head
                return
            self._opened(head)
        self._rest = self._frames(data)

    def connection_lost(self, error: Exception | None) -> None:
        """Tell it, unless it was to be."""
        if not self._leaving:
            self._watched.lost(f"a viewer was cut off: {error}")

    def part(self) -> None:
        """Its end is no loss from now on."""
        self._leaving = True

    def leave(self) -> None:
        """Go without a word."""
        self.part()
        self._transport.abort()

    def _opened(self, head: bytes) -> None:
        if not head.startswith(b"HTTP/1.1 101 "):
            self._watched.lost(f"no socket: {head!r}")
        self._open = True
        self._transport.write(self._greeting)

    def _frames(self, data: bytes) -> bytes:
        """Take all that are whole; the rest is returned."""
        at, size = 0, len(data)
        while size - at >= 2:
            length = data[at + 1]
            begin = at + 2
            if longer := _LONGER.get(length):
                length = int.from_bytes(data[begin : begin + longer], "big")
                begin += longer
            if begin > size or begin + length > size:
                break
            self._frame(data[at] & 0xF, data[begin : begin + length])
            at = begin + length
        return data[at:]

    def _frame(self, kind: int, payload: bytes) -> None:
        if kind == _TEXT:
            self._take(payload)
        elif kind == _PING:
            self._transport.write(frame(payload, _PONG))
        elif kind == _CLOSE and not self._leaving:
            self._watched.lost(f"a viewer was sent away: {payload!r}")

    def _acknowledged(self, payload: bytes) -> None:
        if b'"connection_ack"' not in payload:
            self._watched.lost(f"not acknowledged: {payload!r}")
        self._take = self._first
        self._transport.write(self._question)

    def _first(self, payload: bytes) -> None:
        self._take = self._watched.told
        self._watched.told(payload)
        if not self.begun.done():
            self.begun.set_result(None)


def frame(payload: bytes, kind: int = _TEXT) -> bytes:
    """A frame of a client's. Its mask is zero, which leaves the payload as it is."""
    short = len(payload) < 126
    length = b"" if short else len(payload).to_bytes(2, "big")
    return bytes([0x80 | kind, 0x80 | (len(payload) if short else 126)]) + length + bytes(4) + payload


def message(**members: Any) -> bytes:
    """A frame that holds a message of graphql-transport-ws."""
    return frame(json.dumps(members, separators=(",", ":")).encode())


def handshake(url: str) -> bytes:
    """The request for a socket. The key is an example of the standard's: nothing here checks the answer to it."""
    return (
        f"GET /graphql HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
    ).encode()
