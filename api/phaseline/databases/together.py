"""Writes that share a commit: all that have come while the one before them was under way."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

# No commit is kept waiting for more than so many writes, nor are more undone with it where it fails.
_MOST = 64


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one write of those that were committed together has come to: what it returned, or what it raised."""

    result: Any = None
    error: Exception | None = None


@dataclass(eq=False, slots=True)
class _Waiting:
    work: Any
    answer: asyncio.Future[Any] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def tell(self, outcome: Outcome) -> None:
        if self.answer.done():  # whoever waited for it has gone with its loop
            return
        if outcome.error is not None:
            self.answer.set_exception(outcome.error)
        else:
            self.answer.set_result(outcome.result)


class Together:
    """First come, first served. Nobody is answered before what he wrote is committed."""

    def __init__(
        self,
        turn: Callable[[], AbstractAsyncContextManager[Any]],
        commit: Callable[[Sequence[Any]], Awaitable[Sequence[Outcome]]],
    ) -> None:
        """`commit` does several works in one transaction, while it has the `turn`; it raises where nothing is kept."""
        self._turn = turn
        self._commit = commit
        self._waiting: deque[_Waiting] = deque()
        self._going: asyncio.Task[None] | None = None

    async def write(self, work: Any, seconds: float) -> Any:
        """What `work` returns or raises. Raises TimeoutError where it is not begun within so many seconds."""
        mine = _Waiting(work)
        self._waiting.append(mine)
        if self._going is None:
            self._going = asyncio.create_task(self._go())
        late = asyncio.get_running_loop().call_later(seconds, self._give_up, mine)
        try:
            return await mine.answer
        finally:
            late.cancel()

    def _give_up(self, one: _Waiting) -> None:
        if one in self._waiting:
            self._waiting.remove(one)
            one.tell(Outcome(error=TimeoutError()))

    async def _go(self) -> None:
        try:
            while self._waiting:
                async with self._turn():
                    group = [self._waiting.popleft() for _ in range(min(len(self._waiting), _MOST))]
                    await self._write(group)
        finally:
            self._going = None

    async def _write(self, group: Sequence[_Waiting]) -> None:
        try:
            outcomes = await self._commit([one.work for one in group])
        except Exception as error:
            outcomes = [Outcome(error=error)] * len(group)
        for one, outcome in zip(group, outcomes, strict=True):
            one.tell(outcome)
