"""One viewer's subscription over a socket, as a member of a group."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from typing import Any

from phaseline import metrics
from phaseline.connections import Wire
from phaseline.context import Services
from phaseline.groups import Group, Wanted
from phaseline.standings import Event
from phaseline.tails import Tail


class Subscriber:
    """A member that is nobody's task while it moves with its group."""

    def __init__(
        self,
        operation_id: str,
        wire: Wire,
        services: Services,
        caller: str,
        held: ExitStack,
        end: Callable[[Exception], Coroutine[Any, Any, None]],
    ) -> None:
        """`caller`: whom it is counted for. `held`: what is given back when it leaves. `end`: tells the viewer why."""
        self.last = 0
        self._head = b'{"id":%s,"type":"next","payload":' % json.dumps(operation_id).encode()
        self._wire = wire
        self._services = services
        self._caller = caller
        self._end = end
        self._held = held
        self._left = False
        self._task: asyncio.Task[None] | None = None

    async def begin(self, group: Group, wanted: Wanted) -> None:
        """Send what there is, and then, with the group, what comes. Whoever ends it meanwhile cancels this task."""
        self._group = group
        self._wanted = wanted
        self._task = asyncio.current_task()
        await self._or_end(self._begin())

    def tell(self, event: Event, payload: bytes) -> bool:
        """Send the event at once; False where that cannot be."""
        told = self._wire.tell(self._message(payload))
        if told:
            self._note(event)
        return told

    def catch_up(self, tail: Tail) -> None:
        """From now on, go on alone until the group can take it in again."""
        self._task = asyncio.create_task(self._or_end(self._go_on_alone(tail)))

    def fail(self, why: Exception) -> None:
        """End, and tell why."""
        if not self._left:
            self.leave()
            self._task = asyncio.create_task(self._end(why))

    def leave(self) -> None:
        """Be told of nothing any more."""
        self._left = True
        if self._task is not None:
            self._task.cancel()
        self._group.leave(self)
        self._held.close()

    @property
    def task(self) -> asyncio.Task[None] | None:
        """What it does by itself, where it is not moved by its group."""
        return self._task

    async def _begin(self) -> None:
        services, wanted = self._services, self._wanted
        self._held.enter_context(services.followers.taken(self._caller))
        self._pushed = self._held.enter_context(metrics.subscription(wanted.field))
        async with services.tails.begun(wanted.deploy_id) as tail:
            first, self.last = tail.begin(wanted.after, refusals=wanted.refusals)
            if first is not None:
                await self._tell_in_turn(first)
            await self._catch_up(tail)

    async def _go_on_alone(self, tail: Tail) -> None:
        with self._services.tails.following(tail.deploy_id):
            await self._catch_up(tail)

    async def _catch_up(self, tail: Tail) -> None:
        while not self._group.admit(self, tail):
            events = await tail.since(self.last)
            if not events:  # the group's has ended
                await tail.renew()
            for event in events:
                if self._wanted.refusals or event.entry.accepted:
                    await self._tell_in_turn(event)
                self.last = event.entry.sequence

    async def _tell_in_turn(self, event: Event) -> None:
        await self._wire.tell_in_turn(self._message(await self._group.payload(event)))
        self._note(event)

    def _message(self, payload: bytes) -> bytes:
        return b"".join((self._head, payload, b"}"))

    def _note(self, event: Event) -> None:
        self.last = max(self.last, event.entry.sequence)
        self._pushed(event.entry.recorded_at)

    async def _or_end(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            if not self._left:
                self._task = None  # this one, which goes on
                self.leave()
                self._task = asyncio.current_task()
                await self._end(error)
        finally:
            if self._task is asyncio.current_task():
                self._task = None
