"""Who is told what in a group, event by event: in an order that a real server comes to only now and then."""

import asyncio
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

from phaseline import tails
from phaseline.groups import Group, Wanted
from phaseline_schema.refusals import Fault, Unavailable


class Tail(tails.Tail):
    """One whose log is known without being read."""

    def __init__(self) -> None:
        nothing: Any = None
        super().__init__("one", nothing)
        self.known = 1

    @property
    def sequence(self) -> int:
        return self.known

    async def since(self, last: int) -> list[Any]:
        return [
            SimpleNamespace(entry=SimpleNamespace(sequence=number, accepted=True))
            for number in range(last + 1, self.sequence + 1)
        ]

    def grow(self) -> None:
        self.known += 1
        for wakeups in self._wakeups:
            wakeups.wake()


class Member:
    """One that takes whatever it is told, but for the entry that it cannot take at once."""

    def __init__(self, last: int, full_at: int = 99) -> None:
        self.last = last
        self.told: list[int] = []
        self.why: Exception | None = None
        self.alone = False
        self._full_at = full_at

    def tell(self, event: Any, payload: bytes) -> bool:
        if event.entry.sequence == self._full_at:
            return False
        self.last = event.entry.sequence
        self.told.append(self.last)
        return True

    def catch_up(self, tail: Any) -> None:
        self.alone = True

    def fail(self, why: Exception) -> None:
        self.why = why


class Encoding(Group):
    """A group whose events are encoded when that is let."""

    def __init__(self) -> None:
        nothing: Any = SimpleNamespace(following=nullcontext)
        super().__init__(nothing)
        self.wanted.set_result(Wanted("phaseChanged", "one", None, refusals=True))
        self.may_encode = asyncio.Semaphore(0)

    async def payload(self, event: Any) -> bytes:
        await self.may_encode.acquire()
        return b"{}"


async def _settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_who_has_seen_an_event_that_is_being_encoded_is_not_told_it_twice() -> None:
    group, tail = Encoding(), Tail()
    one, ahead, behind = Member(1), Member(2), Member(0)
    assert group.admit(one, tail)
    await _settled()
    tail.grow()
    await _settled()
    assert group.admit(ahead, tail)
    assert not group.admit(behind, tail)
    for _ in range(2):
        group.may_encode.release()
    await _settled()
    tail.grow()
    await _settled()
    assert (one.told, ahead.told, behind.told) == ([2, 3], [3], [])
    group.close()


async def test_who_cannot_be_told_at_once_leaves_and_keeps_nobody_waiting() -> None:
    group, tail = Encoding(), Tail()
    slow, quick = Member(1, full_at=2), Member(1)
    for member in (slow, quick):
        assert group.admit(member, tail)
    for _ in range(2):
        tail.grow()
        group.may_encode.release()
        await _settled()
    assert (slow.told, slow.alone, quick.told, quick.alone) == ([], True, [2, 3], False)
    group.close()


async def test_a_log_that_ends_at_any_moment_ends_for_its_members_and_others_begin_anew() -> None:
    for moments in range(3):
        group, tail = Encoding(), Tail()
        member, newcomer = Member(1), Member(1)
        assert group.admit(member, tail)
        for _ in range(moments):
            await asyncio.sleep(0)
        tail.end(Unavailable())
        await _settled()
        assert isinstance(member.why, Unavailable), moments
        assert group.admit(newcomer, Tail())
        group.close()


async def test_a_log_that_ends_behind_what_a_follower_has_seen_ends_it_too() -> None:
    group, tail = Encoding(), Tail()
    member = Member(5)  # it was restored from a backup, and is shorter now
    assert group.admit(member, tail)
    await asyncio.sleep(0)
    tail.end(Unavailable())
    await _settled()
    assert isinstance(member.why, Unavailable)
    group.close()


async def test_a_fault_is_told_to_all_as_one() -> None:
    group, tail = Encoding(), Tail()
    members = [Member(1) for _ in range(3)]
    for member in members:
        assert group.admit(member, tail)
    await _settled()
    tail.end(ZeroDivisionError())
    await _settled()
    assert len({id(member.why) for member in members}) == 1
    assert isinstance(members[0].why, Fault)
    group.close()
