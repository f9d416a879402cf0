"""Subscriptions that ask the same with the same rights: an event is executed and encoded once for all of them.

What a group sends is the same for each member but for the id of its operation. How far each has come is its own: who
begins, and who was too slow, catches up by itself and then moves with the group.
"""

import asyncio
import json
from collections import OrderedDict
from collections.abc import AsyncGenerator, Hashable, Iterator
from contextlib import ExitStack, aclosing, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from phaseline import faults, metrics
from phaseline.follow import go_on
from phaseline.standings import Event
from phaseline.tails import Tail, Tails

# Events that are kept as they were encoded: those of a whole deploy, for whoever begins before them.
_ENCODED = 32

_ENDED = "the operation of a group has ended"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a subscription asks for: which field, of which deploy, from where on, and whether with refusals."""

    field: metrics.Field
    deploy_id: str
    after: int | None
    refusals: bool


class Result(Protocol):
    """The result of an operation for one event."""

    data: Any
    errors: list[Any] | None
    extensions: Any


class NotBegun(Exception):
    """A subscription that has ended before it wanted an event; `result` is what it has ended with, if anything."""

    def __init__(self, result: Result | None) -> None:
        super().__init__()
        self.result = result


class Member(Protocol):
    """One subscription in a group, which has been told of every event up to the entry `last`."""

    last: int

    def tell(self, event: Event, payload: bytes) -> bool:
        """Send the event at once; False where that cannot be."""

    def catch_up(self, tail: Tail) -> None:
        """From now on, go on alone until the group can take it in again."""

    def fail(self, why: Exception) -> None:
        """End, and tell why."""


class Group:
    """One operation that is executed for every event, whoever of its members is told of it."""

    def __init__(self, tails: Tails) -> None:
        self.wanted: asyncio.Future[Wanted] = asyncio.get_running_loop().create_future()
        self.over: Exception | None = None
        self._tails = tails
        self._asked: asyncio.Queue[Event] = asyncio.Queue()
        self._answered: asyncio.Queue[Result | None] = asyncio.Queue()
        self._turn = asyncio.Lock()
        self._encoded: OrderedDict[Hashable, tuple[Event, asyncio.Task[bytes]]] = OrderedDict()
        self._together: dict[Member, None] = {}
        self._last = 0
        self._running: asyncio.Task[None] | None = None
        self._following: tuple[Tail, asyncio.Task[None]] | None = None

    async def events(self, wanted: Wanted) -> AsyncGenerator[Event, None]:
        """What the operation is executed for, one event after the other: what members ask for."""
        self.wanted.set_result(wanted)
        while True:
            yield await self._asked.get()

    def run(self, results: AsyncGenerator[Any, None]) -> None:
        """Execute the operation from now on; `results` are those of one that is given `events`."""
        self._running = asyncio.create_task(self._run(results))

    def close(self) -> None:
        """Nobody is in it any more."""
        following = self._following[1] if self._following is not None else None
        for task in (self._running, following, *(task for _, task in self._encoded.values())):
            if task is not None:
                task.cancel()

    async def payload(self, event: Event) -> bytes:
        """The operation's answer for an event, as JSON."""
        standing = event.standing
        key = (event.entry.digest, standing.deploy.sequence, id(standing.pipeline))
        if key not in self._encoded:
            self._encoded[key] = event, asyncio.create_task(self._encode(key, event))
            if len(self._encoded) > _ENCODED:
                self._encoded.popitem(last=False)
        return await asyncio.shield(self._encoded[key][1])

    def admit(self, member: Member, tail: Tail) -> bool:
        """Take in a member that has come as far as the group, and tell it of what comes from now on.

        `tail` is the one that has told it so far. Raises what that or the group has ended with.
        """
        over = self.over or tail.over
        if over is not None:
            raise over
        if self._following is None:
            self._last = member.last
            # The member's tail goes on as the group's: another would not know what the member has seen.
            held = ExitStack()
            held.enter_context(self._tails.following(tail.deploy_id))
            task = asyncio.create_task(self._follow(tail))
            task.add_done_callback(lambda _: held.close())
            self._following = tail, task
        # That of the group is another where it has ended, and those in the group are about to be told.
        if self._following[0] is not tail or member.last < self._last:
            return False
        self._together[member] = None
        return True

    def leave(self, member: Member) -> None:
        """No longer tell this member."""
        self._together.pop(member, None)

    async def _run(self, results: AsyncGenerator[Any, None]) -> None:
        result = None
        try:
            async with aclosing(results):
                async for result in results:
                    if not self.wanted.done():
                        break
                    self._answered.put_nowait(result)
        finally:
            if not self.wanted.done():
                self.over = NotBegun(result)
                self.wanted.set_exception(self.over)
                self.wanted.exception()  # seen, where whoever waited has gone
            self.over = self.over or RuntimeError(_ENDED)
            self._answered.put_nowait(None)

    async def _encode(self, key: Hashable, event: Event) -> bytes:
        async with self._turn:
            self._asked.put_nowait(event)
            result = await self._answered.get()
        if result is None:
            self._answered.put_nowait(None)
            raise RuntimeError(_ENDED)
        metrics.executed()
        if result.errors:  # it may go better for whoever comes later
            self._encoded.pop(key, None)
        return encoded(result)

    async def _follow(self, tail: Tail) -> None:
        """Tell all members that have come as far as the group, and let those that cannot be told go on alone.

        Where the tail ends, they end. Whoever comes after that is told by another.
        """
        try:
            with tail.wakeups() as wakeups:
                async with aclosing(go_on(tail, wakeups, self._last, refusals=self.wanted.result().refusals)) as events:
                    async for event in events:
                        self._tell(event, await self.payload(event), tail)
        except Exception as error:
            self._following = None
            self._encoded.clear()  # what others are told may be of another log
            why = faults.told(error)
            for member in list(self._together):
                member.fail(why)

    def _tell(self, event: Event, payload: bytes, tail: Tail) -> None:
        self._last = event.entry.sequence
        for member in list(self._together):
            if member.last < self._last and not member.tell(event, payload):
                self.leave(member)
                member.catch_up(tail)


class Groups:
    """The groups of this process."""

    def __init__(self) -> None:
        self._groups: dict[Hashable, Group] = {}
        self._members: dict[Group, int] = {}

    def find(self, key: Hashable) -> Group | None:
        """The one of this key, if there is one that has not ended."""
        group = self._groups.get(key)
        return group if group is not None and group.over is None else None

    @contextmanager
    def joined(self, key: Hashable, group: Group) -> Iterator[None]:
        """Keep a group, and let others find it, for as long as the block runs."""
        self._groups[key] = group
        self._members[group] = self._members.get(group, 0) + 1
        try:
            yield
        finally:
            self._members[group] -= 1
            if not self._members[group]:
                del self._members[group]
                group.close()
                if self._groups.get(key) is group:
                    del self._groups[key]


def encoded(result: Result) -> bytes:
    """A result as the payload of a message."""
    payload = {"data": result.data}
    if result.errors:
        payload["errors"] = [error.formatted for error in result.errors]
    if result.extensions:
        payload["extensions"] = result.extensions
    return json.dumps(payload, separators=(",", ":")).encode()
