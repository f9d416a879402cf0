"""An end to how long a viewer may leave unread what it is sent."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, cast

import structlog
import uvicorn

from phaseline import metrics
from phaseline.connections import Connections

# What is kept for a viewer beside what operating systems take: beyond this, whoever sends to it has to wait. In bytes.
BACKLOG = 64 * 1024

log = structlog.get_logger(__name__)


class Config(uvicorn.Config):
    """uvicorn's, and what these protocols need: `stall_seconds` is how long a full connection may take nothing,
    `headers` go with every answer that no application has seen."""

    def __init__(
        self, app: Any, *, stall_seconds: float, held: Connections, headers: Mapping[str, str], **more: Any
    ) -> None:
        super().__init__(app, **more)
        self.stall_seconds = stall_seconds
        self.held = held
        self.last_headers = headers


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


class Watched(asyncio.Protocol):
    """What either protocol does in the same way."""

    config: uvicorn.Config
    client: tuple[str, int] | None
    _was_cut = False

    def cut(self) -> None:
        """End it, because what it is sent is not read. It is said once, however often it is."""
        if not self._was_cut:
            self._was_cut = True
            metrics.cut_off("too slow")
            log.warning("viewer cut off, because it does not read", client=":".join(map(str, self.client or ())))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As inherited, with a watch on it."""
        super().connection_made(transport)
        self._patience = Patience(cast("asyncio.Transport", transport), self.config, self.cut)

    def connection_lost(self, exc: Exception | None) -> None:
        """As inherited."""
        self.let_go()
        super().connection_lost(exc)

    def let_go(self) -> None:
        """Watch no more. The watch leads back to what it watches, which would stay until somebody looks for garbage."""
        self._patience.end()
        del self._patience

    def pause_writing(self) -> None:
        """As inherited; the wait begins."""
        super().pause_writing()
        self._patience.begin()

    def resume_writing(self) -> None:
        """As inherited; the wait is over."""
        self._patience.end()
        super().resume_writing()
