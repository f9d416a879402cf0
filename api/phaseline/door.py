"""Stands before the application: says when to come again, and lets nothing new in while the node stops."""

from collections.abc import Collection

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from phaseline.refusing import refuse
from phaseline.stopping import Stopping
from phaseline_schema.refusals import RETRY_AFTER_SECONDS, ServerStopping

_RETRY_AFTER = (b"retry-after", str(RETRY_AFTER_SECONDS).encode())


class Door:
    """ASGI middleware: `Retry-After` on every 503, and 503 SERVER_STOPPING for what arrives while the node stops.

    `always_open`: paths that are answered nevertheless, because those who watch the node ask for them.
    """

    def __init__(self, app: ASGIApp, stopping: Stopping, always_open: Collection[str]) -> None:
        self._app = app
        self._stopping = stopping
        self._always_open = always_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let it in, or refuse it."""
        shut = self._stopping.begun and scope.get("path") not in self._always_open
        if scope["type"] == "http" and shut:
            await refuse(ServerStopping(), receive, _hinting(send))
        elif scope["type"] == "http":
            await self._app(scope, receive, _hinting(send))
        else:
            await self._app(scope, receive, send)


def _hinting(send: Send) -> Send:
    """As `send`, but a 503 that does not say when to try again says so."""

    async def hinting(message: Message) -> None:
        if message.get("status") == 503:
            headers = [*message.get("headers", ())]
            if all(name.lower() != _RETRY_AFTER[0] for name, _ in headers):
                message = {**message, "headers": [*headers, _RETRY_AFTER]}
        await send(message)

    return hinting
