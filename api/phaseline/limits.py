"""Refuses a request body that is too large before it is held in memory."""

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from phaseline_schema.refusals import TooLarge


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
            await self._refuse(scope, receive, send)
            return
        body, whole = await self._read(receive)
        if not whole:
            await self._refuse(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)

    async def _read(self, receive: Receive) -> tuple[list[Message], bool]:
        """The messages of the body, and whether they are all of it."""
        messages: list[Message] = []
        size = 0
        while True:
            message = await receive()
            messages.append(message)
            size += len(message.get("body", b""))
            if size > self._limit:
                return messages, False
            if not message.get("more_body", False):
                return messages, True

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = TooLarge(self._limit)
        content = {"errors": [{"message": refusal.message, "extensions": refusal.extensions}]}
        # The rest of the body is not read, so the connection cannot be used again.
        response = JSONResponse(content, refusal.http_status, headers={"connection": "close"})
        await response(scope, receive, send)


def _replay(messages: list[Message], receive: Receive) -> Receive:
    rest = iter(messages)

    async def replayed() -> Message:
        return next(rest, None) or await receive()

    return replayed
