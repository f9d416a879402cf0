"""Wake-ups inside this process. A wake-up says which deploy has changed, and nothing else.

Followers read the log themselves, so a wake-up that is lost, doubled or late does no harm.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Wakeups:
    """One follower's wake-ups. Any number that came since the last wait count as one."""

    def __init__(self, poll_seconds: float) -> None:
        self._poll_seconds = poll_seconds
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Note that there may be something to read."""
        self._woken.set()

    async def wait(self) -> None:
        """Return when there may be something to read, and now and then even if nobody said so."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._poll_seconds):
                await self._woken.wait()
        self._woken.clear()


class Feed:
    """Who follows which deploy."""

    def __init__(self, poll_seconds: float) -> None:
        self._poll_seconds = poll_seconds
        self._followers: defaultdict[str, set[Wakeups]] = defaultdict(set)

    def wake(self, deploy_id: str) -> None:
        """Tell everyone who follows this deploy that it may have changed."""
        for wakeups in self._followers.get(deploy_id, ()):
            wakeups.wake()

    @contextmanager
    def following(self, deploy_id: str) -> Iterator[Wakeups]:
        """Wake-ups of this deploy, for as long as the block runs."""
        wakeups = Wakeups(self._poll_seconds)
        self._followers[deploy_id].add(wakeups)
        try:
            yield wakeups
        finally:
            self._followers[deploy_id].discard(wakeups)
            if not self._followers[deploy_id]:
                del self._followers[deploy_id]
