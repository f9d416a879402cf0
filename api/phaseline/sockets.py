"""graphql-transport-ws: a viewer's session over one socket.

Its source is https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md. A session has a task only while an answer
is being found: thousands of viewers at whose deploy nothing happens cost memory, and no time.
"""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import structlog
from graphql import GraphQLError
from starlette.requests import HTTPConnection
from starlette.types import Scope
from strawberry.schema import BaseSchema
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from uvicorn.protocols.utils import ClientDisconnected

from phaseline import metrics
from phaseline.callers.resolver import Resolver
from phaseline.connections import WIRE, Socket
from phaseline.context import Context, Services
from phaseline.identity import Identity, nobody
from phaseline.joining import Asked
from phaseline.messages import ACKNOWLEDGED, PONG, error_of, problem_of
from phaseline.protocols.closing import RESTARTING, SERVICE_RESTART, TRY_AGAIN_LATER
from phaseline.rates import address, who
from phaseline.socket_operations import Operation
from phaseline.stopping import Stopping
from phaseline_schema.refusals import Refusal, ServerStopping, TooManySockets, Unauthenticated

# How the protocol says what the viewer did wrong.
BAD_MESSAGE = 4400
UNAUTHORIZED = 4401
FORBIDDEN = 4403  # who calls may not; the reason is the refusal's code
NO_SUBPROTOCOL = 4406
TOO_LATE = 4408
SAME_ID = 4409
BEGUN_TWICE = 4429

# How long a viewer may take to say who it is, and how long a socket whose caller's proof is over stays, so that its
# subscriptions are told. In seconds.
_TO_BEGIN = 10.0
_FOR_TELLING = 2.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sockets:
    """What every session is given; and the door to a new one.

    `admits`: whether a page of the origin that asks may open sockets. `decode`: reads JSON, and raises JSONDecodeError.
    `most`: how many operations a socket may have at once.
    """

    path: str
    schema: BaseSchema
    services: Callable[[], Services]
    resolver: Resolver
    stopping: Stopping
    admits: Callable[[HTTPConnection], bool]
    decode: Callable[[bytes], object]
    most: int

    def open(self, scope: Scope) -> None:
        """Open the socket that is asked for, or say why not."""
        # Taken out of what is kept of the request: a group keeps that of whoever began it, and his socket with it.
        socket, connection = cast("Socket", scope["state"].pop(WIRE)), HTTPConnection(scope)
        if self.stopping.begun:
            socket.refuse(ServerStopping())
        elif scope["path"] != self.path or not self.admits(connection):
            socket.forbid()
        else:
            session = Session(self, socket, connection)
            speaks = GRAPHQL_TRANSPORT_WS_PROTOCOL in scope["subprotocols"]
            socket.accept(session, GRAPHQL_TRANSPORT_WS_PROTOCOL if speaks else None)
            session.begin(speaks=speaks)


