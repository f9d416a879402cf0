"""Which deploy is a run's, and which run is a deploy's: as the accepted callbacks say, and never by a guess.

A run that has proven itself by ID tokens is one of the repository that these named. One that callbacks with a stored
token only name is taken for one of the repository that the deploy's environment is deployed from, and of no other.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline.databases import clock
from phaseline_schema.records import AuditKind, Source
from phaseline_schema.tables import audit_entries, deploy_runs, deploys

# As runs are called that have proven themselves, before their repository.
_PROVEN = "github:"

# For how long a deploy that has an end is still asked about, where GitHub has last said that its run goes on.
_STILL = timedelta(days=1)

_COMPLETED = "completed"

# A statement has room for some thirty thousand values.
_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class KnownRun:
    """The run of a deploy. `repository`: OWNER/NAME, as the callbacks or the environments file have it."""

    deploy_id: str
    environment: str
    run_id: str
    repository: str


@dataclass(frozen=True, slots=True)
class Where:
    """What tells whose a run is. `repositories`: of each environment that there is; `issuer`: whose ID tokens prove
    runs, where any do."""

    repositories: Mapping[str, str]
    issuer: str | None = None


async def of_run(connection: AsyncConnection, where: Where, repository: str, run_id: str) -> list[KnownRun]:
    """The deploys whose run it is, in the order of their ids; mostly one, or none."""
    columns = audit_entries.c
    named = await _ids(connection, select(columns.deploy_id).where(_reported(), columns.run_id == run_id))
    found = await of_deploys(connection, where, named)
    return [one for one in found if one.run_id == run_id and one.repository.casefold() == repository.casefold()]


async def in_progress(connection: AsyncConnection, where: Where) -> list[KnownRun]:
    """The runs of those deploys that GitHub may have something to say of: those in progress, and those of the last day
    that have an end, where it has last said that the run goes on."""
    unfinished = await _ids(connection, select(deploys.c.id).where(deploys.c.finished_at.is_(None)))
    return await of_deploys(connection, where, unfinished | await _outlived(connection))


async def _outlived(connection: AsyncConnection) -> set[str]:
    since = await clock.now(connection) - _STILL
    account, later = audit_entries.alias(), audit_entries.alias()
    completed = select(later.c.id).where(
        later.c.deploy_id == account.c.deploy_id,
        later.c.attempt >= account.c.attempt,
        later.c.run_status == _COMPLETED,
    )
    goes_on = select(account.c.deploy_id).where(
        account.c.kind == AuditKind.RUN_REPORTED,
        account.c.recorded_at > since,
        account.c.run_status != _COMPLETED,
        ~completed.exists(),
    )
    return await _ids(connection, goes_on)


async def of_deploys(connection: AsyncConnection, where: Where, ids: Collection[str]) -> list[KnownRun]:
    """The runs of these deploys, where they are known: those that have proven themselves, of which each has one at
    most; where none has, the last that was named."""
    proven: dict[str, KnownRun] = {}
    named: dict[str, KnownRun] = {}
    for row in await _entries(connection, sorted(ids)):
        if row.run_id is None or row.kind is not AuditKind.TRANSITION or row.source not in (None, Source.CALLBACK):
            continue
        if row.issuer not in (None, where.issuer):  # it has proven itself to be of another GitHub
            continue
        # A callback with a stored token may name the same run; what it is of stands in those that proved it.
        if row.issuer is not None and row.actor.startswith(_PROVEN):
            repository = row.actor.removeprefix(_PROVEN)
            proven[row.deploy_id] = KnownRun(row.deploy_id, row.environment, row.run_id, repository)
        elif row.environment in where.repositories:
            repository = where.repositories[row.environment]
            named[row.deploy_id] = KnownRun(row.deploy_id, row.environment, row.run_id, repository)
    return sorted((named | proven).values(), key=lambda known: known.deploy_id)


async def _ids(connection: AsyncConnection, query: Select[Any]) -> set[str]:
    """Looked up by themselves: joined to what is read of the deploys, they lead SQLite to read the whole log."""
    return {row[0] for row in await connection.execute(query)}


async def _entries(connection: AsyncConnection, ids: Sequence[str]) -> list[Row[Any]]:
    """All of these deploys, in their order. What they are is not asked of the database: SQLite would look for it in the
    whole log."""
    found: list[Row[Any]] = []
    for first in range(0, len(ids), _AT_ONCE):
        found += await connection.execute(_entries_of(ids[first : first + _AT_ONCE]))
    return found


def _entries_of(ids: Sequence[str]) -> Select[Any]:
    columns, runs = audit_entries.c, deploy_runs.c
    said = (columns.deploy_id, columns.environment, columns.kind, columns.source, columns.run_id, columns.actor)
    proof = and_(runs.deploy_id == columns.deploy_id, runs.run_id == columns.run_id)
    return (
        select(*said, runs.issuer)
        .select_from(audit_entries.outerjoin(deploy_runs, proof))
        .where(columns.deploy_id.in_(ids))
        .order_by(columns.deploy_id, columns.sequence)
    )


def _reported() -> ColumnElement[bool]:
    """Accepted callbacks; those from before sources were kept are among them."""
    columns = audit_entries.c
    by_callback = or_(columns.source == Source.CALLBACK, columns.source.is_(None))
    return and_(columns.kind == AuditKind.TRANSITION, by_callback)
