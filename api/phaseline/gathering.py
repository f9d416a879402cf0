"""Asking once for what several want at about the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import partial
from itertools import islice
from typing import Generic, TypeVar

# In seconds. As long as a transaction may take.
_PATIENCE = 10.0

Wish = TypeVar("Wish")
Found = TypeVar("Found")


class Gathering(Generic[Wish, Found]):
    """Gathers wishes while an asking is under way, and asks for all of them together in the next.

    So however many come, one asking is under way at a time; and whoever comes is answered by one that began after.
    """

    def __init__(
        self,
        ask: Callable[[Collection[Wish]], Awaitable[Mapping[Wish, Found | Exception]]],
        most: int,
        seconds: float = _PATIENCE,
    ) -> None:
        """`ask` answers at most so many different wishes at once; an error of one of them stands in its place.

        `seconds`: how long anybody waits. While the database hangs, so does the asking before.
        """
        self._ask = ask
        self._most = most
        self._seconds = seconds
        self._wanted: dict[Wish, asyncio.Future[Found]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def found(self, wish: Wish) -> Found:
        """What there is for this wish. Raises its error, or the one that the asking ended with, or TimeoutError."""
        return await asyncio.shield(self._wanted.get(wish) or self._want(wish))

    def _want(self, wish: Wish) -> asyncio.Future[Found]:
        loop = asyncio.get_running_loop()
        future = self._wanted[wish] = loop.create_future()
        late = loop.call_later(self._seconds, self._give_up, wish, future)
        future.add_done_callback(partial(_seen, late))
        if self._asking is None:
            self._asking = asyncio.create_task(self._run())
        return future

    def _give_up(self, wish: Wish, future: asyncio.Future[Found]) -> None:
        if self._wanted.get(wish) is future:
            del self._wanted[wish]
        if not future.done():
            future.set_exception(TimeoutError())

    async def _run(self) -> None:
        try:
            while self._wanted:
                now = dict(islice(self._wanted.items(), self._most))
                for wish in now:
                    del self._wanted[wish]
                await self._answer(now)
        finally:
            self._asking = None

    async def _answer(self, wanted: Mapping[Wish, asyncio.Future[Found]]) -> None:
        found: Mapping[Wish, Found | Exception]
        try:
            found = await self._ask(list(wanted))
        except Exception as error:
            found = dict.fromkeys(wanted, error)
        for wish, future in wanted.items():
            answer = found[wish]
            if future.done():  # it was given up
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)


def _seen(late: asyncio.TimerHandle, future: asyncio.Future[Found]) -> None:
    """It will not be late any more; and an error is nobody's, where all who wanted to know have gone."""
    late.cancel()
    if not future.cancelled():
        future.exception()
