"""Writes down when tokens were last used."""

import asyncio
import time
from datetime import datetime, timedelta

import structlog

from phaseline.callers import tokens
from phaseline.callers.tokens import TokenRecord
from phaseline.store import Store, reason

log = structlog.get_logger(__name__)

# A use is written down this exactly, so that a busy caller does not write at every call.
_STEP = timedelta(minutes=1)


class Uses:
    """The uses of tokens that this process has seen. Nobody waits until one is written down, and nobody is turned away
    where it cannot be: a standby, say, takes no writes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tried: dict[str, float] = {}
        self._writing: set[asyncio.Task[None]] = set()

    def note(self, token: TokenRecord, now: datetime) -> None:
        """It was used now."""
        if token.last_used_at is not None and now - token.last_used_at < _STEP:
            return
        # However many use it at once, and whether or not it can be written: one try for each step.
        if time.monotonic() - self._tried.get(token.id, -float("inf")) < _STEP.total_seconds():
            return
        self._tried[token.id] = time.monotonic()
        writing = asyncio.create_task(self._store.write(lambda connection: tokens.used(connection, token.id, now)))
        self._writing.add(writing)
        writing.add_done_callback(self._written)

    async def finish(self) -> None:
        """Wait until all are written."""
        await asyncio.gather(*self._writing, return_exceptions=True)

    def _written(self, writing: asyncio.Task[None]) -> None:
        self._writing.discard(writing)
        error = None if writing.cancelled() else writing.exception()
        if error is not None:
            log.warning("the use of a token could not be written down", error=reason(error))
