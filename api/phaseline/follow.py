"""Following a deploy: how it stands, then each entry as it is recorded; once, in order, none left out."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from functools import partial

from phaseline import metrics, standings
from phaseline.feed import Feed
from phaseline.graph import GraphCache
from phaseline.identity import Lease
from phaseline.store import Store
from phaseline_schema import inputs
from phaseline_schema.phases import Standing
from phaseline_schema.records import EntryRecord


@dataclass(frozen=True, slots=True)
class Event:
    """An entry, and how the deploy stood at it."""

    entry: EntryRecord
    standing: Standing


async def follow(
    store: Store, feed: Feed, graphs: GraphCache, deploy_id: str, after: int | None, *, refusals: bool, lease: Lease
) -> AsyncGenerator[Event, None]:
    """Every entry with a sequence above `after`; without it, first the newest one.

    Without `refusals`, entries that moved nothing are left out. The first event without `after`
    then holds the newest entry that moved the deploy, and the deploy as it stands.

    The follower sets the pace: nothing is read while it is busy, so nothing piles up.

    `lease`: ends it when its caller's proof is over.

    Raises DeployNotFound, AfterAhead, BadUserInput, Unauthenticated, Unavailable, WrongVersion.
    """
    inputs.number("after", after, 0, least=0, most=2**31 - 1)
    with feed.following(deploy_id) as wakeups, lease(wakeups.end):
        begin = partial(standings.begin, graphs=graphs, deploy_id=deploy_id, after=after, refusals=refusals)
        first, place = await store.read_in_turn(begin)
        if first is not None:
            yield Event(first, place.standing)
        woken = None
        while True:
            entries, place = await store.read_in_turn(partial(standings.go_on, graphs=graphs, place=place))
            if woken is not None:
                metrics.feed_lag(woken)
                woken = None
            for entry in entries:
                place = place.after(entry)
                if refusals or entry.accepted:
                    yield Event(entry, place.standing)
            if len(entries) < standings.BATCH:
                woken = await wakeups.wait()
