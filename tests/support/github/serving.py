"""uvicorn beside the tests, on their loop."""

import asyncio
import socket
from contextlib import nullcontext
from typing import Any

import uvicorn


class Server(uvicorn.Server):
    """Serves an ASGI application at this port, and leaves signals to whoever runs the tests."""

    def __init__(self, application: Any, port: int) -> None:
        quiet: dict[str, Any] = {"log_config": None, "access_log": False, "lifespan": "off", "ws": "none"}
        super().__init__(uvicorn.Config(application, interface="asgi3", **quiet))
        self._listener = socket.create_server(("127.0.0.1", port))
        self._running: asyncio.Task[None] | None = None
        self._up, self._stopping = asyncio.Event(), asyncio.Event()
        self.capture_signals = nullcontext  # type: ignore[method-assign,assignment]

    async def start(self) -> None:
        """Listen, and return as soon as somebody can be served."""
        self._running = asyncio.create_task(self.serve([self._listener]))
        await self._up.wait()

    async def stop(self) -> None:
        """Listen no more, and end what is under way."""
        assert self._running is not None
        self.force_exit = True
        self._stopping.set()
        await self._running
        self._listener.close()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._up.set()

    async def main_loop(self) -> None:
        """uvicorn's own looks ten times a second whether it is to stop, which hundreds of tests would wait for."""
        await self._stopping.wait()


async def body_of(receive: Any) -> bytes:
    """All of a request's body."""
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body
