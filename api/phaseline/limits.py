"""Refuses a request body that is too large before it is held in memory."""

import asyncio
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from phaseline_schema.refusals import TooLarge

# How long a caller that was refused is still listened to, in seconds.
_LINGER = 5


class BodyLimit:
    """ASGI middleware: HTTP 413 with code TOO_LARGE for a body of more than `limit` bytes."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "0")
        if not declared.isdecimal() or int(declared) > self._limit:
            await self._refuse(receive, send)
            return
        body: list[Message] = []
        size = 0
        while not body or body[-1].get("more_body", False):
            body.append(await receive())
            size += len(body[-1].get("body", b""))
            if size > self._limit:
                await self._refuse(receive, send)
                return
        if body[-1]["type"] == "http.request":  # else the caller went away, and nobody is left to be answered
            await self._app(scope, _replay(body, receive), send)

    async def _refuse(self, receive: Receive, send: Send) -> None:
        refusal = TooLarge(self._limit)
        content = {"errors": [{"message": refusal.message, "extensions": refusal.extensions}]}
        response = JSONResponse(content, refusal.http_status, headers={"connection": "close"})
        start = {"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers}
        await send(start)
        await send({"type": "http.response.body", "body": response.body, "more_body": True})
        await _read_away(receive)
        await send({"type": "http.response.body"})


async def _read_away(receive: Receive) -> None:
    """Read the rest and keep nothing of it: a caller that is still sending when the connection closes often
    sees the connection break, and never the answer."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGER):
            while (await receive()).get("more_body", False):
                pass


def _replay(messages: list[Message], receive: Receive) -> Receive:
    rest = iter(messages)

    async def replayed() -> Message:
        return next(rest, None) or await receive()

    return replayed
