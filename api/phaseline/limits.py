"""Refuses a request body that is too large before it is held in memory."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from phaseline.refusing import refuse
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
            await refuse(TooLarge(self._limit), receive, send)
            return
        body: list[Message] = []
        size = 0
        while not body or body[-1].get("more_body", False):
            body.append(await receive())
            size += len(body[-1].get("body", b""))
            if size > self._limit:
                await refuse(TooLarge(self._limit), receive, send)
                return
        if body[-1]["type"] == "http.request":  # else the caller went away, and nobody is left to be answered
            await self._app(scope, _replay(body, receive), send)


def _replay(messages: list[Message], receive: Receive) -> Receive:
    rest = iter(messages)

    async def replayed() -> Message:
        return next(rest, None) or await receive()

    return replayed
