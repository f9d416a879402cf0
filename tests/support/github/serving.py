"""uvicorn beside the tests, on their loop."""

import asyncio
import socket
from contextlib import nullcontext
from typing import Any

import uvicorn

from tests.support.waiting import until


class Server(uvicorn.Server):
    """Serves an ASGI application at this port, and leaves signals to whoever runs the tests."""

    def __init__(self, application: Any, port: int) -> None:
        super().__init__(
            uvicorn.Config(application, interface="asgi3", log_config=None, lifespan="off", access_log=False, ws="none")
        )
        self._listener = socket.create_server(("127.0.0.1", port))
        self._running: asyncio.Task[None] | None = None
        self.capture_signals = nullcontext  # type: ignore[method-assign,assignment]

    async def start(self) -> None:
        self._running = asyncio.create_task(self.serve([self._listener]))
        await until(lambda: self.started)

    async def stop(self) -> None:
        assert self._running is not None
        self.should_exit = self.force_exit = True
        await self._running
        self._listener.close()


async def body_of(receive: Any) -> bytes:
    """All of a request's body."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body
