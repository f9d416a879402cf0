"""uvicorn's two protocols, with an end to how long a viewer may leave unread what it is sent.

The middle of a connection is the only place for this: an ASGI application can neither write past a full buffer nor
abort a connection.
"""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import structlog
import uvicorn
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from phaseline import metrics

# What is kept for a viewer beside what operating systems take: beyond this, whoever sends to it has to wait. In bytes.
BACKLOG = 64 * 1024

TRY_AGAIN_LATER = 1013
TOO_SLOW = "Too slow: come back with `after`"
SERVICE_RESTART = 1012
RESTARTING = "This server is stopping: come back with `after`"

# How long a viewer may take to read that its socket is closed and why, in seconds: one that was cut off, and one of a
# node that stops.
_FAREWELL = 5.0
_LAST_FAREWELL = 1.0

log = structlog.get_logger(__name__)


class Config(uvicorn.Config):
    """uvicorn's, with these protocols; `stall_seconds` is how long a full connection may take nothing."""

    def __init__(self, app: Any, *, stall_seconds: float, **more: Any) -> None:
        super().__init__(app, http=Http, ws=WebSocket, **more)
        self.stall_seconds = stall_seconds


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
    """HTTP and SSE: who does not read an answer loses the connection."""

    def shutdown(self) -> None:
        """As inherited; an answer that is under way has to be taken soon."""
        super().shutdown()
        self.loop.call_later(_LAST_FAREWELL, self.transport.abort)

    def _cut(self) -> None:
        _told(self.client)
        self.transport.abort()


class WebSocket(_Watched, WebSocketsSansIOProtocol):
    """WebSockets: who does not read is told so behind all that it has not read, and loses the connection."""

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


def _told(client: tuple[str, int] | None) -> None:
    metrics.cut_off("too slow")
    log.warning("viewer cut off, because it does not read", client=":".join(map(str, client or ())))
