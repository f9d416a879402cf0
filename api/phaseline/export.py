"""The log from its oldest entry on, window by window of ids, each read by itself: no memory and no transaction grows.

What was recorded never changes, so many reads tell the same as one would. Ids are taken before the commit, though, and
one that is committed late would be passed by: so nothing is read beyond an id below which every writer has ended.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import history
from phaseline.databases.picking import picking
from phaseline.store import Store
from phaseline_schema.records import EntryRecord
from phaseline_schema.tables import audit_entries, deploys

_WINDOW = 2_000

# How often writers are asked after, and for how long, in seconds: no transaction of a node lasts longer.
_LOOK = 0.05
_PATIENCE = 30

_columns = audit_entries.c
_rows = history.entry_rows.add_columns(deploys.c.ref, deploys.c.commit_sha).join(
    deploys, deploys.c.id == _columns.deploy_id
)


class NotSettled(Exception):
    """It cannot be told up to where the log is complete. The text says why."""


class AnotherLog(Exception):
    """The log does not hold the entry that was had last: it is another's, or was restored from a backup."""


@dataclass(frozen=True)
class Wanted:
    """Which entries; what is None does not matter. `after` is the id of the last one that is had already."""

    after: int = 0
    environment: str | None = None
    deploy_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


# Entries by id, each with the ref and the commit of its deploy.
Exported = list[tuple[EntryRecord, tuple[str, str | None]]]

# Such entries, and the id up to which nothing is left to tell.
Window = tuple[Exported, int]


async def upto(store: Store) -> int:
    """The id of the newest entry below which no other can come any more; 0 where there is none. Raises NotSettled."""
    if await store.read(store.database.only_reads):
        raise NotSettled("this database is a standby, which does not know who is still writing: ask the primary")
    newest, (settled, since) = await store.read(partial(_look, store, None))
    waited = 0.0
    while not settled:
        if waited >= _PATIENCE:
            raise NotSettled(f"a transaction has been writing to the database for more than {_PATIENCE} seconds")
        await asyncio.sleep(_LOOK)
        waited += _LOOK
        _, (settled, since) = await store.read(partial(_look, store, since))
    return newest


async def require(store: Store, entry_id: int, digest: str) -> None:
    """Hold the log to an entry that was had from it. Raises AnotherLog."""

    async def look(connection: AsyncConnection) -> str | None:
        found = await connection.execute(select(_columns.digest).where(_columns.id == entry_id))
        return found.scalar_one_or_none()

    if await store.read(look) != digest:
        raise AnotherLog


async def windows(store: Store, wanted: Wanted, last: int) -> AsyncIterator[Window]:
    """What is wanted up to the entry with the id `last`."""
    at = wanted.after
    while at < last:
        end = min(at + _WINDOW, last)
        found = await store.read(partial(_window, wanted, at, end))
        if not found:  # there may be no ids here at all
            end = await store.read(partial(_before_next, wanted, end, last))
        yield found, end
        at = end


async def _look(store: Store, since: int | None, connection: AsyncConnection) -> tuple[int, tuple[bool, int]]:
    newest = (await connection.execute(select(func.max(_columns.id)))).scalar_one()
    return newest or 0, await store.database.settled(connection, since)


def window_of(wanted: Wanted, after: int, last: int) -> Select[Any]:
    """The entries of a window, each with its deploy's ref and commit."""
    return _rows.where(_columns.id > after, _columns.id <= last, *_conditions(wanted)).order_by(_columns.id)


async def _window(wanted: Wanted, after: int, last: int, connection: AsyncConnection) -> Exported:
    rows = await connection.execute(window_of(wanted, after, last))
    return [(EntryRecord(*row[:-2]), (row[-2], row[-1])) for row in map(tuple, rows)]


async def _before_next(wanted: Wanted, after: int, last: int, connection: AsyncConnection) -> int:
    """The id before the next entry's: of the deploy that is wanted, which an index finds, or of any."""
    of_deploy = () if wanted.deploy_id is None else (_columns.deploy_id == wanted.deploy_id,)
    query = select(func.min(_columns.id)).where(_columns.id > after, _columns.id <= last, *of_deploy)
    following: int | None = (await connection.execute(query)).scalar_one()
    return last if following is None else following - 1


def _conditions(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    """Ids lead to a window's entries, and a deploy's own index to its; by all else they are picked."""
    if wanted.deploy_id is not None:
        yield _columns.deploy_id == wanted.deploy_id
    if wanted.environment is not None:
        yield picking(_columns.environment) == wanted.environment
    if wanted.since is not None:
        yield picking(_columns.recorded_at) >= wanted.since
    if wanted.until is not None:
        yield picking(_columns.recorded_at) < wanted.until
