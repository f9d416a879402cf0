"""graphql-transport-ws: what a message must look like, before Strawberry acts upon it."""

from typing import Any, cast

from graphql import GraphQLError
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler
from strawberry.subscriptions.protocols.graphql_transport_ws.types import Message

from phaseline.context import Context


class SocketHandler(BaseGraphQLTransportWSHandler[Context, None]):
    """One viewer's socket. A message that the protocol does not know closes it with 4400."""

    async def handle_message(self, message: Message) -> None:
        """Act upon a message, if it is one."""
        problem = _problem(message)
        if problem is not None:
            await self.handle_invalid_message(problem)
        elif message["type"] == "subscribe" and self._is_full():
            await self.send_message({"id": message["id"], "type": "error", "payload": [_TOO_MANY.formatted]})
        else:
            await super().handle_message(message)

    def _is_full(self) -> bool:
        most = self.max_subscriptions_per_connection
        return self.connection_acknowledged and most is not None and len(self.operations) >= most

    @staticmethod
    def _get_pre_execution_close_reason(error: GraphQLError) -> str | None:
        """None: an operation that cannot be had is told of by its own message, and the others go on."""
        return None


_TOO_MANY = GraphQLError(
    "this socket has as many operations as it may have", extensions={"code": "TOO_MANY_OPERATIONS"}
)


def _problem(message: object) -> str | None:
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
