"""Reading how a deploy stands at some entry of its log, along the graph that is in force at that moment."""

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import history
from phaseline.graph import Graphs
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


async def beginnings(connection: AsyncConnection, graphs: Graphs, ids: Collection[str]) -> dict[str, News]:
    """How several deploys stand, by id, without those that there are not: a few statements, however many they are."""
    if not ids:
        return {}
    deploys, folded = await history.deploys_by_id(connection, ids), await history.folded_of(connection, ids)
    newest = await history.newest_of(connection, ids)
    found = {}
    for deploy_id, deploy in deploys.items():
        standing = _fold(graphs[deploy.pipeline], deploy, folded[deploy_id], deploy.sequence)
        moved = next(entry for entry in reversed(folded[deploy_id]) if entry.accepted)
        found[deploy_id] = News([], Place(standing, newest[deploy_id]), moved)
    return found


async def news(connection: AsyncConnection, graphs: Graphs, place: Place) -> News:
    """What has come since a place.

    Raises AfterAhead where the log no longer holds the entry that was known: a backup was restored, say.
    """
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


async def part(connection: AsyncConnection, graphs: Graphs, deploy_id: str, last: int) -> list[Event]:
    """The part of a log after the entry `last`, oldest first, of BATCH entries at most.

    Raises DeployNotFound and AfterAhead.
    """
    place = await _place(connection, graphs, deploy_id, last)
    entries, place = await _go_on(connection, graphs, place)
    events = []
    for entry in entries:
        place = place.after(entry)
        events.append(Event(entry, place.standing))
    return events


async def _place(connection: AsyncConnection, graphs: Graphs, deploy_id: str, last: int) -> Place:
    """The place after the entry `last`."""
    deploy = await history.deploy(connection, deploy_id)
    if deploy is None:
        raise DeployNotFound
    if last > deploy.sequence:
        raise AfterAhead(deploy.sequence)
    folded = (await history.folded_of(connection, [deploy_id]))[deploy_id]
    known = next(iter(await history.entries_between(connection, deploy_id, last - 1, last)), None)
    return Place(_fold(graphs[deploy.pipeline], deploy, folded, last), known)


async def _go_on(connection: AsyncConnection, graphs: Graphs, place: Place) -> tuple[list[EntryRecord], Place]:
    """The entries that come next, and the place before them along the graph that is in force now."""
    deploy = place.standing.deploy
    entries = await history.entries_between(connection, deploy.id, deploy.sequence - 1, deploy.sequence + BATCH)
    if place.entry is not None:
        if entries[:1] != [place.entry]:
            there = await history.sequences(connection, [deploy.id])
            raise AfterAhead(there.get(deploy.id, 0))
        del entries[0]
    pipeline = graphs[deploy.pipeline]
    if pipeline is not place.standing.pipeline:  # a migration has changed it
        folded = await history.folded_of(connection, [deploy.id])
        place = replace(place, standing=_fold(pipeline, deploy, folded[deploy.id], deploy.sequence))
    return entries, place


def _fold(pipeline: Pipeline, deploy: DeployRecord, entries: list[EntryRecord], last: int) -> Standing:
    """How the deploy stood at the entry `last`, of which refusals are left out."""
    standing = fold(pipeline, deploy, [entry for entry in entries if entry.sequence <= last])
    return replace(standing, deploy=replace(standing.deploy, sequence=last))
