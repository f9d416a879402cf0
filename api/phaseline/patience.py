"""uvicorn's two protocols, with an end to how long a viewer may leave unread what it is sent, and a caller unsaid what
it has begun to say.

The middle of a connection is the only place for this: an ASGI application can neither write past a full buffer nor
abort a connection, and it is told of a request when its head is there, and of a message when it is whole.
"""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import h11
import structlog
import uvicorn
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from phaseline import metrics
from phaseline.connections import Connections
from phaseline.refusing import raw
from phaseline_schema.refusals import Refusal, RequestTimeout, TooManyConnections

# What is kept for a viewer beside what operating systems take: beyond this, whoever sends to it has to wait. In bytes.
BACKLOG = 64 * 1024

TRY_AGAIN_LATER = 1013
TOO_SLOW = "Too slow: come back with `after`"
INVALID_DATA = 1007
POLICY_VIOLATION = 1008
MESSAGE_TOO_BIG = 1009
SERVICE_RESTART = 1012
RESTARTING = "This server is stopping: come back with `after`"

# How long a viewer may take to read that its socket is closed and why, in seconds: one that was cut off, and one of a
# node that stops.
_FAREWELL = 5.0
_LAST_FAREWELL = 1.0

# How long the head of a request may take, and a message that comes in pieces, in seconds; and how many pieces.
HEAD_SECONDS = 10.0
MESSAGE_SECONDS = 20.0
_PIECES = 256

log = structlog.get_logger(__name__)


class Config(uvicorn.Config):
    """uvicorn's, with these protocols; `stall_seconds` is how long a full connection may take nothing."""

    def __init__(self, app: Any, *, stall_seconds: float, held: Connections, **more: Any) -> None:
        super().__init__(app, http=Http, ws=WebSocket, **more)
        self.stall_seconds = stall_seconds
        self.held = held


class Patience:
    """Calls `cut` when a connection has been full, and has taken nothing, for so many seconds."""

    def __init__(self, transport: asyncio.Transport, config: uvicorn.Config, cut: Callable[[], None]) -> None:
        assert isinstance(config, Config)
        transport.set_write_buffer_limits(high=BACKLOG)
        self._transport = transport
        self._seconds = config.stall_seconds
        self._cut = cut
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """The connection is full."""
        self._left = self._transport.get_write_buffer_size()
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._look)

    def end(self) -> None:
        """It is no longer, or there is none any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        if self._transport.get_write_buffer_size() < self._left:  # slow, but it reads
            self.begin()
        else:
            self._cut()


class _Watched(asyncio.Protocol):
    """What either protocol does in the same way."""

    config: uvicorn.Config

    def _cut(self) -> None:
        raise NotImplementedError

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As inherited, with a watch on it."""
        super().connection_made(transport)
        self._patience = Patience(cast("asyncio.Transport", transport), self.config, self._cut)

    def connection_lost(self, exc: Exception | None) -> None:
        """As inherited."""
        self._patience.end()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """As inherited; the wait begins."""
        super().pause_writing()
        self._patience.begin()

    def resume_writing(self) -> None:
        """As inherited; the wait is over."""
        self._patience.end()
        super().resume_writing()


