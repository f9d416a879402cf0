"""Runs the application under uvicorn, on a socket that is open before anybody is told its address."""

import signal
import socket
from collections.abc import Awaitable, Callable

import structlog
import uvicorn
from fastapi import FastAPI

from phaseline.settings import Settings

log = structlog.get_logger(__name__)

# Viewers' sockets would stay open for ever: what is not finished by then is cut off. In seconds.
_GRACE = 5


class AddressUnusable(Exception):
    """The address cannot be listened on. The text says which and why."""


def listen(settings: Settings) -> socket.socket:
    """The socket that the server will accept on. Raises AddressUnusable."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        raise AddressUnusable(
            f"cannot listen on {settings.host}, port {settings.port}: {error.strerror or error}"
        ) from None
    return listener


def address(listener: socket.socket) -> str:
    """The base address of a server on this socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server(uvicorn.Server):
    """uvicorn, which says when it has begun to accept, and when it is about to stop."""

    def __init__(
        self,
        app: FastAPI,
        settings: Settings,
        on_ready: Callable[[], None],
        on_stopping: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_GRACE,
                ws_max_size=settings.max_body_bytes,
                # Events are small: compressing them costs memory and time for each viewer.
                ws_per_message_deflate=False,
                # A viewer whose machine has vanished is noticed within these two, in seconds.
                ws_ping_interval=20,
                ws_ping_timeout=20,
            )
        )
        self._on_ready = on_ready
        self._on_stopping = on_stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As inherited, then tell."""
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell, while requests are still answered; then as inherited."""
        if self._on_stopping is not None:
            await self._on_stopping()
        await super().shutdown(sockets)


def run(app: FastAPI, settings: Settings, listener: socket.socket) -> None:
    """Serve until a signal ends it."""

    def ready() -> None:
        log.info("serving", address=address(listener))

    # Having stopped in good order, uvicorn raises the signal once more: that is not to end it with an error.
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: None)
    Server(app, settings, ready).run([listener])
    log.info("stopped")