class Session:
    """One viewer's. A message that the protocol does not know closes the socket with 4400."""

    def __init__(self, parts: Sockets, socket: Socket, connection: HTTPConnection) -> None:
        self._parts = parts
        self._socket = socket
        self._connection = connection
        self._context = Context(parts.services(), nobody())
        self._context.request = cast("Any", connection)
        self._inbox: deque[bytes | None] = deque()
        self._acting: asyncio.Task[None] | None = None
        self._operations: dict[str, Operation] = {}
        self._held = ExitStack()
        self._unknown = ExitStack()
        self._timer: asyncio.TimerHandle | None = None
        self._began = False
        self._acknowledged = False
        self._why: Refusal | None = None  # from when on nothing new is begun
        self._over = False

    def begin(self, *, speaks: bool) -> None:
        """The socket is open. `speaks`: whether the viewer knows the protocol."""
        if not speaks:
            self._socket.close(NO_SUBPROTOCOL, "Subprotocol not acceptable")
            return
        self._held.enter_context(metrics.viewer("websocket"))
        self._held.enter_context(self._parts.stopping.telling(self._leave))
        try:
            self._unknown.enter_context(self._services.unknown.taken(address(self._connection)))
        except TooManySockets as refusal:
            self._turn_away(refusal)
        else:
            self._timer = asyncio.get_running_loop().call_later(_TO_BEGIN, self._too_late)

    def received(self, text: bytes | None) -> None:
        """A message has come; it is acted upon after those before it."""
        self._inbox.append(text)
        self.go_on()

    def go_on(self) -> None:
        """Act upon what has come while nothing has to be waited for; what comes meanwhile is left with the system."""
        while self._inbox and self._acting is None and self._socket.has_room():
            work = self._act(self._inbox.popleft())
            if work is not None:
                self._acting = self._socket.run(work)
                self._acting.add_done_callback(self._acted)
        self._socket.read(on=not self._inbox)

    def lost(self) -> None:
        """The viewer has gone, or will have: everything that is its own ends."""
        self._over = True
        self._inbox.clear()
        if self._timer is not None:
            self._timer.cancel()
        if self._acting is not None:
            self._acting.cancel()
        for operation in list(self._operations.values()):
            operation.leave()
        self._operations.clear()
        self._unknown.close()
        self._held.close()

    @property
    def _services(self) -> Services:
        return self._context.services

    def _acted(self, done: asyncio.Task[None]) -> None:
        self._acting = None
        error = None if done.cancelled() else done.exception()
        if error is not None and not isinstance(error, ClientDisconnected):
            log.error("a socket's caller could not be found out", exc_info=error)
        if not self._over:
            self.go_on()

    def _act(self, text: bytes | None) -> Coroutine[Any, Any, None] | None:
        """Do what a message asks for; what has to be waited for is returned."""
        try:
            message = self._read(text)
        except ValueError as problem:
            self._close(BAD_MESSAGE, str(problem))
            return None
        match message["type"]:
            case "connection_init":
                return self._init(message.get("payload", {}))
            case "ping":
                self._socket.tell(PONG)
            case "subscribe":
                self._subscribe(message)
            case "complete" if message["id"] in self._operations:
                self._operations.pop(message["id"]).leave()
        return None

    def _read(self, text: bytes | None) -> dict[str, Any]:
        """The message that a text holds. Raises ValueError."""
        if text is None:
            raise ValueError("WebSocket message type must be text")
        try:
            message = self._parts.decode(text)
        except json.JSONDecodeError:
            raise ValueError("WebSocket message must be valid JSON") from None
        problem = problem_of(message)
        if problem is not None:
            raise ValueError(problem)
        return cast("dict[str, Any]", message)

    def _init(self, payload: object) -> Coroutine[Any, Any, None] | None:
        if self._timer is not None:  # it has said who it is, and to look that up may take longer
            self._timer.cancel()
        if not isinstance(payload, dict):
            self._close(BAD_MESSAGE, "Invalid connection init payload")
        elif self._began:
            self._close(BEGUN_TWICE, "Too many initialisation requests")
        else:
            self._began = True
            return self._identify(payload)
        return None

    async def _identify(self, payload: dict[str, Any]) -> None:
        """Who calls: somebody who has proven it. The socket closes with 4403 when that is over."""
        caller_now = partial(self._parts.resolver.of_socket, self._connection, payload)
        identity = await caller_now()
        if identity.credential is not None:
            self._context.caller_now = caller_now
        try:
            self._let_in(identity)
        except Refusal as refusal:
            self._turn_away(refusal)
            return
        await self._socket.tell_in_turn(ACKNOWLEDGED)
        self._acknowledged = True

    def _let_in(self, identity: Identity) -> None:
        """From now on the socket is its caller's. Raises why it cannot be: nothing is proven, or it has too many."""
        services = self._services
        if identity.problem is not None:
            raise services.rates.unproven(identity.problem, self._connection) or identity.problem
        self._held.enter_context(services.viewers.taken(who(identity, self._connection)))
        self._held.enter_context(services.leases.held(identity, self._end))
        self._unknown.close()
        self._socket.known()
        self._context.identity = identity

    def _subscribe(self, message: dict[str, Any]) -> None:
        name, payload = message["id"], message["payload"]
        if self._why is not None:
            told = GraphQLError(self._why.message, extensions=self._why.extensions)
            self._socket.tell(error_of(name, [told]))
        elif not self._acknowledged:
            self._close(UNAUTHORIZED, "Unauthorized")
        elif len(self._operations) >= self._parts.most:
            self._socket.tell(error_of(name, [_TOO_MANY]))
        elif name in self._operations:
            self._close(SAME_ID, "There is an operation with this id")
        else:
            asked = Asked(
                self._parts.schema, payload["query"], payload.get("operationName"), payload.get("variables") or {}
            )
            operation = Operation(name, asked, self._context, self._socket, self._forget)
            self._operations[name] = operation
            operation.begin()

    def _forget(self, operation: Operation) -> None:
        if self._operations.get(operation.id) is operation:
            del self._operations[operation.id]

    def _too_late(self) -> None:
        """Who never says who it is proves nothing."""
        self._close(TOO_LATE, "Connection initialisation timeout")
        self._services.rates.unproven(Unauthenticated(), self._connection)

    def _end(self, why: Refusal) -> None:
        """The caller's proof is over: whatever it follows ends at once, and is told why."""
        self._why = why
        for operation in list(self._operations.values()):
            operation.fail(why)
        self._socket.run(self._end_with(why))

    async def _end_with(self, why: Refusal) -> None:
        """Close the socket when that is told."""
        due = [task for operation in self._operations.values() for task in operation.tasks]
        if due:
            await asyncio.wait(due, timeout=_FOR_TELLING)
        self._turn_away(why)

    def _leave(self) -> None:
        """The node stops: its viewer is told to go elsewhere, after what it has asked was answered."""
        self._why = ServerStopping()
        due = [
            task for operation in self._operations.values() if not operation.asked.follows for task in operation.tasks
        ]
        if due:
            self._socket.run(self._leave_after(due))
        else:
            self._close(SERVICE_RESTART, RESTARTING)

    async def _leave_after(self, due: list[asyncio.Task[None]]) -> None:
        await asyncio.wait(due)
        self._close(SERVICE_RESTART, RESTARTING)

    def _turn_away(self, why: Refusal) -> None:
        self._close(FORBIDDEN if why.http_status in (401, 403) else TRY_AGAIN_LATER, why.code)

    def _close(self, code: int, reason: str) -> None:
        self._inbox.clear()
        self._socket.close(code, reason)


_TOO_MANY = GraphQLError(
    "this socket has as many operations as it may have", extensions={"code": "TOO_MANY_OPERATIONS"}
)
