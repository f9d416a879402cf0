"""Following a deploy: how it stands, then each entry as it is recorded; once, in order, none left out."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import history, metrics
from phaseline.feed import Feed
from phaseline.graph import GraphCache
from phaseline.store import Store
from phaseline_schema import inputs
from phaseline_schema.phases import Standing, advance, fold
from phaseline_schema.records import DeployRecord, EntryRecord
from phaseline_schema.refusals import AfterAhead, DeployNotFound

# Entries read at once: bounds the memory of a follower that has a long log to catch up with.
_BATCH = 200


@dataclass(frozen=True, slots=True)
class Event:
    """An entry, and how the deploy stood at it."""

    entry: EntryRecord
    standing: Standing


async def follow(
    store: Store,
    feed: Feed,
    graphs: GraphCache,
    deploy_id: str,
    after: int | None,
    *,
    refusals: bool,
) -> AsyncGenerator[Event, None]:
    """Every entry with a sequence above `after`; without it, first the newest one.

    Without `refusals`, entries that moved nothing are left out. The first event without `after`
    then holds the newest entry that moved the deploy, and the deploy as it stands.

    The follower sets the pace: nothing is read while it is busy, so nothing piles up.

    Raises DeployNotFound, AfterAhead, BadUserInput, Unavailable.
    """
    inputs.number("after", after, 0, least=0, most=2**31 - 1)
    with feed.following(deploy_id) as wakeups:
        deploy, moves, newest = await store.read(lambda connection: _begin(connection, deploy_id, after))
        last = deploy.sequence if after is None else after
        pipeline = await graphs.holding(deploy.pipeline, moves)
        seen = [move for move in moves if move.sequence <= last]
        standing = fold(pipeline, deploy, seen)
        standing = replace(standing, deploy=replace(standing.deploy, sequence=last))
        if after is None:
            yield Event(newest if refusals else seen[-1], standing)
        woken = None
        while True:
            batch = partial(history.entries_between, deploy_id=deploy_id, after=last, upto=last + _BATCH)
            entries = await store.read(batch)
            if woken is not None:
                metrics.feed_lag(woken)
                woken = None
            pipeline = await graphs.holding(deploy.pipeline, entries)
            for entry in entries:
                standing = advance(pipeline, standing, entry)
                last = entry.sequence
                if refusals or entry.accepted:
                    yield Event(entry, standing)
            if len(entries) < _BATCH:
                woken = await wakeups.wait()


async def _begin(
    connection: AsyncConnection, deploy_id: str, after: int | None
) -> tuple[DeployRecord, list[EntryRecord], EntryRecord]:
    """The deploy, its accepted entries, and its newest entry of all."""
    deploy = await history.deploy(connection, deploy_id)
    if deploy is None:
        raise DeployNotFound
    if after is not None and after > deploy.sequence:
        raise AfterAhead(deploy.sequence)
    moves = await history.moves_of(connection, [deploy_id])
    (newest,) = await history.entries_between(connection, deploy_id, deploy.sequence - 1, deploy.sequence)
    return deploy, moves[deploy_id], newest
