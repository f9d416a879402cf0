"""WebSockets: an end to how long a message may take to arrive, and to the pieces it may come in."""

import asyncio
from functools import lru_cache, partial
from typing import Any

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Request

from phaseline.connections import KNOWN, WIRE
from phaseline.protocols.closing import (
    FAREWELL,
    INVALID_DATA,
    LAST_FAREWELL,
    MESSAGE_TOO_BIG,
    POLICY_VIOLATION,
    RESTARTING,
    SERVICE_RESTART,
    TOO_SLOW,
    TRY_AGAIN_LATER,
)
from phaseline.protocols.handshakes import rejection
from phaseline.protocols.patience import BACKLOG, Config, Watched
from phaseline.refusing import raw
from phaseline_schema.refusals import NotUnderstood

# How long a message that comes in pieces may take, in seconds; and how many pieces.
MESSAGE_SECONDS = 20.0
PIECES = 256


class WebSocket(Watched, WebSocketsSansIOProtocol):
    """WebSockets: who does not read is told so behind all that it has not read, and loses the connection."""

    _due: asyncio.TimerHandle | None = None

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        assert isinstance(self.config, Config)
        self._held = self.config.held
        self._headers = self.config.last_headers
        self.conn.reject = partial(rejection, self._headers)  # type: ignore[method-assign]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As inherited; until it is known who is there, it makes room for others."""
        super().connection_made(transport)
        self._held.waits(self)

    def handle_connect(self, event: Request) -> None:
        """As inherited; the application is to say when it knows who is there."""
        super().handle_connect(event)
        if not self.close_sent:  # else nobody is asked
            self.scope["state"][KNOWN] = partial(self._held.no_longer_waits, self)
            self.scope["state"][WIRE] = self

    def give_way(self) -> None:
        """Make room for somebody else."""
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """As inherited; a message that comes in pieces has to end in time, and after not too many of them.

        The largest message bounds what pieces hold, and not how many are empty. One that comes as a single slow piece
        leaves no way to answer pings in between.
        """
        super().data_received(data)
        if not self.handshake_initiated:  # what no library would send; uvicorn leaves it without an answer
            self.transport.write(b"".join(self.conn.data_to_send()) or raw(NotUnderstood(), self._headers))
            self.handshake_complete = self.close_sent = True
            self.transport.close()
        elif self.close_sent:
            self.frames = []
        elif len(self.frames) > PIECES:
            self._close(MESSAGE_TOO_BIG, "Too many pieces", FAREWELL)
        elif self.frames and self._due is None:
            self._due = self.loop.call_later(MESSAGE_SECONDS, self._too_late)
        if not self.frames:
            self._stop_waiting()

    def send_receive_event_to_app(self) -> None:
        """As inherited; text that is none closes the socket, which uvicorn would log as an error of its own."""
        if self.curr_msg_data_type == "text" and self._is_open() and not _is_utf8(b"".join(self.frames)):
            self.frames = []
            self._close(INVALID_DATA, "Not UTF-8", FAREWELL)
        else:
            super().send_receive_event_to_app()

    def connection_lost(self, exc: Exception | None) -> None:
        """As inherited."""
        self._held.no_longer_waits(self)
        self._stop_waiting()
        super().connection_lost(exc)

    def keepalive_timeout(self) -> None:
        """As inherited; who does not even read that, is not waited for."""
        super().keepalive_timeout()
        self.disconnected = True
        self.loop.call_later(FAREWELL, self.transport.abort)

    def handle_parser_exception(self) -> None:
        """As inherited; whoever is still sending finds nobody, which uvicorn would take for a fault of the sender's."""
        super().handle_parser_exception()
        self.disconnected = True

    def _stop_waiting(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _too_late(self) -> None:
        if self._is_open():
            self._close(POLICY_VIOLATION, "The message did not end in time", FAREWELL)

    async def send(self, message: ASGISendEvent) -> None:
        """As inherited; a handshake that was refused by an answer is over, which uvicorn would log as an error."""
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            self.handshake_complete = True

    def tell(self, message: bytes) -> bool:
        """Send a text at once; False where the viewer has not read what was sent before, or has gone."""
        if not self.writable.is_set() or not self._is_open():
            return False
        self.transport.write(_head(len(message)) + message)
        return True

    async def tell_in_turn(self, message: bytes) -> None:
        """Send a text as soon as there is room. Raises ClientDisconnected where the viewer has gone."""
        while not self.tell(message):
            if not self._is_open():
                raise ClientDisconnected
            await self.writable.wait()  # of several that wait, the first may fill it again

    def handle_ping(self) -> None:
        """As inherited, but not for ever where the answers are never read: pongs do not wait their turn."""
        super().handle_ping()
        if self.transport.get_write_buffer_size() > 2 * BACKLOG:
            self.cut()

    def shutdown(self) -> None:
        """As inherited, with a reason; who does not read it soon loses the connection."""
        if self._is_open():
            self._close(SERVICE_RESTART, RESTARTING, LAST_FAREWELL)
            return
        super().shutdown()
        self.loop.call_later(LAST_FAREWELL, self.transport.abort)

    def cut(self) -> None:
        """As inherited."""
        super().cut()
        if self._is_open():
            self._close(TRY_AGAIN_LATER, TOO_SLOW, FAREWELL)
        else:
            self.transport.abort()

    def _is_open(self) -> bool:
        return self.handshake_complete and not self.close_sent and not self.transport.is_closing()

    def _close(self, code: int, reason: str, seconds: float) -> None:
        """Close it, however full it is; what waits to be sent is given up."""
        self.stop_keepalive()
        # First the reader, who ends the operations; then the senders, who find nobody to send to.
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.disconnected = True
        self.writable.set()
        self.transport.resume_reading()  # its answer to the close
        self.close_timer = self.loop.call_later(seconds, self.transport.abort)


@lru_cache(1024)
def _head(length: int) -> bytes:
    """What comes before a text of so many bytes."""
    return Frame(Opcode.TEXT, bytes(length)).serialize(mask=False)[:-length]


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
