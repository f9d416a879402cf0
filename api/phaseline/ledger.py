"""Writing the log: a deploy's row, an entry after the last one, and the row moved on to it.

The statements are made once: to make them takes longer than to send them.
"""

from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import holds
from phaseline.databases import clock, inserting
from phaseline.holds import NOTHING, Expected
from phaseline_schema.digests import digest
from phaseline_schema.records import DeployRecord, EntryRecord
from phaseline_schema.tables import audit_entries, deploys, dispatches, environment_queue

_DEPLOY = [field.name for field in fields(DeployRecord)]
_ENTRY = [field.name for field in fields(EntryRecord)]

# What of a deploy moves. Its id is not written again: PostgreSQL would lock the row against whoever names the deploy in
# another one, which hands environments on (holds.py).
_MOVING = ["status", "attempt", "sequence", "updated_at", "finished_at", "run_url"]

_begin = insert(deploys)
_append = insert(audit_entries)
_move = (
    update(deploys)
    .where(deploys.c.id == bindparam("the_id"), deploys.c.sequence == bindparam("the_sequence"))
    .values({name: bindparam(name) for name in _MOVING})
)

# Both of them in one, for a database that is asked over a network. The row is moved when the entry is there.
_OF_ENTRY = "entry_"
_appended = insert(audit_entries).values({name: bindparam(_OF_ENTRY + name) for name in _ENTRY})
_advance = _move.where(deploys.c.id == _appended.returning(audit_entries.c.deploy_id).cte("appended").c.deploy_id)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the next entry of a deploy goes: its id, when it is recorded, the digest of the entry before it, and what
    the deploy waits for."""

    id: int
    time: datetime
    previous: str | None
    expected: Expected = NOTHING


async def first_place(connection: AsyncConnection) -> Place:
    """The place of the first entry of a deploy."""
    found = (await connection.execute(_first_place(connection.dialect.name))).one()
    return Place(found[0], clock.told(found[1]), None)


async def next_place(
    connection: AsyncConnection, deploy: DeployRecord, attempt: int, status: str
) -> tuple[Place, EntryRecord | None]:
    """The place after the last entry of a deploy whose row is locked; and the entry by which it has come to this status
    in this attempt, if there is one."""
    of = {"deploy": deploy.id, "last": deploy.sequence, "attempt": attempt, "status": status}
    found = tuple((await connection.execute(_next_place(connection.dialect.name), of)).one())
    first = EntryRecord(*found[5:]) if found[5] is not None else None
    return Place(found[0], clock.told(found[1]), found[2], Expected(found[3] is not None, found[4])), first


async def begin(connection: AsyncConnection, deploy: DeployRecord) -> bool:
    """Write the row of a new deploy: whether it was written. It is not where the same request of the same caller has
    made one already; who makes one at this moment is waited for."""
    if deploy.request_id is None:
        await connection.execute(_begin, _values(deploy, _DEPLOY))
        return True
    columns = deploys.c
    beginning = inserting.insert(connection, deploys).on_conflict_do_nothing(
        index_elements=[columns.started_by, columns.request_id], index_where=columns.request_id.is_not(None)
    )
    return (await connection.execute(beginning, _values(deploy, _DEPLOY))).rowcount == 1


async def append(connection: AsyncConnection, entry: EntryRecord, deploy: DeployRecord, place: Place) -> EntryRecord:
    """Write an entry of a deploy in its place, and return it with its id and digest."""
    entry = _sealed(entry, deploy, place)
    await connection.execute(_append, _values(entry, _ENTRY))
    return entry


async def advance(
    connection: AsyncConnection, entry: EntryRecord, place: Place, before: DeployRecord, after: DeployRecord
) -> EntryRecord:
    """The same, and write what of the deploy has moved by it, if its row is still the one that was read; and do what
    follows for whoever waits for its environment."""
    entry = _sealed(entry, before, place)
    values = _values(after, _MOVING) | {"the_id": before.id, "the_sequence": before.sequence}
    if connection.dialect.name == "postgresql":
        done = await connection.execute(_advance, values | _values(entry, _ENTRY, _OF_ENTRY))
    else:
        await connection.execute(_append, _values(entry, _ENTRY))
        done = await connection.execute(_move, values)
    if done.rowcount != 1:
        raise RuntimeError(f"deploy {before.id} moved on while its row was locked")
    await holds.follow(connection, entry, before, after, place.expected)
    return entry


def _sealed(entry: EntryRecord, deploy: DeployRecord, place: Place) -> EntryRecord:
    entry = replace(entry, id=place.id)
    return replace(entry, digest=digest(entry, deploy, place.previous))


def _values(record: DeployRecord | EntryRecord, names: list[str], prefix: str = "") -> dict[str, Any]:
    return {prefix + name: getattr(record, name) for name in names}


@cache
def _first_place(dialect: str) -> Select[Any]:
    return select(_next_id(dialect), clock.asked(dialect))


@cache
def _next_place(dialect: str) -> Select[Any]:
    last, first = audit_entries.alias("last"), audit_entries.alias("first")
    is_last = and_(last.c.deploy_id == deploys.c.id, last.c.sequence == bindparam("last"))
    is_same = and_(
        first.c.deploy_id == deploys.c.id,
        first.c.attempt == bindparam("attempt"),
        first.c.edge_to == bindparam("status"),
    )
    waits, asked_for = environment_queue.c.deploy_id == deploys.c.id, dispatches.c.deploy_id == deploys.c.id
    expected = (environment_queue.c.deploy_id, dispatches.c.state)
    return (
        select(_next_id(dialect), clock.asked(dialect), last.c.digest, *expected, *(first.c[name] for name in _ENTRY))
        .select_from(
            deploys.outerjoin(last, is_last)
            .outerjoin(first, is_same)
            .outerjoin(environment_queue, waits)
            .outerjoin(dispatches, asked_for)
        )
        .where(deploys.c.id == bindparam("deploy"))
    )


def _next_id(dialect: str) -> ColumnElement[int]:
    """The id to give: it is part of what is hashed, so it has to be known before the entry is written."""
    if dialect == "postgresql":
        # Who writes is numbered before: an id that somebody without a number has taken is nobody's, to whoever asks
        # which writers are still to end (see `settled`).
        taken = func.nextval(func.pg_get_serial_sequence(audit_entries.name, "id"))
        return case((func.pg_current_xact_id().is_not(None), taken))
    # The only writer there is. No entry is ever deleted, so no id comes twice.
    newest = select(func.max(audit_entries.c.id)).scalar_subquery()
    return func.coalesce(newest, 0) + 1
