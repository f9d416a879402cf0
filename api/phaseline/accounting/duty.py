"""What one node of all does at a time. It keeps two from doing the same work, and says nothing of what is true.

Times are the database's own, on whose clock all nodes look. A node that dies leaves its duty until its time is over.
"""

import os
import socket
import time
import uuid
from datetime import timedelta
from functools import partial

from sqlalchemy import delete, or_
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline.databases import clock
from phaseline.databases.inserting import insert
from phaseline.store import Store
from phaseline_schema.tables import duties

# Longer than one question to GitHub may take, with all that it may need before.
_HOLDS = timedelta(seconds=60)

# For so long nobody is asked whether it is still this process's, in seconds.
_FRESH = 10.0


class Duty:
    """One of this name, for this process or another."""

    def __init__(self, store: Store, name: str) -> None:
        self._store, self._name = store, name
        self._holder = f"{socket.gethostname()[:100]} {os.getpid()} {uuid.uuid4()}"
        self._taken = -_FRESH

    async def take(self, seconds: float = 0.0) -> bool:
        """Whether it is this process's from now on, or still: for a minute, if it is not taken again, or for so many
        seconds, if these are more."""
        asked = time.monotonic()
        holds = max(_HOLDS, timedelta(seconds=seconds))
        taken = await self._store.write(partial(self._take, holds=holds))
        self._taken = asked if taken else -_FRESH
        return taken

    async def keep(self) -> bool:
        """The same, without asking the database each time."""
        return time.monotonic() - self._taken < _FRESH or await self.take()

    async def release(self) -> None:
        """Leave it to whoever wants it, if it is this process's."""
        await self._store.write(self._release)

    async def _take(self, connection: AsyncConnection, holds: timedelta) -> bool:
        now, columns = await clock.now(connection), duties.c
        mine = {"holder": self._holder, "until": now + holds}
        taken = (
            insert(connection, duties)
            .values(name=self._name, **mine)
            .on_conflict_do_update(
                index_elements=[columns.name],
                set_=mine,
                where=or_(columns.holder == self._holder, columns.until < now),
            )
        )
        return (await connection.execute(taken)).rowcount == 1

    async def _release(self, connection: AsyncConnection) -> None:
        columns = duties.c
        await connection.execute(delete(duties).where(columns.name == self._name, columns.holder == self._holder))
