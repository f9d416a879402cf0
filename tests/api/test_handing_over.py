"""A connection that becomes a WebSocket, at a moment at which it is full already."""

import asyncio
import socket
from typing import Any

from uvicorn.server import ServerState

from phaseline.connections import Connections
from phaseline.protocols.http import Http
from phaseline.protocols.patience import Config
from phaseline.protocols.websocket import WebSocket
from tests.support.waiting import until

_REQUEST = b"GET / HTTP/1.1\r\nhost: phaseline\r\n\r\n"
_UPGRADE = (
    b"GET / HTTP/1.1\r\nhost: phaseline\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
    b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n"
)

# More than any system takes off a server's hands.
_MUCH = b"x" * 2**25


async def test_one_that_was_full_before_is_cut_off_like_any_other() -> None:
    """It answers a request, which is not read, and then the one for a socket that had come with it."""
    asked: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        asked.append(scope["type"])
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": _MUCH})

    config = Config(app, stall_seconds=0.1, held=Connections(10), headers={}, http=Http, ws=WebSocket, lifespan="off")
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(lambda: Http(config, state, {}), "127.0.0.1", 0)
    async with server:
        with socket.create_connection(server.sockets[0].getsockname()) as viewer:
            viewer.sendall(_REQUEST + _UPGRADE)
            await until(lambda: asked == ["http", "websocket"])
            await until(lambda: not state.connections)
