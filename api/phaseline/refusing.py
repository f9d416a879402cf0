"""Refuses an HTTP request that the application has not seen, in the form of a GraphQL error."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import Receive, Send

from phaseline_schema.refusals import RETRY_AFTER_SECONDS, Refusal

# How long a caller that was refused is still listened to, in seconds.
_LINGER = 5


async def refuse(refusal: Refusal, receive: Receive, send: Send) -> None:
    """Answer with the refusal and close the connection."""
    response = answer(refusal)
    await send({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
    await send({"type": "http.response.body", "body": response.body, "more_body": True})
    await _read_away(receive)
    await send({"type": "http.response.body"})


async def send_away(refusal: Refusal, send: Send) -> None:
    """Answer with the refusal and close the connection, without listening any more."""
    response = answer(refusal)
    await send({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
    await send({"type": "http.response.body", "body": response.body})


def content(refusal: Refusal) -> dict[str, Any]:
    """The refusal in the form of an answer with a GraphQL error."""
    return {"errors": [{"message": refusal.message, "extensions": refusal.extensions}]}


def answer(refusal: Refusal) -> JSONResponse:
    """The refusal as the last answer of a connection."""
    headers = {"connection": "close"}
    if refusal.http_status == 429:  # on a 503 the door says so
        headers["retry-after"] = str(refusal.details["retryAfterSeconds"])
    return JSONResponse(content(refusal), refusal.http_status, headers=headers)


def raw(refusal: Refusal, more: Mapping[str, str]) -> bytes:
    """The same with these headers besides, to be written to a connection that no application has seen."""
    response = answer(refusal)
    response.headers.update(more)
    headers = [*response.raw_headers]
    if refusal.http_status == 503:
        headers.append((b"retry-after", str(RETRY_AFTER_SECONDS).encode()))
    first = f"HTTP/1.1 {response.status_code} {HTTPStatus(response.status_code).phrase}\r\n".encode()
    return first + b"".join(b"%s: %s\r\n" % header for header in headers) + b"\r\n" + bytes(response.body)


async def _read_away(receive: Receive) -> None:
    """Read the rest and keep nothing of it: a caller that is still sending when the connection closes often
    sees the connection break, and never the answer."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGER):
            while (await receive()).get("more_body", False):
                pass
