"""The newest part of a deploy's log, which is read once for all who follow the deploy in this process."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from itertools import islice

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import faults, metrics, standings
from phaseline.feed import Feed, Wakeups
from phaseline.gathering import Gathering
from phaseline.graph import GraphCache
from phaseline.standings import BATCH, Event, News, Place
from phaseline.store import Store
from phaseline_schema.digests import digest
from phaseline_schema.pipeline import Pipeline
from phaseline_schema.records import EntryRecord
from phaseline_schema.refusals import AfterAhead, DeployNotFound, Refusal

log = structlog.get_logger(__name__)

# How many deploys are read in one transaction.
_TOGETHER = 100


class Tail:
    """How a deploy stands, and the last entries of its log, as they were read after the last wake-up."""

    def __init__(self, deploy_id: str, tails: "Tails") -> None:
        self.deploy_id = deploy_id
        self.place: Place | None = None
        self.over: Exception | None = None
        self._tails = tails
        self._moved: EntryRecord | None = None
        self._events: deque[Event] = deque(maxlen=BATCH)
        self._wakeups: set[Wakeups] = set()
        self._woken: float | None = None
        self._renewing: asyncio.Task[None] | None = None

    @property
    def sequence(self) -> int:
        """The sequence of the newest entry that is known; 0 before any."""
        return self.place.standing.deploy.sequence if self.place else 0

    @contextmanager
    def wakeups(self) -> Iterator[Wakeups]:
        """Wake-ups of a follower whenever there is more of the log, for as long as the block runs.

        Whoever comes when the tail has ended is told so at once: nobody else would.
        """
        wakeups = Wakeups()
        if self.over is not None:
            wakeups.end(self.over)
        self._wakeups.add(wakeups)
        try:
            yield wakeups
        finally:
            self._wakeups.discard(wakeups)

    async def renew(self) -> None:
        """Read what has come until now. Raises DeployNotFound, AfterAhead, WrongVersion."""
        await self._tails.renewals.found(self)

    def begin(self, after: int | None, *, refusals: bool) -> tuple[Event | None, int]:
        """What a follower is sent first, and the sequence that it goes on from.

        With `after` there is nothing to be sent first; without, it is the newest entry of the kind that is followed,
        and the deploy as it stands. Raises AfterAhead.
        """
        assert self.place is not None
        if after is not None:
            if after > self.sequence:
                raise AfterAhead(self.sequence)
            return None, after
        newest = self.place.entry if refusals else self._moved
        assert newest is not None
        return Event(newest, self.place.standing), self.sequence

    async def since(self, last: int) -> list[Event]:
        """Entries after `last`, oldest first; all that are known, or a part of the log that lies before them."""
        if last == self.sequence:
            return []
        if last + 1 < self._first:
            part = await self._tails.parts.found((self.deploy_id, last))
            # The log may be further than this tail, whose wake-up is still to come.
            part = [event for event in part if event.entry.sequence <= self.sequence]
            self._remember([event for event in part if event.entry.sequence < self._first])
            return part
        return list(islice(self._events, last + 1 - self._first, None))

    def wake(self) -> None:
        """Read what has come, soon."""
        self._woken = self._woken or time.monotonic()
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._renew_while_woken())

    def hear(self, entry: EntryRecord, pipeline: Pipeline) -> None:
        """Take an entry that this process has recorded as it is, where it follows from what is known."""
        if self.place is not None and self._is_next(self.place, entry, pipeline):
            metrics.feed_lag(time.monotonic())
            place = self.place.after(entry)
            self.take(News([Event(entry, place.standing)], place, entry if entry.accepted else None))
        else:
            self.wake()

    def end(self, why: Exception) -> None:
        """Tell all followers why they are to end. Whoever comes now begins anew."""
        self.over = why
        for wakeups in self._wakeups:
            wakeups.end(why)

    def take(self, news: News) -> None:
        """Note what has come, of which a part may be known already, and wake the followers."""
        before, known = self.sequence, self.place
        now = news.place.standing
        if known is None or now.deploy.sequence >= before:
            self.place, self._moved = news.place, news.moved or self._moved
            come = [event for event in news.events if event.entry.sequence > before]
            has_gap = now.deploy.sequence > before and (not come or come[0].entry.sequence > before + 1)
            if has_gap or known is None or known.standing.pipeline is not now.pipeline:
                self._events.clear()  # what lies before these, or along the graph that is in force now, is in the log
            self._events.extend(come)
        if self.sequence > before:
            for wakeups in self._wakeups:
                wakeups.wake()

    @property
    def _first(self) -> int:
        """The sequence of the oldest event that is known; without one, of the next that is to come."""
        return self._events[0].entry.sequence if self._events else self.sequence + 1

    def _remember(self, part: list[Event]) -> None:
        """Keep what lies before the events that are known, where they follow from it: many come back at once."""
        if not part or self.place is None or len(part) + len(self._events) > BATCH:
            return
        before, standing = part[-1], self.place.standing
        if self._events:
            oldest = self._events[0].entry
            follows = oldest.digest == digest(oldest, standing.deploy, before.entry.digest)
        else:
            follows = before.entry == self.place.entry
        if follows and before.standing.pipeline is standing.pipeline:
            self._events.extendleft(reversed(part))

    def _is_next(self, place: Place, entry: EntryRecord, pipeline: Pipeline) -> bool:
        if entry.sequence != self.sequence + 1 or pipeline is not place.standing.pipeline or place.entry is None:
            return False
        return entry.digest == digest(entry, place.standing.deploy, place.entry.digest)

    async def _renew_while_woken(self) -> None:
        try:
            while self._woken is not None:
                woken, self._woken = self._woken, None
                await self.renew()
                metrics.feed_lag(woken)
        except TimeoutError:
            log.warning("a deploy's log could not be read in time; what is new there is late, not lost")
        except Exception as error:
            self.end(faults.told(error))
        finally:
            self._renewing = None


class Tails:
    """The tails of the deploys that are followed in this process."""

    def __init__(self, store: Store, feed: Feed, graphs: GraphCache) -> None:
        self._store = store
        self._feed = feed
        self._graphs = graphs
        self._tails: dict[str, tuple[Tail, ExitStack]] = {}
        self._followers: dict[Tail, int] = {}
        self.renewals: Gathering[Tail, None] = Gathering(self._renew, _TOGETHER)
        self.parts: Gathering[tuple[str, int], list[Event]] = Gathering(self._part, _TOGETHER)

    @contextmanager
    def following(self, deploy_id: str) -> Iterator[Tail]:
        """The tail of a deploy, for as long as the block runs."""
        tail = self._of(deploy_id)
        self._followers[tail] = self._followers.get(tail, 0) + 1
        try:
            yield tail
        finally:
            self._followers[tail] -= 1
            if not self._followers[tail]:
                del self._followers[tail]
                self._drop(tail)

    @asynccontextmanager
    async def begun(self, deploy_id: str) -> AsyncIterator[Tail]:
        """The same, as the log is now. Raises DeployNotFound, Unavailable, WrongVersion.

        Where the log no longer holds what others have seen of it, they end; whoever comes now begins anew.
        """
        while True:
            with self.following(deploy_id) as tail:
                is_known = tail.place is not None
                try:
                    await tail.renew()
                except Refusal as refusal:
                    if not is_known:
                        raise
                    tail.end(refusal)
                    continue
                if tail.over is not None:
                    raise tail.over
                yield tail
                return

    def _of(self, deploy_id: str) -> Tail:
        found = self._tails.get(deploy_id)
        if found is not None:
            if found[0].over is None:
                return found[0]
            found[1].close()
        tail, told = Tail(deploy_id, self), ExitStack()
        told.enter_context(self._feed.telling(deploy_id, tail))
        self._tails[deploy_id] = tail, told
        return tail

    def _drop(self, tail: Tail) -> None:
        found = self._tails.get(tail.deploy_id)
        if found is not None and found[0] is tail:
            found[1].close()
            del self._tails[tail.deploy_id]

    async def _renew(self, tails: Collection[Tail]) -> Mapping[Tail, Exception | None]:
        places = {tail: tail.place for tail in tails}
        new = {tail.deploy_id for tail, place in places.items() if place is None}

        async def look(connection: AsyncConnection) -> dict[Tail, News | Exception]:
            graphs = await self._graphs.at(connection)
            begun = await standings.beginnings(connection, graphs, new)
            found: dict[Tail, News | Exception] = {}
            for tail, place in places.items():
                if place is None:
                    found[tail] = begun.get(tail.deploy_id) or DeployNotFound()
                    continue
                try:
                    found[tail] = await standings.news(connection, graphs, place)
                except Refusal as refusal:  # of this one, and not of what is read beside it
                    found[tail] = refusal
            return found

        answers: dict[Tail, Exception | None] = {}
        # Noted here and not by whoever asked, who comes to it later than the next reading, which goes on from it.
        for tail, news in (await self._store.read_in_turn(look)).items():
            answers[tail] = news if isinstance(news, Exception) else None
            if not isinstance(news, Exception):
                tail.take(news)
        return answers

    async def _part(self, wanted: Collection[tuple[str, int]]) -> Mapping[tuple[str, int], list[Event] | Exception]:
        async def look(connection: AsyncConnection) -> dict[tuple[str, int], list[Event] | Exception]:
            graphs = await self._graphs.at(connection)
            found: dict[tuple[str, int], list[Event] | Exception] = {}
            for deploy_id, last in wanted:
                try:
                    found[deploy_id, last] = await standings.part(connection, graphs, deploy_id, last)
                except Refusal as refusal:
                    found[deploy_id, last] = refusal
            return found

        return await self._store.read_in_turn(look)
