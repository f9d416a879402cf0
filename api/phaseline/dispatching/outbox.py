"""The rows of `dispatches`: which runs GitHub is still to be asked for, and which of those are to be found.

A row is taken by whoever moves it from PENDING to SENDING, in a transaction of its own; then GitHub is asked once. So a
run is asked for once at most, whatever becomes of the node or of the answer. None is pending whose deploy has ended, or
has a run by somebody's hand: what says so moves the row in the same transaction (holds.py).
"""

from collections.abc import Collection
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import history
from phaseline.databases import clock
from phaseline_schema.dispatches import DispatchRecord, DispatchState
from phaseline_schema.records import DeployRecord
from phaseline_schema.tables import deploys, dispatches

_columns = dispatches.c
_rows = select(*(_columns[field.name] for field in fields(DispatchRecord)))

# A statement has room for some thirty thousand values.
_AT_ONCE = 10_000

# Of deploys in progress: SQLite is led to their own index, and from there to the rows.
_of_unfinished = _columns.deploy_id.in_(select(deploys.c.id).where(deploys.c.finished_at.is_(None)))


async def of_deploys(connection: AsyncConnection, ids: Collection[str]) -> dict[str, DispatchRecord]:
    """What has become of asking for the runs of these deploys, by id, where GitHub is asked for them."""
    known = sorted(ids)
    found: dict[str, DispatchRecord] = {}
    for first in range(0, len(known), _AT_ONCE):
        query = _rows.where(_columns.deploy_id.in_(known[first : first + _AT_ONCE]))
        found |= {record.deploy_id: record for record in await _read(connection, query)}
    return found


async def outstanding(connection: AsyncConnection) -> list[tuple[DispatchRecord, timedelta]]:
    """Those that are to be sent or are being sent, oldest first, each with how long it has been so. A deploy may have
    ended while GitHub was asked: what has come of that is to be told all the same."""
    query = _rows.where(_columns.state.in_((DispatchState.PENDING, DispatchState.SENDING)))
    found = await _read(connection, query.order_by(_columns.updated_at, _columns.deploy_id))
    now = await clock.now(connection) if found else None
    return [(record, now - record.updated_at) for record in found if now is not None]


async def without_run(connection: AsyncConnection) -> list[tuple[DispatchRecord, datetime]]:
    """Those of deploys in progress whose run may be there and is not known, each with when its deploy was started."""
    started_at = select(deploys.c.started_at).where(deploys.c.id == _columns.deploy_id).scalar_subquery()
    query = _rows.add_columns(started_at.label("started_at")).where(
        _of_unfinished,
        _columns.state.in_((DispatchState.UNCLEAR, DispatchState.SENT)),
        _columns.run_id.is_(None),
    )
    rows = await connection.execute(query.order_by(_columns.deploy_id))
    return [(_record(row), row.started_at) for row in rows]


async def take(connection: AsyncConnection, deploy_id: str) -> DeployRecord | None:
    """The deploy, where this is its caller's to be sent from now on, and nobody else's."""
    is_due = and_(_columns.state == DispatchState.PENDING, _of_unfinished)
    taken = await _move(connection, deploy_id, is_due, DispatchState.SENDING)
    return await history.deploy(connection, deploy_id) if taken else None


async def settle(
    connection: AsyncConnection, deploy_id: str, state: DispatchState, reason: str, since: datetime | None = None
) -> bool:
    """What was being sent has come to this; whether it was still open. `since`: only if it has been since then.

    That it is refused, or was not sent, is as certain where others have taken the one who asked for dead meanwhile.
    Whoever calls has locked the deploy's row.
    """
    open_to_it = [DispatchState.SENDING, *([] if state is DispatchState.UNCLEAR else [DispatchState.UNCLEAR])]
    is_open: ColumnElement[bool] = _columns.state.in_(open_to_it)
    if since is not None:
        is_open = and_(is_open, _columns.updated_at == since)
    return await _move(connection, deploy_id, is_open, state, reason=reason)


async def begun(connection: AsyncConnection, deploy_id: str, run_id: str | None) -> bool:
    """GitHub has taken it. `run_id`: where it is known which run it is."""
    is_news: ColumnElement[bool] = _columns.state.in_((DispatchState.SENDING, DispatchState.UNCLEAR))
    if run_id is not None:
        is_news = or_(is_news, and_(_columns.state == DispatchState.SENT, _columns.run_id.is_(None)))
    return await _move(connection, deploy_id, is_news, DispatchState.SENT, run_id=run_id, reason=None)


async def _move(
    connection: AsyncConnection, deploy_id: str, where: ColumnElement[bool], state: DispatchState, **values: str | None
) -> bool:
    now = await clock.now(connection)
    moving = update(dispatches).where(_columns.deploy_id == deploy_id, where)
    moved = await connection.execute(moving.values(state=state, updated_at=now, **values))
    return moved.rowcount == 1


async def _read(connection: AsyncConnection, query: Select[Any]) -> list[DispatchRecord]:
    return [_record(row) for row in await connection.execute(query)]


def _record(row: Row[Any]) -> DispatchRecord:
    values = {field.name: getattr(row, field.name) for field in fields(DispatchRecord)}
    return DispatchRecord(**values | {"state": DispatchState(row.state)})