class Http(_Watched, H11Protocol):
    """HTTP and SSE: who does not read an answer, or does not end the head of a request, loses the connection."""

    _due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As inherited, where there is room."""
        super().connection_made(transport)
        assert isinstance(self.config, Config)
        self._held = self.config.held
        if self._held.have_room(len(self.connections)):
            self._look()
        else:
            self._end_with(TooManyConnections())

    def connection_lost(self, exc: Exception | None) -> None:
        """As inherited."""
        self._stop_waiting()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """As inherited; a head that has begun to arrive has to end in time."""
        super().handle_events()
        self._look()

    def give_way(self) -> None:
        """Make room for somebody else."""
        self.transport.abort()

    def _look(self) -> None:
        if self.conn.their_state is not h11.IDLE or self.transport.is_closing():
            self._stop_waiting()
            return
        self._held.waits(self)
        # Between two requests uvicorn has a time-out of its own, which the first byte ends.
        if self._due is None and (self._has_begun() or self.cycle is None):
            self._due = self.loop.call_later(HEAD_SECONDS, self._too_late)

    def _has_begun(self) -> bool:
        return bool(self.conn.trailing_data[0])

    def _stop_waiting(self) -> None:
        self._held.no_longer_waits(self)
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _too_late(self) -> None:
        if self._has_begun():
            self._end_with(RequestTimeout(HEAD_SECONDS))
        else:  # a browser that keeps one ready; it did not ask, and is told nothing
            self.transport.close()

    def _end_with(self, refusal: Refusal) -> None:
        self.transport.write(raw(refusal))
        self.transport.close()
        self.loop.call_later(_FAREWELL, self.transport.abort)

    def shutdown(self) -> None:
        """As inherited; an answer that is under way has to be taken soon."""
        super().shutdown()
        self.loop.call_later(_LAST_FAREWELL, self.transport.abort)

    def _cut(self) -> None:
        _told(self.client)
        self.transport.abort()


class WebSocket(_Watched, WebSocketsSansIOProtocol):
    """WebSockets: who does not read is told so behind all that it has not read, and loses the connection."""

    _due: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        """As inherited; a message that comes in pieces has to end in time, and after not too many of them.

        The largest message bounds what pieces hold, and not how many are empty. One that comes as a single slow piece
        leaves no way to answer pings in between.
        """
        super().data_received(data)
        if self.close_sent:
            self.frames = []
        elif len(self.frames) > _PIECES:
            self._close(MESSAGE_TOO_BIG, "Too many pieces", _FAREWELL)
        elif self.frames and self._due is None:
            self._due = self.loop.call_later(MESSAGE_SECONDS, self._too_late)
        if not self.frames:
            self._stop_waiting()

    def send_receive_event_to_app(self) -> None:
        """As inherited; text that is none closes the socket, which uvicorn would log as an error of its own."""
        if self.curr_msg_data_type == "text" and self._is_open() and not _is_utf8(b"".join(self.frames)):
            self.frames = []
            self._close(INVALID_DATA, "Not UTF-8", _FAREWELL)
        else:
            super().send_receive_event_to_app()

    def connection_lost(self, exc: Exception | None) -> None:
        """As inherited."""
        self._stop_waiting()
        super().connection_lost(exc)

    def keepalive_timeout(self) -> None:
        """As inherited; who does not even read that, is not waited for."""
        super().keepalive_timeout()
        self.disconnected = True
        self.loop.call_later(_FAREWELL, self.transport.abort)

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
            self._close(POLICY_VIOLATION, "The message did not end in time", _FAREWELL)

    async def send(self, message: ASGISendEvent) -> None:
        """As inherited; a handshake that was refused by an answer is over, which uvicorn would log as an error."""
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            self.handshake_complete = True

    def handle_ping(self) -> None:
        """As inherited, but not for ever where the answers are never read: pongs do not wait their turn."""
        super().handle_ping()
        if self.transport.get_write_buffer_size() > 2 * BACKLOG:
            self._cut()

    def shutdown(self) -> None:
        """As inherited, with a reason; who does not read it soon loses the connection."""
        if self._is_open():
            self._close(SERVICE_RESTART, RESTARTING, _LAST_FAREWELL)
            return
        super().shutdown()
        self.loop.call_later(_LAST_FAREWELL, self.transport.abort)

    def _cut(self) -> None:
        _told(self.client)
        if self._is_open():
            self._close(TRY_AGAIN_LATER, TOO_SLOW, _FAREWELL)
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


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _told(client: tuple[str, int] | None) -> None:
    metrics.cut_off("too slow")
    log.warning("viewer cut off, because it does not read", client=":".join(map(str, client or ())))
