"""Following a deploy: how it stands, then each entry as it is recorded; once, in order, none left out."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, replace

from phaseline import history
from phaseline.feed import Feed
from phaseline.store import Store
from phaseline_schema import inputs
from phaseline_schema.phases import Standing, advance, fold
from phaseline_schema.pipeline import Pipeline
from phaseline_schema.records import EntryRecord
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
    pipelines: Mapping[str, Pipeline],
    deploy_id: str,
    after: int | None,
    *,
    refusals: bool,
) -> AsyncGenerator[Event, None]:
    """Every entry with a sequence above `after`; without it, first the newest one.

    Without `refusals`, entries that moved nothing are left out. The first event without `after`
    then holds the newest entry that moved the deploy, and the deploy as it stands.

    The follower sets the pace: nothing is read while it is busy, so nothing piles up.

    Raises DeployNotFound, AfterAhead, BadUserInput.
    """
    inputs.number("after", after, 0, least=0, most=2**31 - 1)
    with feed.following(deploy_id) as wakeups:
        async with store.reading() as connection:
            deploy = await history.deploy(connection, deploy_id)
            if deploy is None:
                raise DeployNotFound
            last = deploy.sequence if after is None else after
            if last > deploy.sequence:
                raise AfterAhead(deploy.sequence)
            moves = await history.moves_of(connection, [deploy_id])
            newest = await history.entries_between(connection, deploy_id, last - 1, last)
        pipeline = pipelines[deploy.pipeline]
        seen = [move for move in moves[deploy_id] if move.sequence <= last]
        standing = fold(pipeline, deploy, seen)
        standing = replace(standing, deploy=replace(standing.deploy, sequence=last))
        if after is None:
            yield Event(newest[-1] if refusals else seen[-1], standing)
        while True:
            async with store.reading() as connection:
                entries = await history.entries_between(connection, deploy_id, last, last + _BATCH)
            for entry in entries:
                standing = advance(pipeline, standing, entry)
                last = entry.sequence
                if refusals or entry.accepted:
                    yield Event(entry, standing)
            if not entries:
                await wakeups.wait()
