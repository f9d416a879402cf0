"""Many viewers, who note when they are told, and what: it is looked at only afterwards."""

import asyncio
import json
import resource
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tests.benchmarks import viewer
from tests.benchmarks.viewer import Viewer
from tests.support.logins import VIEWER, bearer

_DOCUMENTS = Path(__file__).resolve().parents[2] / "frontend/src/graphql"

# The modal's own document.
PHASE_CHANGED = "\n".join(
    (_DOCUMENTS / f"{name}.graphql").read_text() for name in ("phase-changed", "deploy", "deploy-facts", "audit-entry")
)

# How long the last of them may take, in seconds.
_PATIENCE = 120

# How many ask for a socket at once: fewer than any server's queue holds, or the system lets them try again in a second.
AT_ONCE = 128


class Wish(NamedTuple):
    """What a viewer says: who it is, and what it follows, from where on."""

    deploy: str
    after: int | None = None
    token: str = VIEWER

    @property
    def greeting(self) -> bytes:
        """Its first message."""
        return viewer.message(type="connection_init", payload=bearer(self.token))

    @property
    def question(self) -> bytes:
        """Its second."""
        variables = {"deployId": self.deploy, "after": self.after}
        payload = {"operationName": "PhaseChanged", "query": PHASE_CHANGED, "variables": variables}
        return viewer.message(id="1", type="subscribe", payload=payload)


class Receipt(NamedTuple):
    """When a message came, by the machine's clock, and the message."""

    time: float
    message: bytes


class Crowd:
    """Viewers of one server."""

    def __init__(self) -> None:
        self._viewers: list[Viewer] = []
        self._receipts: list[Receipt] = []
        self._missing = 0
        self._done: asyncio.Future[None] | None = None
        self._lost = ""

    def told(self, message: bytes) -> None:
        """One of them was told something."""
        self._receipts.append(Receipt(time.time(), message))
        self._missing -= 1
        if self._missing == 0 and self._done is not None:
            self._done.set_result(None)

    def lost(self, why: str) -> None:
        """One of them is told nothing more, so that what is waited for will not come."""
        self._lost = self._lost or why
        if self._done is not None and not self._done.done():
            self._done.set_exception(RuntimeError(why))

    def expect(self, count: int) -> None:
        """From here on so many messages are waited for."""
        self._receipts, self._missing = [], count
        self._done = asyncio.get_running_loop().create_future()
        if self._lost:
            self.lost(self._lost)

    async def receipts(self) -> list[Receipt]:
        """Those messages, in the order in which they came, when the last has come."""
        assert self._done is not None
        await asyncio.wait_for(self._done, _PATIENCE)
        return self._receipts

    async def join(self, url: str, wishes: Sequence[Wish]) -> list[Receipt]:
        """More viewers, who have each been told how the deploy stands."""
        self.expect(len(wishes))
        waiting = iter([(wish.greeting, wish.question) for wish in wishes])
        head = viewer.handshake(url)
        joining = [asyncio.create_task(self._join_each(url, head, waiting)) for _ in range(AT_ONCE)]
        try:
            return await self.receipts()
        finally:
            for task in joining:
                task.cancel()

    async def _join_each(self, url: str, head: bytes, waiting: Iterator[tuple[bytes, bytes]]) -> None:
        loop, address = asyncio.get_running_loop(), urlsplit(url)
        for greeting, question in waiting:
            new = Viewer(head, greeting, question, self)
            self._viewers.append(new)
            try:
                await loop.create_connection(partial(_itself, new), address.hostname or "", address.port or 0)
            except OSError as error:
                self.lost(f"a viewer could not connect: {error}")
                return
            await new.begun

    def part(self) -> None:
        """Whoever is cut off from now on is not missed."""
        for one in self._viewers:
            one.part()

    def leave(self) -> None:
        """All of them."""
        for one in self._viewers:
            one.leave()
        self._viewers = []


@asynccontextmanager
async def gathered(url: str, wishes: Sequence[Wish]) -> AsyncIterator[Crowd]:
    """A crowd that follows, for the length of a block."""
    crowd = Crowd()
    try:
        await crowd.join(url, wishes)
        yield crowd
    finally:
        crowd.leave()


def _itself(one: Viewer) -> Viewer:
    return one


def event(message: bytes) -> Any:
    """The event that a message holds."""
    found = json.loads(message)
    if found["type"] != "next" or "errors" in found["payload"]:
        raise RuntimeError(f"not an event: {message!r}")
    return found["payload"]["data"]["phaseChanged"]


def many_files() -> None:
    """Let this process, and those that it starts, open as many sockets as the system has for them."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
