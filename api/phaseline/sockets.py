"""graphql-transport-ws: what a message must look like, before Strawberry acts upon it."""

import asyncio
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any, cast

from graphql import GraphQLError, OperationType, get_operation_ast, parse
from starlette.websockets import WebSocket, WebSocketDisconnect
from starlette.websockets import WebSocketDisconnected as SocketIsClosed
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler
from strawberry.subscriptions.protocols.graphql_transport_ws.types import ConnectionInitMessage, Message

from phaseline import metrics
from phaseline.callers.resolver import Resolver
from phaseline.connections import KNOWN
from phaseline.context import Context
from phaseline.identity import Identity
from phaseline.protocols.closing import RESTARTING, SERVICE_RESTART, TRY_AGAIN_LATER
from phaseline.rates import address, who
from phaseline.stopping import Stopping
from phaseline_schema.refusals import Refusal, ServerStopping, TooManySockets, Unauthenticated

# How the protocol says that who calls may not. The reason is the refusal's code.
FORBIDDEN = 4403

# How long a socket whose caller's proof is over stays, so that its subscriptions are told. In seconds.
_FOR_TELLING = 2.0


class SocketHandler(BaseGraphQLTransportWSHandler[Context, None]):
    """One viewer's socket. A message that the protocol does not know closes it with 4400."""

    def __init__(self, stopping: Stopping, resolver: Resolver, **more: Any) -> None:
        super().__init__(**more)
        self._resolver = resolver
        self._stopping = stopping
        self._leaving: asyncio.Task[None] | None = None
        self._why: Refusal = ServerStopping()
        self._lease = ExitStack()
        self._unknown = ExitStack()

    async def handle(self) -> None:
        """As inherited, where there is a place; when the node stops, its viewer is told to go elsewhere."""
        request, services = self.context.request, self.context.services
        assert request is not None
        with metrics.viewer("websocket"), self._lease, self._unknown, self._stopping.telling(self._begin_to_leave):
            try:
                self._unknown.enter_context(services.unknown.taken(address(request)))
            except TooManySockets as refusal:
                await self._turn_away(refusal)
            else:
                with suppress(WebSocketDisconnect):  # the viewer was gone before it could be told what it did wrong
                    await super().handle()

    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        """As inherited, from somebody who has proven who it is; the socket closes with 4403 when that is over."""
        payload = message.get("payload", {})
        if self.connection_init_timeout_task:  # it has said who it is, and to look that up may take longer
            self.connection_init_timeout_task.cancel()
        if not self.connection_init_received and isinstance(payload, dict):
            caller_now = partial(self._resolver.of_socket, cast("WebSocket", self.context.request), payload)
            identity = await caller_now()
            if identity.credential is not None:
                self.context.caller_now = caller_now
            try:
                await self._let_in(identity)
            except Refusal as refusal:
                await self._turn_away(refusal)
                return
        await super().handle_connection_init(message)

    async def handle_connection_init_timeout(self) -> None:
        """As inherited; who never says who it is proves nothing."""
        await super().handle_connection_init_timeout()
        request = self.context.request
        assert request is not None
        if self.connection_timed_out:
            self.context.services.rates.unproven(Unauthenticated(), request)

    async def _let_in(self, identity: Identity) -> None:
        """From now on the socket is its caller's. Raises why it cannot be: nothing is proven, or it has too many."""
        request, services = self.context.request, self.context.services
        assert request is not None
        if identity.problem is not None:
            raise services.rates.unproven(identity.problem, request) or identity.problem
        self._lease.enter_context(services.viewers.taken(who(identity, request)))
        self._lease.enter_context(services.leases.held(identity, self._end))
        self._unknown.close()
        request.scope["state"][KNOWN]()
        self.context.identity = identity

    def _end(self, why: Refusal) -> None:
        self._why = why
        self._leaving = asyncio.create_task(self._end_with(why))

    async def _end_with(self, why: Refusal) -> None:
        """Its subscriptions are told by themselves; then close the socket."""
        due = [operation.task for operation in self.operations.values() if operation.task]
        if due:
            await asyncio.wait(due, timeout=_FOR_TELLING)
        await self._turn_away(why)

    async def _turn_away(self, why: Refusal) -> None:
        with suppress(WebSocketDisconnect, RuntimeError):  # the viewer was faster
            await self.websocket.close(FORBIDDEN if why.http_status in (401, 403) else TRY_AGAIN_LATER, why.code)

    async def handle_task_exception(self, error: Exception) -> None:
        """Log it, unless it says only that the viewer has gone while something was sent to it, or it was closed."""
        if not isinstance(error, WebSocketDisconnected | WebSocketDisconnect | SocketIsClosed):
            await super().handle_task_exception(error)

    async def send_message(self, message: Message) -> None:
        """As inherited; a socket that was closed in the meantime is one whose viewer has gone, and not a fault."""
        try:
            await super().send_message(message)
        except SocketIsClosed as error:
            raise WebSocketDisconnected from error

    async def handle_message(self, message: Message) -> None:
        """Act upon a message, if it is one."""
        problem = _problem(message)
        if problem is not None:
            await self.handle_invalid_message(problem)
        elif message["type"] == "subscribe" and self._leaving:
            await self.send_message({"id": message["id"], "type": "error", "payload": [_told(self._why)]})
        elif message["type"] == "subscribe" and self._is_full():
            await self.send_message({"id": message["id"], "type": "error", "payload": [_TOO_MANY.formatted]})
        else:
            await super().handle_message(message)

    def _is_full(self) -> bool:
        most = self.max_subscriptions_per_connection
        return self.connection_acknowledged and most is not None and len(self.operations) >= most

    def _begin_to_leave(self) -> None:
        self._leaving = asyncio.create_task(self._leave())

    async def _leave(self) -> None:
        """Answer what was asked, then close the socket."""
        due = [
            operation.task
            for operation in self.operations.values()
            if operation.task and not follows(operation.query, operation.operation_name)
        ]
        if due:
            await asyncio.wait(due)
        for operation in self.operations.values():
            if operation.task:
                operation.task.cancel()  # it would be sending to a socket that is closed
        with suppress(WebSocketDisconnect, RuntimeError):  # the viewer was faster
            await self.websocket.close(SERVICE_RESTART, RESTARTING)

    @staticmethod
    def _get_pre_execution_close_reason(error: GraphQLError) -> str | None:
        """None: an operation that cannot be had is told of by its own message, and the others go on."""
        return None


_TOO_MANY = GraphQLError(
    "this socket has as many operations as it may have", extensions={"code": "TOO_MANY_OPERATIONS"}
)


def _told(why: Refusal) -> Any:
    return GraphQLError(why.message, extensions=why.extensions).formatted


def follows(query: str | None, operation_name: str | None) -> bool:
    """Whether this asks for a subscription, which goes on until somebody ends it."""
    with suppress(GraphQLError, RecursionError):
        found = get_operation_ast(parse(query or ""), operation_name)
        return found is not None and found.operation is OperationType.SUBSCRIPTION
    return False


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
