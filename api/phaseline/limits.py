"""Refuses requests whose body is too large before it is held in memory, or that come too slowly or too often."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from phaseline.places import Places
from phaseline.rates import Kind, Rates, address
from phaseline.refusing import refuse, send_away
from phaseline_schema.refusals import RequestTimeout, TooLarge, TooManyUnfinished

# How long a body may take to arrive, in seconds: the largest at the speed of an old modem.
_SECONDS = 30.0

# A body that has not arrived after so many seconds is slow, and of slow ones an address may have so many at once.
_SOON = 1.0
_UNFINISHED = 20

# Each is counted by itself: through a provider people pass two of them, and have tried to sign in once.
_SIGN_IN = "/sign-in"
_THROUGH_PROVIDER = (f"{_SIGN_IN}/provider", f"{_SIGN_IN}/provider/callback")


class BodyLimit:
    """ASGI middleware: HTTP 413 with code TOO_LARGE for a body of more than `limit` bytes, 408 for one that does not
    end, and 429 where too many of one address do not. `larger`: the limit where more is taken, by method and path."""

    def __init__(self, app: ASGIApp, limit: int, larger: Mapping[tuple[str, str], int]) -> None:
        self._app = app
        self._limit = limit
        self._larger = larger
        self._unfinished = Places(_UNFINISHED, TooManyUnfinished)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = max(self._limit, self._larger.get((scope["method"], scope["path"]), 0))
        declared = Headers(scope=scope).get("content-length", "0")
        if not declared.isdecimal() or int(declared) > limit:
            await refuse(TooLarge(limit), receive, send)
            return
        body: list[Message] = []
        try:
            await self._read(body, limit, receive, address(HTTPConnection(scope)))
        except TimeoutError:
            await send_away(RequestTimeout(_SECONDS), send)
            return
        except TooManyUnfinished as refusal:
            await send_away(refusal, send)
            return
        except TooLarge as refusal:
            await refuse(refusal, receive, send)
            return
        if body[-1]["type"] == "http.request":  # else the caller went away, and nobody is left to be answered
            await self._app(scope, _replay(body, receive), send)

    async def _read(self, body: list[Message], limit: int, receive: Receive, sender: str) -> None:
        """Fill `body` with the messages that hold it. Raises TooLarge, TooManyUnfinished and TimeoutError."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_SOON):
                await self._read_on(body, limit, receive)
                return
        with self._unfinished.taken(sender):
            async with asyncio.timeout(_SECONDS - _SOON):
                await self._read_on(body, limit, receive)

    async def _read_on(self, body: list[Message], limit: int, receive: Receive) -> None:
        size = sum(len(message.get("body", b"")) for message in body)
        while not body or body[-1].get("more_body", False):
            body.append(await receive())
            size += len(body[-1].get("body", b""))
            if size > limit:
                raise TooLarge(limit)


class SignInRate:
    """ASGI middleware: HTTP 429 with code RATE_LIMITED for attempts to sign in that are too many from one address."""

    def __init__(self, app: ASGIApp, rates: Rates) -> None:
        self._app = app
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it. To ask how to sign in is no attempt."""
        path = scope.get("path", "")
        attempt = path in _THROUGH_PROVIDER or (path == _SIGN_IN and scope.get("method") == "POST")
        refusal = None
        if scope["type"] == "http" and attempt:
            refusal = self._rates.refusal(Kind.SIGN_INS, f"{path} {address(HTTPConnection(scope))}")
        if refusal is None:
            await self._app(scope, receive, send)
        elif path in _THROUGH_PROVIDER:  # a browser shows what it is answered here: the page, which tells of it
            await RedirectResponse(f"/?sign-in={refusal.code}", 303)(scope, receive, send)
        else:
            await refuse(refusal, receive, send)


def _replay(messages: list[Message], receive: Receive) -> Receive:
    rest = iter(messages)

    async def replayed() -> Message:
        return next(rest, None) or await receive()

    return replayed
