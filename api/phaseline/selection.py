"""Which rows a page holds: what is asked of the database so that an index leads to them, however long the log is.

Every list comes newest first, by time and then by id, and each filter has an index in that order (migration 0004 and
docs/decisions/0010). A deploy's own entries come by sequence, which is the order of its log.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, literal, null, or_, select, tuple_, union_all

from phaseline.databases.picking import picking
from phaseline_schema import inputs
from phaseline_schema.pipeline import Outcome
from phaseline_schema.records import OLDER_KINDS, SOURCES, Source
from phaseline_schema.tables import audit_entries, deploys, pipeline_statuses
from phaseline_schema.types.inputs import AuditFilter, DeployFilter

_entries, _deploys = audit_entries.c, deploys.c
_HIGHEST_SEQUENCE = 2**31 - 1

# Where a row stands in its list.
DeployPlace = tuple[datetime, str]
EntryPlace = tuple[datetime, int]

# A pipeline, and a status of it by which a deploy has ended; None: it has not.
Stand = tuple[str, str | None]


def deploys_newest_first(
    rows: Select[Any], wanted: DeployFilter, stands: Collection[Stand], after: DeployPlace | None, most: int
) -> Select[Any]:
    """`rows` of deploys. `stands`: those that have the outcome that is wanted, if one is. Raises BadUserInput.

    An index has the deploys of one stand in order; of several, each gives as many as the page can hold.
    """
    conditions = _of_deploys(wanted)
    # The lower of two bounds alone: of both, a database may begin with the one that is far from the page.
    bounds = [after] if after else []
    bounds += [(wanted.started_before, "")] if wanted.started_before else []
    if bounds:
        conditions.append(
            tuple_(_deploys.started_at, _deploys.id) < _bound(*min(bounds), _deploys.started_at, _deploys.id)
        )
    if wanted.outcome is None:
        return _newest(rows.where(*conditions), _deploys, most)
    parts = [_newest(rows.where(*conditions, _stands(*stand)), _deploys, most) for stand in stands]
    if len(parts) < 2:
        return parts[0] if parts else rows.where(false())
    merged = union_all(*(select(part.subquery()) for part in parts)).subquery()
    return _newest(select(merged), merged.c, most)


def stands_of(outcome: Outcome) -> Select[Any]:
    """The stands with this outcome. No end is none: those who are under way are found by that, in whatever status."""
    statuses = pipeline_statuses.c
    end = null() if outcome is Outcome.IN_PROGRESS else statuses.key
    return select(statuses.pipeline, end).where(statuses.outcome == outcome).distinct()


def entries_newest_first(rows: Select[Any], wanted: AuditFilter, after: EntryPlace | None, most: int) -> Select[Any]:
    """`rows` of audit entries of all deploys. Raises BadUserInput.

    A source alone has two places in its index, because older entries have none: each gives as many as the page holds.
    """
    conditions = _of_entries(wanted)
    bounds = [after] if after else []
    bounds += [(wanted.recorded_before, 0)] if wanted.recorded_before else []
    if bounds:
        conditions.append(
            tuple_(_entries.recorded_at, _entries.id) < _bound(*min(bounds), _entries.recorded_at, _entries.id)
        )
    if wanted.source is None:
        return _latest(rows.where(*conditions), _entries, most)
    if _leads(wanted):
        return _latest(rows.where(*conditions, or_(*_from(wanted.source, leads=False))), _entries, most)
    parts = [_latest(rows.where(*conditions, part), _entries, most) for part in _from(wanted.source, leads=True)]
    if len(parts) < 2:
        return parts[0]
    merged = union_all(*(select(part.subquery()) for part in parts)).subquery()
    return _latest(select(merged), merged.c, most)


def entries_latest_first(rows: Select[Any], wanted: AuditFilter, after: int | None, most: int) -> Select[Any]:
    """The same of one deploy, whose log has an order of its own. `after` is the id of an entry."""
    query = rows.where(*_of_entries(wanted))
    if wanted.source is not None:
        query = query.where(or_(*_from(wanted.source, leads=False)))
    if wanted.recorded_before is not None:
        query = query.where(_entries.recorded_at < wanted.recorded_before)
    if after is not None:
        # A sum is in no index, so that nobody looks through the ids of all other deploys for it.
        query = query.where(_entries.sequence < _sequence_of(after, wanted.deploy_id), _entries.id + 0 < after)
    return query.order_by(_entries.sequence.desc()).limit(most)


def time_of(entry_id: int) -> Select[Any]:
    """When the entry of a cursor was recorded. One that a restored backup lacks is taken for the one before it."""
    return select(_entries.recorded_at).where(_entries.id <= entry_id).order_by(_entries.id.desc()).limit(1)


def _bound(
    time: datetime, last: str | int, of_time: ColumnElement[datetime], of_id: ColumnElement[Any]
) -> ColumnElement[Any]:
    """The place of a row, each value bound as its column has it."""
    return tuple_(literal(time, of_time.type), literal(last, of_id.type))


def _sequence_of(entry_id: int, deploy_id: str | None) -> ColumnElement[Any]:
    """The sequence of a cursor's entry; where it is another deploy's, its id alone says where the page begins."""
    found = select(_entries.sequence).where(_entries.id == entry_id, _entries.deploy_id == deploy_id)
    return func.coalesce(found.scalar_subquery(), literal(_HIGHEST_SEQUENCE))


def _newest(query: Select[Any], columns: Any, most: int) -> Select[Any]:
    return query.order_by(columns.started_at.desc(), columns.id.desc()).limit(most)


def _latest(query: Select[Any], columns: Any, most: int) -> Select[Any]:
    return query.order_by(columns.recorded_at.desc(), columns.id.desc()).limit(most)


def _leads(wanted: AuditFilter) -> bool:
    """Whether anything but the source leads to entries."""
    return any((wanted.deploy_id, wanted.environment, wanted.kind, wanted.actor, wanted.to_status))


def _from(source: Source, *, leads: bool) -> list[ColumnElement[bool]]:
    """Entries of this source: those that say so, and those from before sources were kept whose kind says so."""
    column = _entries.source if leads else picking(_entries.source)
    kinds = [kind for kind in OLDER_KINDS if SOURCES[kind][0] is source]
    older = [and_(column.is_(None), picking(_entries.kind).in_(kinds))] if kinds else []
    return [column == source, *older]


def _stands(pipeline: str, end: str | None) -> ColumnElement[bool]:
    """In the words of the conditions that the indexes have."""
    if end is None:
        return and_(_deploys.pipeline == pipeline, _deploys.finished_at.is_(None))
    return and_(_deploys.pipeline == pipeline, _deploys.status == end, _deploys.finished_at.is_not(None))


def _of_deploys(wanted: DeployFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.environment is not None:
        longest = inputs.ENVIRONMENT
        conditions.append(_deploys.environment == inputs.text("filter.environment", wanted.environment, longest))
    if wanted.started_after is not None:
        conditions.append(_deploys.started_at > wanted.started_after)
    return conditions


def _of_entries(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    """The first that is given leads to the rows; by the others they are picked."""
    conditions: list[ColumnElement[bool]] = []
    for name, column, value, longest in (
        ("deployId", _entries.deploy_id, wanted.deploy_id, inputs.ID),
        ("actor", _entries.actor, wanted.actor, inputs.ACTOR),
        ("toStatus", _entries.to_status, wanted.to_status, inputs.STATUS),
        ("kind", _entries.kind, wanted.kind, None),
        ("environment", _entries.environment, wanted.environment, inputs.ENVIRONMENT),
    ):
        if value is not None:
            given = value if longest is None else inputs.text(f"filter.{name}", value, longest)
            conditions.append((picking(column) if conditions else column) == given)
    if wanted.recorded_after is not None:
        conditions.append(_entries.recorded_at > wanted.recorded_after)
    return conditions
