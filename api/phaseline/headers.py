"""Headers that say to browsers, with every answer, how little may be done with it."""

from collections.abc import Iterable, Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Where an answer has one of these itself, it knows better: the pages do, and the script that other sites embed.
ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    # Pages of those sites that are named in PHASELINE_ALLOWED_ORIGINS read answers by CORS, which this is not.
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    # Nothing that is no page is to act as one.
    "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}

# It depends on who asks, so nobody keeps it.
_KEPT_BY_NOBODY = {"cache-control": "no-store"}

# A year, in seconds.
_ONLY_HTTPS = {"strict-transport-security": "max-age=31536000"}


def always(public_url: str | None) -> Mapping[str, str]:
    """Those of every answer of a server that browsers reach at this address."""
    return ALWAYS | (_ONLY_HTTPS if public_url and public_url.startswith("https:") else {})


def of_last_answers(public_url: str | None) -> Mapping[str, str]:
    """Those of an answer to what no application has seen."""
    return {**always(public_url), **_KEPT_BY_NOBODY}


class SecurityHeaders:
    """ASGI middleware: the headers above on every answer.

    An answer that says nothing else of it is kept by nobody: it depends on who asks. Files have a tag.
    """

    def __init__(self, app: ASGIApp, public_url: str | None) -> None:
        self._app = app
        self._headers = _raw(always(public_url))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add(message, self._headers)
            await send(message)

        await self._app(scope, receive, sending)


def _add(message: Message, wanted: Iterable[tuple[bytes, bytes]]) -> None:
    """Give the beginning of an answer what it lacks of these, and what goes with its status."""
    headers = message["headers"] = list(message.get("headers", ()))
    there = {name.lower() for name, _ in headers}
    headers += [header for header in wanted if header[0] not in there]
    if b"etag" not in there:
        headers += [header for header in _FOR_NOBODY if header[0] not in there]
    if message["status"] == 401 and _BEARER[0] not in there:
        headers.append(_BEARER)


def _raw(headers: Mapping[str, str]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((name.encode(), value.encode()) for name, value in headers.items())


_FOR_NOBODY = _raw(_KEPT_BY_NOBODY)
_BEARER = (b"www-authenticate", b"Bearer")
