"""Many viewers of one deploy, who note when they are told, and look at what they were told only afterwards."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.support.logins import VIEWER, bearer
from tests.support.viewer import PROTOCOL

_DOCUMENTS = Path(__file__).resolve().parents[2] / "frontend/src/graphql"

# The modal's own document.
PHASE_CHANGED = "\n".join(
    (_DOCUMENTS / f"{name}.graphql").read_text() for name in ("phase-changed", "deploy", "audit-entry")
)

# How long the last of them may take, in seconds.
_PATIENCE = 60


class Crowd:
    """Sockets that have each begun to follow the deploy."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._missing = size
        self._complete = asyncio.Event()
        self._told: list[bytes] = []
        self._last = 0.0

    async def last_receipt(self) -> tuple[float, list[bytes]]:
        """When the last one was told of the event that all wait for, and the messages; then they wait for the next."""
        await asyncio.wait_for(self._complete.wait(), _PATIENCE)
        told, self._told, self._missing = self._told, [], self._size
        self._complete.clear()
        return self._last, told

    async def view(self, socket: ClientConnection, deploy: str) -> None:
        """One viewer, until it is cancelled."""
        await socket.send(json.dumps({"type": "connection_init", "payload": bearer(VIEWER)}))
        await socket.recv()
        payload = {"operationName": "PhaseChanged", "query": PHASE_CHANGED, "variables": {"deployId": deploy}}
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        while True:
            message = await socket.recv(decode=False)
            self._last = time.perf_counter()
            self._told.append(message)
            self._missing -= 1
            if self._missing == 0:
                self._complete.set()


@asynccontextmanager
async def viewing(url: str, deploy: str, size: int) -> AsyncIterator[Crowd]:
    """A crowd that has been told how the deploy stands."""
    address = url.replace("http", "ws", 1) + "/graphql"
    crowd = Crowd(size)
    async with AsyncExitStack() as sockets, asyncio.TaskGroup() as viewers:
        tasks = []
        for _ in range(size):
            connecting = connect(address, subprotocols=[PROTOCOL], proxy=None, compression=None, ping_interval=None)
            socket = await sockets.enter_async_context(connecting)
            tasks.append(viewers.create_task(crowd.view(socket, deploy)))
        await crowd.last_receipt()
        yield crowd
        for task in tasks:
            task.cancel()


def event(message: bytes) -> Any:
    """The event that a message holds."""
    found = json.loads(message)
    if found["type"] != "next" or "errors" in found["payload"]:
        raise RuntimeError(f"not an event: {message!r}")
    return found["payload"]["data"]["phaseChanged"]
