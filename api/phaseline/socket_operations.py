"""One operation over a socket, from its being asked for until it is complete or its viewer ends it."""

import asyncio
from collections.abc import Callable, Hashable, Sequence
from contextlib import aclosing, suppress
from typing import Any

from graphql import GraphQLError
from strawberry.types.execution import PreExecutionError
from uvicorn.protocols.utils import ClientDisconnected

from phaseline.connections import Socket
from phaseline.context import Context
from phaseline.groups import Result, encoded
from phaseline.joining import Asked, Joined, Refused, failure, join, key_of
from phaseline.messages import complete_of, error_of, next_of
from phaseline.rates import who
from phaseline.subscribers import Subscriber


class Operation:
    """A query or a mutation has a task of its own; a subscription only while it is not moved by its group."""

    def __init__(
        self, name: str, asked: Asked, context: Context, socket: Socket, forget: Callable[["Operation"], None]
    ) -> None:
        """`forget` is called when its id is free for another."""
        self.id = name
        self.asked = asked
        self._context = context
        self._socket = socket
        self._forget = forget
        self._subscriber: Subscriber | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """What it does at the moment."""
        own = self._subscriber.task if self._subscriber is not None else None
        return [task for task in (self._task, own) if task is not None and not task.done()]

    def begin(self) -> None:
        """Find the answer, and send it."""
        self._task = self._socket.run(self._run())

    def leave(self) -> None:
        """Nobody waits for it any more."""
        if self._task is not None:
            self._task.cancel()
        if self._subscriber is not None:
            self._subscriber.leave()
            self._subscriber = None

    def fail(self, why: Exception) -> None:
        """End it if it is a subscription, and tell why. What has one answer is left to find it."""
        if self.asked.follows:
            self.leave()
            self._task = self._socket.run(self._fail(why))

    async def _run(self) -> None:
        key = key_of(self.asked, self._context)
        try:
            if key is None:
                await self._execute()
            else:
                await self._follow(key)
        except ClientDisconnected:
            pass
        except Exception as error:
            await self._fail(error)
        finally:
            if self._task is asyncio.current_task():
                self._task = None

    async def _execute(self) -> None:
        """For itself alone."""
        asked = self.asked
        results = await asked.schema.stream(
            asked.query,
            variable_values=asked.variables,
            context_value=self._context,
            operation_name=asked.name,
        )
        async with aclosing(results):
            async for result in results:
                if isinstance(result, PreExecutionError):
                    await self._refuse(result.errors or [])
                    return
                await self._next(result)
        await self._complete()

    async def _follow(self, key: Hashable) -> None:
        """As one of its group."""
        try:
            found = await join(self.asked, key, self._context)
        except Refused as refused:
            await self._refuse(refused.errors)
            return
        if not isinstance(found, Joined):
            await self._end_with(found)
            return
        context, request = self._context, self._context.request
        assert request is not None
        caller = who(context.identity, request)
        self._subscriber = Subscriber(self.id, self._socket, context.services, caller, found.held, self._fail)
        await self._subscriber.begin(found.group, found.wanted)

    async def _fail(self, error: Exception) -> None:
        """End it with an error, which is logged where it is none that a caller is told of."""
        if not isinstance(error, ClientDisconnected):
            with suppress(ClientDisconnected):
                await self._end_with(failure(error))

    async def _end_with(self, result: Result | None) -> None:
        if isinstance(result, PreExecutionError):
            await self._refuse(result.errors or [])
            return
        if result is not None:
            await self._next(result)
        await self._complete()

    async def _next(self, result: Any) -> None:
        await self._socket.tell_in_turn(next_of(self.id, encoded(result)))

    async def _refuse(self, errors: Sequence[GraphQLError]) -> None:
        await self._socket.tell_in_turn(error_of(self.id, errors))
        self._finish()

    async def _complete(self) -> None:
        await self._socket.tell_in_turn(complete_of(self.id))
        self._finish()

    def _finish(self) -> None:
        """Its viewer knows that it is over, and may use its id again."""
        self._forget(self)
        self._subscriber = None
