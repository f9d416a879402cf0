"""Who is told what in a group, event by event: in an order that a real server comes to only now and then."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any

from phaseline.feed import Wakeups
from phaseline.groups import Group, Wanted


class Tail:
    """A log whose newest part is known."""

    deploy_id = "one"
    over: Exception | None = None

    def __init__(self) -> None:
        self.sequence = 1
        self._wakeups: list[Wakeups] = []

    @contextmanager
    def wakeups(self) -> Iterator[Wakeups]:
        wakeups = Wakeups()
        self._wakeups.append(wakeups)
        yield wakeups

    async def since(self, last: int) -> list[Any]:
        return [
            SimpleNamespace(entry=SimpleNamespace(sequence=number, accepted=True))
            for number in range(last + 1, self.sequence + 1)
        ]

    def grow(self) -> None:
        self.sequence += 1
        for wakeups in self._wakeups:
            wakeups.wake()


class Member:
    """One that takes whatever it is told, but for the entry that it cannot take at once."""

    def __init__(self, last: int, full_at: int = 99) -> None:
        self.last = last
        self.told: list[int] = []
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
        raise why


class Encoding(Group):
    """A group whose events are encoded when that is let."""

    def __init__(self) -> None:
        tails: Any = SimpleNamespace(following=nullcontext)
        super().__init__(tails)
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
    log: Any = tail
    assert group.admit(one, log)
    await _settled()
    tail.grow()
    await _settled()
    assert group.admit(ahead, log)
    assert not group.admit(behind, log)
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
    log: Any = tail
    for member in (slow, quick):
        assert group.admit(member, log)
    for _ in range(2):
        tail.grow()
        group.may_encode.release()
        await _settled()
    assert (slow.told, slow.alone, quick.told, quick.alone) == ([], True, [2, 3], False)
    group.close()
