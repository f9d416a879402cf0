"""Which deploy is a run's, and which run is a deploy's: as the accepted callbacks say, and never by a guess.

A run that has proven itself by ID tokens is one of the repository that these named. One that callbacks with a stored
token only name is taken for one of the repository that the deploy's environment is deployed from, and of no other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline.databases import clock
from phaseline_schema.records import AuditKind, Source
from phaseline_schema.tables import audit_entries, deploy_runs, deploys

# As runs are called that have proven themselves, before their repository.
_PROVEN = "github:"

# For how long a deploy that has an end is still asked about, where GitHub has last said that its run goes on.
_STILL = timedelta(days=1)

_COMPLETED = "completed"


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
    named = select(columns.deploy_id).where(_reported(), columns.run_id == run_id)
    found = await _known(connection, where, deploys.c.id.in_(named))
    return [one for one in found if one.run_id == run_id and one.repository.casefold() == repository.casefold()]


async def in_progress(connection: AsyncConnection, where: Where) -> list[KnownRun]:
    """The runs of those deploys that GitHub may have something to say of: those in progress, and those of the last day
    that have an end, where it has last said that the run goes on."""
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
    return [
        *await _known(connection, where, deploys.c.finished_at.is_(None)),
        *await _known(connection, where, and_(deploys.c.finished_at.is_not(None), deploys.c.id.in_(goes_on))),
    ]


async def of_deploys(connection: AsyncConnection, where: Where, ids: set[str]) -> list[KnownRun]:
    """The runs of these deploys, where they are known."""
    return await _known(connection, where, deploys.c.id.in_(ids))


async def _known(connection: AsyncConnection, where: Where, which: ColumnElement[bool]) -> list[KnownRun]:
    """The run that has proven itself, of which there is one at most; where none has, the last that was named."""
    proven: dict[str, KnownRun] = {}
    named: dict[str, KnownRun] = {}
    for deploy_id, environment, run_id, actor, proof in await connection.execute(_reports(where.issuer, which)):
        if proof is not None:
            proven[deploy_id] = KnownRun(deploy_id, environment, run_id, actor.removeprefix(_PROVEN))
        elif environment in where.repositories:
            named[deploy_id] = KnownRun(deploy_id, environment, run_id, where.repositories[environment])
    return sorted((named | proven).values(), key=lambda known: known.deploy_id)


def _reports(issuer: str | None, which: ColumnElement[bool]) -> Select[Any]:
    columns, runs = audit_entries.c, deploy_runs.c
    proof = and_(runs.deploy_id == columns.deploy_id, runs.run_id == columns.run_id, runs.issuer == (issuer or ""))
    return (
        select(columns.deploy_id, deploys.c.environment, columns.run_id, columns.actor, runs.run_id)
        .select_from(audit_entries.join(deploys, deploys.c.id == columns.deploy_id).outerjoin(deploy_runs, proof))
        .where(which, _reported(), columns.run_id.is_not(None))
        .order_by(columns.deploy_id, columns.sequence)
    )


def _reported() -> ColumnElement[bool]:
    """Accepted callbacks; those from before sources were kept are among them."""
    columns = audit_entries.c
    by_callback = or_(columns.source == Source.CALLBACK, columns.source.is_(None))
    return and_(columns.kind == AuditKind.TRANSITION, by_callback)
