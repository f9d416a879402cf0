"""Reading how a deploy stands at some entry of its log, along the graph that is in force at that moment."""

from collections import deque
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import history
from phaseline.graph import GraphCache
from phaseline_schema.phases import Standing, advance, fold
from phaseline_schema.pipeline import Pipeline
from phaseline_schema.records import DeployRecord, EntryRecord
from phaseline_schema.refusals import AfterAhead, DeployNotFound

# Entries read at once: bounds the memory of a follower that has a long log to catch up with.
BATCH = 200


@dataclass(frozen=True, slots=True)
class Place:
    """How far a follower has come: how the deploy stood at the last entry it knows, and that entry; None before all."""

    standing: Standing
    entry: EntryRecord | None

    def after(self, entry: EntryRecord) -> "Place":
        """One entry further."""
        return Place(advance(self.standing.pipeline, self.standing, entry), entry)


@dataclass(frozen=True, slots=True)
class Event:
    """An entry, and how the deploy stood at it."""

    entry: EntryRecord
    standing: Standing


@dataclass(frozen=True, slots=True)
class News:
    """What has come since some place, oldest first, at most the last BATCH of it; the place now; and the newest entry
    that moved the deploy, where one has come."""

    events: list[Event]
    place: Place
    moved: EntryRecord | None


async def news(connection: AsyncConnection, graphs: GraphCache, deploy_id: str, place: Place | None) -> News:
    """What has come since a place; without one, how the deploy stands.

    Raises DeployNotFound; and AfterAhead where the log no longer holds the entry that was known: a backup was restored,
    say.
    """
    if place is None:
        moved, place = await _begin(connection, graphs, deploy_id, None)
        return News([], place, moved)
    come: deque[Event] = deque(maxlen=BATCH)
    newest = None
    while True:
        entries, place = await _go_on(connection, graphs, place)
        for entry in entries:
            place = place.after(entry)
            newest = entry if entry.accepted else newest
            come.append(Event(entry, place.standing))
        if len(entries) < BATCH:
            return News(list(come), place, newest)


async def part(connection: AsyncConnection, graphs: GraphCache, deploy_id: str, last: int) -> list[Event]:
    """The part of a log after the entry `last`, oldest first, of BATCH entries at most.

    Raises DeployNotFound and AfterAhead.
    """
    _, place = await _begin(connection, graphs, deploy_id, last)
    entries, place = await _go_on(connection, graphs, place)
    events = []
    for entry in entries:
        place = place.after(entry)
        events.append(Event(entry, place.standing))
    return events


async def _begin(
    connection: AsyncConnection, graphs: GraphCache, deploy_id: str, after: int | None
) -> tuple[EntryRecord, Place]:
    """The newest entry that moved the deploy, and the place after the entry `after`; None: after the newest."""
    deploy = await history.deploy(connection, deploy_id)
    if deploy is None:
        raise DeployNotFound
    if after is not None and after > deploy.sequence:
        raise AfterAhead(deploy.sequence)
    folded = (await history.folded_of(connection, [deploy_id]))[deploy_id]
    last = deploy.sequence if after is None else after
    known = next(iter(await history.entries_between(connection, deploy_id, last - 1, last)), None)
    pipeline = (await graphs.at(connection))[deploy.pipeline]
    moved = next(entry for entry in reversed(folded) if entry.accepted)
    return moved, Place(_fold(pipeline, deploy, folded, last), known)


async def _go_on(connection: AsyncConnection, graphs: GraphCache, place: Place) -> tuple[list[EntryRecord], Place]:
    """The entries that come next, and the place before them along the graph that is in force now."""
    deploy = place.standing.deploy
    entries = await history.entries_between(connection, deploy.id, deploy.sequence - 1, deploy.sequence + BATCH)
    if place.entry is not None:
        if entries[:1] != [place.entry]:
            there = await history.sequences(connection, [deploy.id])
            raise AfterAhead(there.get(deploy.id, 0))
        del entries[0]
    pipeline = (await graphs.at(connection))[deploy.pipeline]
    if pipeline is not place.standing.pipeline:  # a migration has changed it
        folded = await history.folded_of(connection, [deploy.id])
        place = replace(place, standing=_fold(pipeline, deploy, folded[deploy.id], deploy.sequence))
    return entries, place


def _fold(pipeline: Pipeline, deploy: DeployRecord, entries: list[EntryRecord], last: int) -> Standing:
    """How the deploy stood at the entry `last`, of which refusals are left out."""
    standing = fold(pipeline, deploy, [entry for entry in entries if entry.sequence <= last])
    return replace(standing, deploy=replace(standing.deploy, sequence=last))
