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
from phaseline_schema.pipeline import Pipeline
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

    Raises DeployNotFound, AfterAhead, BadUserInput, Unavailable, WrongVersion.
    """
    inputs.number("after", after, 0, least=0, most=2**31 - 1)
    with feed.following(deploy_id) as wakeups:
        begin = partial(_begin, graphs=graphs, deploy_id=deploy_id, after=after, refusals=refusals)
        first, standing = await store.read(begin)
        if after is None:
            yield Event(first, standing)
        woken = None
        while True:
            entries, standing = await store.read(partial(_go_on, graphs=graphs, standing=standing))
            if woken is not None:
                metrics.feed_lag(woken)
                woken = None
            for entry in entries:
                standing = advance(standing.pipeline, standing, entry)
                if refusals or entry.accepted:
                    yield Event(entry, standing)
            if len(entries) < _BATCH:
                woken = await wakeups.wait()


async def _begin(
    connection: AsyncConnection, graphs: GraphCache, deploy_id: str, after: int | None, *, refusals: bool
) -> tuple[EntryRecord, Standing]:
    """The newest entry of the kind that is followed, and how the deploy stands at the last one that is known."""
    deploy = await history.deploy(connection, deploy_id)
    if deploy is None:
        raise DeployNotFound
    if after is not None and after > deploy.sequence:
        raise AfterAhead(deploy.sequence)
    moves = await history.moves_of(connection, [deploy_id])
    (newest,) = await history.entries_between(connection, deploy_id, deploy.sequence - 1, deploy.sequence)
    pipeline = (await graphs.at(connection))[deploy.pipeline]
    last = deploy.sequence if after is None else after
    return newest if refusals else moves[deploy_id][-1], _fold(pipeline, deploy, moves[deploy_id], last)


async def _go_on(
    connection: AsyncConnection, graphs: GraphCache, standing: Standing
) -> tuple[list[EntryRecord], Standing]:
    """The entries that come next, and how the deploy stands before them by the graph that is in force now."""
    deploy = standing.deploy
    entries = await history.entries_between(connection, deploy.id, deploy.sequence, deploy.sequence + _BATCH)
    if entries:
        pipeline = (await graphs.at(connection))[deploy.pipeline]
        if pipeline is not standing.pipeline:  # a migration has changed it
            moves = await history.moves_of(connection, [deploy.id])
            standing = _fold(pipeline, deploy, moves[deploy.id], deploy.sequence)
    return entries, standing


def _fold(pipeline: Pipeline, deploy: DeployRecord, moves: list[EntryRecord], last: int) -> Standing:
    """How the deploy stood at the entry `last`, of which refusals are left out."""
    standing = fold(pipeline, deploy, [move for move in moves if move.sequence <= last])
    return replace(standing, deploy=replace(standing.deploy, sequence=last))
