"""Has the runs of deploys asked for: each once, by whichever node takes it first.

Nothing is ever sent a second time by itself, because a dispatch that is sent twice is two deploys. What certainly was
not sent is sent later.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from phaseline.dispatching import outbox
from phaseline.dispatching.sending import Sending
from phaseline.github.errors import Limited, NotSent
from phaseline.store import Store, is_unavailable, reason
from phaseline_schema.dispatches import DispatchRecord, DispatchState
from phaseline_schema.pipeline import Outcome, Pipeline
from phaseline_schema.records import EntryRecord

log = structlog.get_logger(__name__)

# After GitHub was not reached, the next try is so many seconds later, and each time twice as long, up to the other.
_PAUSE, _LONGEST_PAUSE = 1.0, 30.0

# Whoever asks GitHub has an answer, or has none, long before this; but for a node that has died.
_DEAD = timedelta(minutes=1)

# How long a server that stops waits for the answer to what it has sent, in seconds.
_LAST_ANSWER = 4.0


class Dispatcher:
    """One of each node, which sends one at a time. `seconds`: how often it looks for what other nodes have written."""

    def __init__(self, store: Store, sending: Sending, seconds: float) -> None:
        self._store, self._sending, self._seconds = store, sending, seconds
        self._due = asyncio.Event()
        self._next = 0.0
        self._not_before = 0.0
        self._pause = _PAUSE
        self._is_put_off = False
        self._away = False

    def look_soon(self) -> None:
        """There may be something to send."""
        self._due.set()

    def hear(self, entry: EntryRecord, pipeline: Pipeline) -> None:
        """This node has recorded an entry. Behind an end somebody may have waited for the environment."""
        if entry.accepted and pipeline.by_key[entry.to_status].outcome is not Outcome.IN_PROGRESS:
            self.look_soon()

    async def run(self) -> None:
        """Send what there is, for ever."""
        while True:
            await self._until_due()
            await self._look()

    async def _until_due(self) -> None:
        until = min(self._next, self._not_before) if self._is_put_off else self._next
        with suppress(asyncio.TimeoutError):
            async with asyncio.timeout_at(until):
                await self._due.wait()
        self._due.clear()

    async def _look(self) -> None:
        self._next, self._is_put_off = _now() + self._seconds, False
        try:
            for dispatch, age in await self._store.read(outbox.outstanding):
                await self._see_to(dispatch, age)
        except Exception as error:
            if not is_unavailable(error):
                raise
            if not self._away:
                log.warning("the database does not say which runs GitHub is to be asked for", error=reason(error))
            self._away = True
        else:
            self._away = False

    async def _see_to(self, dispatch: DispatchRecord, age: timedelta) -> None:
        if dispatch.state is DispatchState.SENDING:
            if age > _DEAD:
                await self._sending.forget(dispatch)
        elif _now() < self._not_before:
            self._is_put_off = True
        else:
            await _to_its_answer(self._take(dispatch))

    async def _take(self, dispatch: DispatchRecord) -> None:
        deploy_id = dispatch.deploy_id
        deploy = await self._store.write(lambda connection: outbox.take(connection, deploy_id), deploy_id)
        if deploy is None:
            return
        in_the_way = await self._sending.send(dispatch, deploy)
        if in_the_way is None:
            self._pause = _PAUSE
        else:
            self._wait(in_the_way)

    def _wait(self, error: Limited | NotSent) -> None:
        """Until the limit's end; or longer each time that GitHub is not reached."""
        self._is_put_off = True
        if isinstance(error, Limited):
            self._not_before = _now() + max(0.0, (error.until - datetime.now(UTC)).total_seconds())
        else:
            self._not_before = _now() + self._pause
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _to_its_answer(sending: Coroutine[Any, Any, None]) -> None:
    """A server that stops waits for a moment more: an answer that nobody hears leaves a deploy unclear."""
    running = asyncio.create_task(sending)
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running], timeout=_LAST_ANSWER)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        raise
