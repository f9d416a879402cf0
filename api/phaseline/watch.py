"""Looks now and then for what other processes have written, in case nobody has said so."""

import asyncio
from contextlib import suppress
from functools import partial

import structlog
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from phaseline import history, metrics
from phaseline.feed import Feed
from phaseline.store import Store, is_unavailable, reason

log = structlog.get_logger(__name__)

# A statement has room for some thirty thousand values.
_AT_ONCE = 10_000


class Watch:
    """One look serves all followers of this process: it asks how far each deploy that they follow has come."""

    def __init__(self, store: Store, feed: Feed, poll_seconds: float) -> None:
        self._store = store
        self._feed = feed
        self._poll_seconds = poll_seconds
        self._due = asyncio.Event()
        self._away = False

    def look_soon(self) -> None:
        """Do not wait for the next look: something may have been missed."""
        self._due.set()

    async def run(self) -> None:
        """Look for ever."""
        while True:
            with suppress(asyncio.TimeoutError):
                async with asyncio.timeout(self._poll_seconds):
                    await self._due.wait()
            self._due.clear()
            await self._look()

    async def _look(self) -> None:
        followed = self._feed.followed()
        if not followed:
            return
        found: dict[str, int] = {}
        try:
            ids = list(followed)
            for first in range(0, len(ids), _AT_ONCE):
                found |= await self._store.read(partial(history.sequences, ids=ids[first : first + _AT_ONCE]))
        except NoConnectionFree:
            log.warning("no connection was free to look for news; it is late, not lost")
        except Exception as error:
            if not is_unavailable(error):
                log.error("cannot look for news, and viewers are told so", exc_info=error)
            elif not self._away:
                log.error("the database does not answer, and viewers are told so", error=reason(error))
            self._away = True
            self._feed.lose()
        else:
            if self._away:
                log.info("the database answers again")
            self._away = False
            known = self._feed.followed()  # as of now: an entry may have been heard of while others were looked for
            for deploy_id in ids:
                if known.get(deploy_id, 0) not in (0, found.get(deploy_id)):
                    metrics.wakeup("poll")
                    self._feed.wake(deploy_id)
