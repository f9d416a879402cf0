"""Wake-ups of followers. A wake-up says which deploy has changed, and nothing else.

Followers read the log themselves, so a wake-up that is lost, doubled or late does no harm.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from phaseline import metrics
from phaseline_schema.pipeline import Pipeline
from phaseline_schema.records import EntryRecord
from phaseline_schema.refusals import Unavailable


class Wakeups:
    """One follower's wake-ups. Any number that came since the last wait count as one."""

    def __init__(self) -> None:
        self._woken = asyncio.Event()
        self._over: Exception | None = None

    def wake(self) -> None:
        """Note that there may be something to read."""
        self._woken.set()

    def end(self, why: Exception) -> None:
        """Note that the follower is to end, and what it is to be told."""
        self._over = why
        self._woken.set()

    async def wait(self) -> None:
        """Return when there may be something to read. Raises what `check` raises."""
        await self._woken.wait()
        self.check()
        self._woken.clear()

    def check(self) -> None:
        """Raise what the follower is to be told where it is to end: Unavailable where the log cannot be read any more,
        Unauthenticated where its caller's proof is over."""
        if self._over is not None:
            raise self._over


class Follower(Protocol):
    """Somebody who follows a deploy's log in this process, and has come up to `sequence`."""

    @property
    def sequence(self) -> int:
        """The sequence of the newest entry that is known; 0 before any."""

    def wake(self) -> None:
        """The deploy may have changed."""

    def hear(self, entry: EntryRecord, pipeline: Pipeline) -> None:
        """This process has recorded an entry, along this graph."""

    def end(self, why: Exception) -> None:
        """The log cannot be followed any more."""


class Feed:
    """Who follows which deploy in this process, and whom else to tell that one has changed."""

    def __init__(self) -> None:
        self._followers: dict[str, Follower] = {}
        self._tell_others: Callable[[str], None] | None = None
        self._hear: list[Callable[[EntryRecord, Pipeline], None]] = []

    def connect(self, tell_others: Callable[[str], None]) -> None:
        """Have other processes told as well."""
        self._tell_others = tell_others

    def overhear(self, hear: Callable[[EntryRecord, Pipeline], None]) -> None:
        """Have this told of every entry that this process records, of whichever deploy."""
        self._hear.append(hear)

    def announce(self, entry: EntryRecord, pipeline: Pipeline) -> None:
        """Tell everyone, here and elsewhere, that this process has recorded an entry. Called after the commit."""
        metrics.wakeup("local")
        follower = self._followers.get(entry.deploy_id)
        if follower is not None:
            follower.hear(entry, pipeline)
        for hear in self._hear:
            hear(entry, pipeline)
        if self._tell_others is not None:
            self._tell_others(entry.deploy_id)

    def wake(self, deploy_id: str) -> None:
        """Tell whoever follows this deploy here that it may have changed."""
        follower = self._followers.get(deploy_id)
        if follower is not None:
            follower.wake()

    def lose(self) -> None:
        """Tell everyone here that the log cannot be read: they are not to take silence for news."""
        for follower in list(self._followers.values()):
            follower.end(Unavailable())

    def followed(self) -> dict[str, int]:
        """How far each deploy is known that somebody here follows."""
        return {deploy_id: follower.sequence for deploy_id, follower in self._followers.items()}

    @contextmanager
    def telling(self, deploy_id: str, follower: Follower) -> Iterator[None]:
        """Tell this follower of the deploy, for as long as the block runs, and nobody else."""
        self._followers[deploy_id] = follower
        try:
            yield
        finally:
            if self._followers.get(deploy_id) is follower:
                del self._followers[deploy_id]
