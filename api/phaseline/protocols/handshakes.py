"""Answers to handshakes for WebSockets that are refused before an application is asked, or without its words."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from websockets.datastructures import Headers
from websockets.http11 import Response


def rejection(more: Mapping[str, str], status: int, _: str) -> Response:
    """As `ServerProtocol.reject`, but in the form of a GraphQL error; its own text repeats what was sent."""
    known = HTTPStatus(status)
    error = {"message": f"no WebSocket is opened here: {known.phrase}", "extensions": {"code": known.name}}
    body = json.dumps({"errors": [error]}).encode()
    headers = Headers({"connection": "close", "content-type": "application/json", "content-length": str(len(body))})
    headers.update(more)
    return Response(known.value, known.phrase, headers, body)
