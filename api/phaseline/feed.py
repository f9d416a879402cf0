"""Wake-ups of followers. A wake-up says which deploy has changed, and nothing else.

Followers read the log themselves, so a wake-up that is lost, doubled or late does no harm.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from phaseline import metrics
from phaseline_schema.refusals import Refusal, Unavailable


class Wakeups:
    """One follower's wake-ups. Any number that came since the last wait count as one."""

    def __init__(self) -> None:
        self._woken = asyncio.Event()
        self._over: Refusal | None = None
        self._since = 0.0

    def wake(self) -> None:
        """Note that there may be something to read."""
        if not self._woken.is_set():
            self._since = time.monotonic()
        self._woken.set()

    def end(self, why: Refusal) -> None:
        """Note that the follower is to end, and what it is to be told."""
        self._over = why
        self._woken.set()

    async def wait(self) -> float:
        """Return when there may be something to read: since when, by `time.monotonic()`.

        Raises what the follower is to be told where it is to end: Unavailable where the log cannot be read any more,
        Unauthenticated where its caller's proof is over.
        """
        await self._woken.wait()
        if self._over is not None:
            raise self._over
        self._woken.clear()
        return self._since


class Feed:
    """Who follows which deploy in this process, and whom else to tell that one has changed."""

    def __init__(self) -> None:
        self._followers: defaultdict[str, set[Wakeups]] = defaultdict(set)
        self._tell_others: Callable[[str], None] | None = None

    def connect(self, tell_others: Callable[[str], None]) -> None:
        """Have other processes told as well."""
        self._tell_others = tell_others

    def announce(self, deploy_id: str) -> None:
        """Tell everyone, here and elsewhere, that this process has changed this deploy. Called after the commit."""
        metrics.wakeup("local")
        self.wake(deploy_id)
        if self._tell_others is not None:
            self._tell_others(deploy_id)

    def wake(self, deploy_id: str) -> None:
        """Tell everyone here who follows this deploy that it may have changed."""
        for wakeups in self._followers.get(deploy_id, ()):
            wakeups.wake()

    def lose(self) -> None:
        """Tell everyone here that the log cannot be read: they are not to take silence for news."""
        for followers in self._followers.values():
            for wakeups in followers:
                wakeups.end(Unavailable())

    def followed(self) -> list[str]:
        """The deploys that somebody here follows."""
        return list(self._followers)

    @contextmanager
    def following(self, deploy_id: str) -> Iterator[Wakeups]:
        """Wake-ups of this deploy, for as long as the block runs."""
        wakeups = Wakeups()
        self._followers[deploy_id].add(wakeups)
        try:
            yield wakeups
        finally:
            self._followers[deploy_id].discard(wakeups)
            if not self._followers[deploy_id]:
                del self._followers[deploy_id]
