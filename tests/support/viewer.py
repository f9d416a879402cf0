"""A viewer over graphql-transport-ws, message by message, as its protocol page has them."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.support.logins import VIEWER, bearer

PROTOCOL = Subprotocol("graphql-transport-ws")
PHASE_CHANGED = """
    subscription ($id: ID!, $after: Int) { phaseChanged(deployId: $id, after: $after) {
        entry { sequence kind toStatus attempt }
        deploy { sequence attempt status { key outcome } phases { key state attempt } }
    } }
"""
AUDIT_ENTRY_ADDED = """
    subscription ($id: ID!, $after: Int) { auditEntryAdded(deployId: $id, after: $after) {
        sequence kind toStatus attempt refusal deploy { sequence status { key } }
    } }
"""


class Viewer:
    """One socket."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def send(self, **message: Any) -> None:
        """Send one message."""
        await self.socket.send(json.dumps(message))

    async def receive(self) -> dict[str, Any]:
        """The next message."""
        message: dict[str, Any] = json.loads(await self.socket.recv())
        return message

    async def subscribe(self, query: str, operation: str = "1", **variables: Any) -> None:
        """Begin an operation."""
        payload = {"query": query, "variables": variables}
        await self.send(id=operation, type="subscribe", payload=payload)

    async def event(self, operation: str = "1") -> Any:
        """The data of the next event, which has to be one of this operation."""
        message = await self.receive()
        assert (message["type"], message["id"]) == ("next", operation), message
        assert "errors" not in message["payload"], message
        (data,) = message["payload"]["data"].values()
        return data


@asynccontextmanager
async def viewing(url: str, token: str | None = VIEWER, **more: Any) -> AsyncIterator[Viewer]:
    """A viewer that has been acknowledged: if not otherwise said, as one who may only read.

    Without a token it is who the request for the socket says.
    """
    address = url.replace("http", "ws", 1) + "/graphql"
    socket = await connect(address, subprotocols=[PROTOCOL], proxy=None, **more)
    try:
        async with socket:
            viewer = Viewer(socket)
            await viewer.send(type="connection_init", payload=bearer(token) if token else {})
            assert (await viewer.receive())["type"] == "connection_ack"
            yield viewer
    finally:
        socket.transport.abort()  # a closing that is cancelled leaves the connection open


def codes(message: dict[str, Any]) -> list[str]:
    """The codes of the errors that a message holds."""
    payload = message["payload"]
    errors = payload if isinstance(payload, list) else payload["errors"]
    return [error["extensions"]["code"] for error in errors]
