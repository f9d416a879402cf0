"""Refuses requests whose body is too large before it is held in memory, or that come too slowly or too often."""

import asyncio

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from phaseline.rates import Kind, Rates, address
from phaseline.refusing import refuse, send_away
from phaseline_schema.refusals import RequestTimeout, TooLarge

# How long a body may take to arrive, in seconds: the largest at the speed of an old modem.
_SECONDS = 30.0

# What lies under it is a way to sign in as well.
_SIGN_IN = "/sign-in"


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
        try:
            async with asyncio.timeout(_SECONDS):
                body = await self._whole(receive)
        except TimeoutError:
            await send_away(RequestTimeout(_SECONDS), send)
            return
        except TooLarge as refusal:
            await refuse(refusal, receive, send)
            return
        if body[-1]["type"] == "http.request":  # else the caller went away, and nobody is left to be answered
            await self._app(scope, _replay(body, receive), send)

    async def _whole(self, receive: Receive) -> list[Message]:
        """The messages that hold the body. Raises TooLarge."""
        body: list[Message] = []
        size = 0
        while not body or body[-1].get("more_body", False):
            body.append(await receive())
            size += len(body[-1].get("body", b""))
            if size > self._limit:
                raise TooLarge(self._limit)
        return body


class SignInRate:
    """ASGI middleware: HTTP 429 with code RATE_LIMITED for attempts to sign in that are too many from one address."""

    def __init__(self, app: ASGIApp, rates: Rates) -> None:
        self._app = app
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it. To ask how to sign in is no attempt."""
        path = scope.get("path", "")
        attempt = path.startswith(f"{_SIGN_IN}/") or (path == _SIGN_IN and scope.get("method") == "POST")
        if scope["type"] == "http" and attempt:
            refusal = await self._rates.refusal(Kind.SIGN_INS, address(HTTPConnection(scope)))
            if refusal is not None:
                await refuse(refusal, receive, send)
                return
        await self._app(scope, receive, send)


def _replay(messages: list[Message], receive: Receive) -> Receive:
    rest = iter(messages)

    async def replayed() -> Message:
        return next(rest, None) or await receive()

    return replayed
