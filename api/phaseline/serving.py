"""Runs the application under uvicorn, on a socket that is open before anybody is told its address."""

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from types import FrameType

import structlog
import uvicorn
from fastapi import FastAPI

from phaseline.connections import Connections, allowed
from phaseline.headers import of_last_answers
from phaseline.protocols.http import Http
from phaseline.protocols.patience import Config
from phaseline.protocols.websocket import WebSocket
from phaseline.settings import Settings, is_loopback
from phaseline.stopping import Stopping

log = structlog.get_logger(__name__)

# How much of the time to stop in is kept for closing connections, at most. In seconds.
_FOR_CLOSING = 2.0

# What the operating system keeps for a viewer that does not read. Left to itself it would grow to megabytes. In bytes.
_SEND_BUFFER = 128 * 1024


class AddressUnusable(Exception):
    """The address cannot be listened on. The text says which and why."""


def listen(settings: Settings) -> socket.socket:
    """The socket that the server will accept on. Raises AddressUnusable."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        if settings.authentication == "off" and not is_loopback(str(address[0])):
            raise AddressUnusable(f"{settings.host} is {address[0]} here, where authentication may not be off")
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)  # connections inherit it
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
            Config(
                app,
                http=Http,
                ws=WebSocket,
                headers=of_last_answers(settings.public_url),
                stall_seconds=settings.stall_seconds,
                held=Connections(allowed(settings.max_connections, settings.pool_size)),
                # Who a proxy says it speaks for is believed of those that are named, and of nobody else.
                proxy_headers=bool(settings.trusted_proxies),
                forwarded_allow_ips=[*settings.trusted_proxies],
                log_config=None,
                access_log=False,
                server_header=False,
                ws_max_size=settings.max_body_bytes,
            )
        )
        self._stopping: Stopping = app.state.stopping
        self._grace_seconds = settings.grace_seconds
        self._on_ready = on_ready
        self._on_stopping = on_stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As inherited, then tell."""
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell, while requests are still answered; finish what has begun; then as inherited."""
        if self._on_stopping is not None:
            await self._on_stopping()
        self._stopping.begin()
        with suppress(TimeoutError):
            async with asyncio.timeout(max(self._grace_seconds - _FOR_CLOSING, self._grace_seconds / 2)):
                while self.server_state.tasks:
                    await asyncio.wait(set(self.server_state.tasks))
        await super().shutdown(sockets)


class Process(Server):
    """A server that is all its process does: it ends in time whatever happens, and at once when it is asked twice."""

    def __init__(self, app: FastAPI, settings: Settings, on_ready: Callable[[], None]) -> None:
        super().__init__(app, settings, on_ready)
        self._asked: SimpleQueue[int] = SimpleQueue()  # may be put into by a signal's handler
        Thread(target=self._leave, daemon=True).start()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """As inherited; the time to stop in begins."""
        self._asked.put(sig)
        super().handle_exit(sig, frame)

    def _leave(self) -> None:
        """End the process, though a database may be frozen or a connection stuck. What was acknowledged is safe."""
        self._asked.get()
        try:
            self._asked.get(timeout=self._grace_seconds)
            log.warning("stopped at once", unfinished=len(self.server_state.tasks))
        except Empty:
            log.warning("stopped with work unfinished", unfinished=len(self.server_state.tasks))
        os._exit(0)


def run(app: FastAPI, settings: Settings, listener: socket.socket) -> None:
    """Serve until a signal ends it."""

    def ready() -> None:
        log.info("serving", address=address(listener))

    run_until_stopped(Process(app, settings, ready), listener)


def run_until_stopped(server: Process, listener: socket.socket) -> None:
    """The same with a server that tells in its own way that it serves."""
    # Having stopped in good order, uvicorn raises the signal once more: that is not to end it with an error.
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: None)
    server.run([listener])
    log.info("stopped")
