"""Wake-ups between the nodes of one PostgreSQL, by LISTEN and NOTIFY, over one connection a node.

A node tells the others after its commit and not in the same transaction: a transaction that notifies holds a lock of
the whole server while it commits, so that all deploys would wait for each other. What is lost between the two, a look
finds.
"""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog

from phaseline import metrics
from phaseline.databases.kind import Listen
from phaseline.feed import Feed
from phaseline.store import reason

log = structlog.get_logger(__name__)

_CHANNEL = "phaseline"
_TELL = "SELECT pg_notify($1, deploy_id) FROM unnest($2::text[]) AS deploy_id"

# A connection whose other end has vanished says nothing; asked this often, in seconds, it has to answer.
_HEARTBEAT = 5.0

# The pause before connecting again, in seconds. All nodes lose a database at once and should not come back as one.
_PAUSE = (0.2, 1.0)


class Notifications:
    """Tells other nodes which deploys this one has changed, and wakes followers here of what they have changed."""

    def __init__(self, listen: Listen, feed: Feed, look_soon: Callable[[], None]) -> None:
        self._listen = listen
        self._feed = feed
        self._look_soon = look_soon
        self._untold: set[str] = set()
        self._stirred = asyncio.Event()
        self._said = ""

    def tell(self, deploy_id: str) -> None:
        """Tell the others soon; what comes together is told together."""
        self._untold.add(deploy_id)
        self._stirred.set()

    async def run(self) -> None:
        """Listen for ever. While nobody listens, something may be missed, so a look follows."""
        while True:
            try:
                await self._until_it_breaks()
            except Exception as error:
                self._says("not listening for other nodes", error=reason(error))
            metrics.listening(False)
            self._look_soon()
            await asyncio.sleep(random.uniform(*_PAUSE))
            metrics.listen_again()

    async def _until_it_breaks(self) -> None:
        connection = await self._listen()
        ours = connection.get_server_pid()

        def heard(_connection: Any, sender: int, _channel: str, deploy_id: Any) -> None:
            if sender != ours:
                metrics.wakeup("notify")
                self._feed.wake(deploy_id)

        try:
            connection.add_termination_listener(lambda _: self._stirred.set())
            await connection.add_listener(_CHANNEL, heard)
            self._says("listening for other nodes")
            metrics.listening(True)
            self._look_soon()
            while not connection.is_closed():
                await self._tell_all(connection)
                with suppress(asyncio.TimeoutError):
                    async with asyncio.timeout(_HEARTBEAT):
                        await self._stirred.wait()
                self._stirred.clear()
        finally:
            connection.terminate()

    async def _tell_all(self, connection: Any) -> None:
        """Tell what there is to tell; with nothing to tell, this is the heartbeat."""
        told, self._untold = list(self._untold), set()
        try:
            await connection.execute(_TELL, _CHANNEL, told)
        except BaseException:
            self._untold.update(told)
            raise

    def _says(self, event: str, **more: str) -> None:
        """Log it, unless this was the last thing said: a database that is away is tried often."""
        if event != self._said:
            (log.warning if more else log.info)(event, **more)
        self._said = event
