"""Messages of graphql-transport-ws: what one must look like, and how those are written that the server sends."""

import json
from collections.abc import Sequence
from typing import Any, cast

from graphql import GraphQLError

ACKNOWLEDGED = b'{"type":"connection_ack"}'
PONG = b'{"type":"pong"}'


def next_of(operation_id: str, payload: bytes) -> bytes:
    """An event, whose payload is JSON."""
    return b'{"id":%s,"type":"next","payload":%s}' % (json.dumps(operation_id).encode(), payload)


def error_of(operation_id: str, errors: Sequence[GraphQLError]) -> bytes:
    """An operation that is not executed, and why. It is over with that."""
    return _message(id=operation_id, type="error", payload=[error.formatted for error in errors])


def complete_of(operation_id: str) -> bytes:
    """An operation that is over."""
    return _message(id=operation_id, type="complete")


def problem_of(message: object) -> str | None:
    """What is wrong with the form of a message, without repeating any of it: a close reason is short."""
    if not isinstance(message, dict):
        return "A message must be a JSON object"
    match message.get("type"):
        case "connection_init" | "ping" | "pong":
            return None
        case "complete":
            return _id_problem(message)
        case "subscribe":
            return _id_problem(message) or _payload_problem(cast("dict[str, Any]", message).get("payload"))
    return "Unknown message type"


def _id_problem(message: dict[str, Any]) -> str | None:
    usable = isinstance(message.get("id"), str) and message["id"]
    return None if usable else "`id` must be a string with something in it"


def _payload_problem(payload: object) -> str | None:
    if not isinstance(payload, dict):
        return "`payload` must be an object"
    if not isinstance(payload.get("query"), str):
        return "`query` must be a string"
    if not isinstance(payload.get("operationName"), str | None):
        return "`operationName` must be a string or null"
    for name in ("variables", "extensions"):
        if not isinstance(payload.get(name), dict | None):
            return f"`{name}` must be an object or null"
    return None


def _message(**members: Any) -> bytes:
    return json.dumps(members, separators=(",", ":")).encode()
