"""graphql-transport-ws: what a message must look like, before Strawberry acts upon it."""

import asyncio
import json
from collections.abc import Hashable
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any, cast

from graphql import GraphQLError
from starlette.websockets import WebSocket, WebSocketDisconnect
from starlette.websockets import WebSocketDisconnected as SocketIsClosed
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.subscriptions.protocols.graphql_transport_ws.types import ConnectionInitMessage, Message
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from uvicorn.protocols.utils import ClientDisconnected

from phaseline import metrics
from phaseline.callers.resolver import Resolver
from phaseline.connections import KNOWN, WIRE
from phaseline.context import Context
from phaseline.groups import Group, NotBegun
from phaseline.identity import Identity
from phaseline.operations import checks
from phaseline.operations.documents import core, document, follows
from phaseline.operations.errors import coded
from phaseline.protocols.closing import RESTARTING, SERVICE_RESTART, TRY_AGAIN_LATER
from phaseline.rates import address, who
from phaseline.stopping import Stopping
from phaseline.subscribers import Subscriber
from phaseline_schema.refusals import Refusal, ServerStopping, TooManySockets, Unauthenticated

# How the protocol says that who calls may not. The reason is the refusal's code.
FORBIDDEN = 4403

# A subscription with more characters of variables than this is in no group.
_SHORT = 2000

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
        self._subscribers: dict[str, Subscriber] = {}

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
        tasks = [operation.task for operation in self.operations.values()]
        tasks += [subscriber.task for subscriber in self._subscribers.values()]
        due = [task for task in tasks if task]
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

    async def run_operation(self, operation: Operation[Context, None]) -> None:
        """As inherited; a subscription that others may share is executed for all of them."""
        key = self._key(operation)
        if key is None:
            await super().run_operation(operation)
            return
        try:
            await self._join(operation, key)
        except (WebSocketDisconnected, ClientDisconnected):
            pass
        except Exception as error:
            await self.handle_task_exception(error)
            raise

    async def cleanup_operation(self, operation_id: str) -> None:
        """As inherited; a subscription leaves its group."""
        await super().cleanup_operation(operation_id)
        self._leave_group(operation_id)

    def forget_id(self, id: str) -> None:
        """As inherited, likewise."""
        super().forget_id(id)
        self._leave_group(id)

    def _key(self, operation: Operation[Context, None]) -> Hashable | None:
        """What the subscriptions of a group have in common; None for all else."""
        if not follows(core(self.schema), operation.query, operation.operation_name):
            return None
        with suppress(RecursionError):
            variables = json.dumps(operation.variables or {}, sort_keys=True)
            if len(variables) <= _SHORT:
                return operation.query, operation.operation_name, variables, self.context.identity.rights
        return None

    async def _join(self, operation: Operation[Context, None], key: Hashable) -> None:
        """Become one of its group, which is begun where there is none."""
        groups = self.context.services.groups
        while True:
            group, is_new = groups.find(key), False
            if group is None:
                group, is_new = await self._begin_group(operation), True
            elif problems := self._problems(operation):
                await operation.send_initial_errors(problems)
                return
            with ExitStack() as held:
                held.enter_context(groups.joined(key, group))
                try:
                    wanted = await asyncio.shield(group.wanted)
                except NotBegun as error:
                    if is_new:
                        await self._end_with_result(operation, error.result)
                        return
                    continue  # it was of somebody else's that nothing came of it
                subscriber = self._subscribers[operation.id] = self._subscriber(operation, held.pop_all())
            await subscriber.begin(group, wanted)
            return

    def _problems(self, operation: Operation[Context, None]) -> list[GraphQLError]:
        known = document(core(self.schema), operation.query)
        return checks.of_subscription(known, operation.operation_name, operation.variables or {}, self.context)

    async def _begin_group(self, operation: Operation[Context, None]) -> Group:
        group = Group(self.context.services.tails)
        results = await self.schema.stream(
            operation.query,
            variable_values=operation.variables,
            context_value=self.context.of_group(group.events),
            operation_name=operation.operation_name,
        )
        group.run(results)
        return group

    def _subscriber(self, operation: Operation[Context, None], held: ExitStack) -> Subscriber:
        services, identity, request = self.context.services, self.context.identity, self.context.request
        assert request is not None
        end = partial(self._end_with_error, operation)
        return Subscriber(
            operation.id, request.scope["state"][WIRE], services, identity, who(identity, request), held, end
        )

    async def _end_with_error(self, operation: Operation[Context, None], error: Exception) -> None:
        """As Strawberry ends a subscription whose events end with an error."""
        if not isinstance(error, ClientDisconnected):
            told = coded(GraphQLError(str(error), original_error=error), began=True)
            await self._end_with_result(operation, ExecutionResult(data=None, errors=[told]))

    async def _end_with_result(self, operation: Operation[Context, None], result: Any) -> None:
        with suppress(WebSocketDisconnected):
            if isinstance(result, PreExecutionError):
                await self._handle_pre_execution_error(operation, result)
                return
            if result is not None:
                await operation.send_next(result)
            await operation.send_operation_message({"id": operation.id, "type": "complete"})

    def _leave_group(self, operation_id: str) -> None:
        subscriber = self._subscribers.pop(operation_id, None)
        if subscriber is not None:
            subscriber.leave()

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
            if operation.task and not follows(core(self.schema), operation.query, operation.operation_name)
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
