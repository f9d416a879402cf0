"""One operation, as anybody, over each protocol: what came back, and whether it was refused."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.support.logins import bearer
from tests.support.viewer import PROTOCOL, Viewer


@dataclass(frozen=True)
class Said:
    """All that came, or the first event of a subscription. `code`: of the first error, or of the refused socket."""

    payload: Any
    code: str | None

    @property
    def is_empty(self) -> bool:
        """Whether it carries no data at all."""
        return all(value is None for value in _leaves(self.payload.get("data")))


class Ask(Protocol):
    """Asks the server at `url` as who has this token; of several operations, for the named one."""

    async def __call__(self, url: str, token: str | None, document: str, operation: str | None = None) -> Said:
        """What it says."""


async def over_http(url: str, token: str | None, document: str, operation: str | None = None) -> Said:
    """A request with one answer."""
    async with httpx.AsyncClient(trust_env=False) as http:
        response = await http.post(
            f"{url}/graphql", json=_payload(document, operation), headers=bearer(token) if token else {}
        )
    return _said(response.json())


async def over_sse(url: str, token: str | None, document: str, operation: str | None = None) -> Said:
    """A stream, up to its first event."""
    headers = {"accept": "text/event-stream", **(bearer(token) if token else {})}
    content = _payload(document, operation)
    async with (
        httpx.AsyncClient(trust_env=False) as http,
        http.stream("POST", f"{url}/graphql", json=content, headers=headers) as response,
    ):
        async for line in response.aiter_lines():
            if line.startswith("data:"):
                return _said(json.loads(line.removeprefix("data:")))
    raise AssertionError("the stream ended without an event")


async def over_websocket(url: str, token: str | None, document: str, operation: str | None = None) -> Said:
    """A socket of its own, up to the first message of the operation."""
    address = url.replace("http", "ws", 1) + "/graphql"
    async with connect(address, subprotocols=[PROTOCOL], proxy=None) as socket:
        viewer = Viewer(socket)
        try:
            await viewer.send(type="connection_init", **({"payload": bearer(token)} if token else {}))
            await viewer.receive()
        except ConnectionClosed:
            assert socket.close_code == 4403
            return Said({}, socket.close_reason)
        await viewer.send(id="1", type="subscribe", payload=_payload(document, operation))
        message = await viewer.receive()
    payload = message["payload"]
    return _said({"errors": payload} if message["type"] == "error" else payload)


OVER: Mapping[str, Ask] = {"HTTP": over_http, "SSE": over_sse, "WebSocket": over_websocket}


def _payload(document: str, operation: str | None) -> dict[str, Any]:
    return {"query": document, **({"operationName": operation} if operation else {})}


def _said(payload: dict[str, Any]) -> Said:
    errors = payload.get("errors")
    return Said(payload, errors[0]["extensions"]["code"] if errors else None)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _leaves(part)
    else:
        yield value
