"""The cookie of a browser that is signed in."""

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from strawberry.http.websocket_origin import is_same_origin

_NAME = "phaseline"


def name(*, secure: bool) -> str:
    """What the cookie is called: over https the name itself forbids other hosts to set it."""
    return f"__Host-{_NAME}" if secure else _NAME


def is_secure(connection: HTTPConnection, public_url: str | None) -> bool:
    """Whether browsers reach this server over https."""
    scheme = urlsplit(public_url).scheme if public_url else connection.url.scheme
    return scheme in ("https", "wss")


def of(connection: HTTPConnection, public_url: str | None) -> str | None:
    """The cookie of this request, where a page of this server's own sent it. Another site's page may not use it."""
    found = connection.cookies.get(name(secure=is_secure(connection, public_url)))
    return found if found and is_own(connection) else None


def is_own(connection: HTTPConnection) -> bool:
    """Whether the request comes from one of this server's own pages, or from no page at all.

    Browsers say so in two ways, and neither can be changed by a page: newer ones in `Sec-Fetch-Site`, all in `Origin`.
    """
    if connection.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = connection.headers.get("origin")
    return origin is None or is_same_origin(origin, connection.headers.get("host"))
