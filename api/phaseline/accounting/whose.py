"""Which deploy is a run's, and which run is a deploy's: as callbacks and dispatches say, and never by a guess.

A run that has proven itself by ID tokens is one of the repository that these named. One that GitHub has begun for the
deploy is one of the repository where that was asked for. One that callbacks with a stored token only name is taken for
one of the repository that the deploy's environment is deployed from, and of no other.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Row, Select, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import occupants
from phaseline.accounting import dispatched
from phaseline.databases import clock
from phaseline.github.webhooks import Delivered
from phaseline_schema.records import AuditKind, Source
from phaseline_schema.tables import audit_entries, deploy_runs, deploys

# As runs are called that have proven themselves, before their repository.
_PROVEN = "github:"

# For how long a deploy that has an end is still asked about, where GitHub has last said that its run goes on.
_STILL = timedelta(days=1)

_COMPLETED = "completed"

# Entries whose run was taken for the deploy's.
_OF_RUNS = (AuditKind.TRANSITION, AuditKind.RUN_REPORTED)

# A statement has room for some thirty thousand values.
_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class KnownRun:
    """The run of a deploy. `repository`: OWNER/NAME, as callbacks, dispatch or environments file have it."""

    deploy_id: str
    environment: str
    run_id: str
    repository: str


@dataclass(frozen=True, slots=True)
class Where:
    """What tells whose a run is. `repositories`: of each environment that there is; `issuer`: whose ID tokens prove
    runs, where any do; `web_url`: where the pages of these repositories are, None where nobody says."""

    repositories: Mapping[str, str]
    issuer: str | None = None
    web_url: str | None = None

    def may_ask(self, run: KnownRun) -> bool:
        """Whether GitHub can be asked for it: not where its environment is gone, or it is another CI system's."""
        return run.environment in self.repositories and run.run_id.isascii() and run.run_id.isdecimal()


async def of_delivery(connection: AsyncConnection, where: Where, delivered: Delivered) -> list[KnownRun]:
    """The deploys whose run a webhook speaks of, in the order of their ids; mostly one, or none.

    One that is only so by its name has to be claimed.
    """
    known = await of_run(connection, where, delivered.repository, delivered.run_id)
    named = None if known else await dispatched.by_name(connection, delivered)
    if named is None:
        return known
    deploy_id, environment, repository = named
    if await of_deploys(connection, where, {deploy_id}):
        return []
    return [KnownRun(deploy_id, environment, delivered.run_id, repository)]


async def of_run(connection: AsyncConnection, where: Where, repository: str, run_id: str) -> list[KnownRun]:
    """The same of a run of which this is known."""
    columns = audit_entries.c
    told = select(columns.deploy_id).where(columns.kind.in_(_OF_RUNS), columns.run_id == run_id)
    candidates = await _ids(connection, told) | await _ids(connection, dispatched.of_run(run_id))
    found = await of_deploys(connection, where, candidates)
    return [one for one in found if one.run_id == run_id and one.repository.casefold() == repository.casefold()]


async def claim(connection: AsyncConnection, where: Where, run: KnownRun) -> bool:
    """Whether it is the deploy's run, in the transaction in which that matters. That one is so by its name is written
    down with it, and from then on known; not where somebody is just about to say otherwise."""
    known = await of_deploys(connection, where, {run.deploy_id})
    return run in known if known else await dispatched.take(connection, run.deploy_id, run.run_id)


async def in_progress(connection: AsyncConnection, where: Where) -> list[KnownRun]:
    """The runs of those deploys that GitHub may have something to say of: those in progress; those that have an end,
    where GitHub has last said that the run goes on, for a day after that or after the end; and without a term those of
    which it says so of a later attempt, because they stand in the way of others."""
    unfinished = await _ids(connection, select(deploys.c.id).where(deploys.c.finished_at.is_(None)))
    since = await clock.now(connection) - _STILL
    again = await _ids(connection, occupants.run_again(where.repositories))
    return await of_deploys(connection, where, unfinished | again | await outlived(connection, since))


async def outlived(connection: AsyncConnection, since: datetime) -> set[str]:
    """The deploys whose run goes on, as GitHub has last said, where it has said so since then, or they have ended
    since: the one is an index's range of accounts, the other one of ends, of which the accounts are looked up."""
    account, ended = audit_entries.alias(), audit_entries.alias()
    reported = account.c.kind == AuditKind.RUN_REPORTED
    lately_told = select(account.c.deploy_id).where(reported, account.c.recorded_at > since, *_goes_on(account))
    by_it = and_(deploys.c.id == ended.c.deploy_id, deploys.c.finished_at == ended.c.recorded_at)
    of_it = and_(account.c.deploy_id == ended.c.deploy_id, *_goes_on(account))
    lately_ended = (
        select(ended.c.deploy_id)
        .select_from(ended.join(deploys, by_it).join(account, of_it))
        .where(ended.c.kind == AuditKind.TRANSITION, ended.c.recorded_at > since)
    )
    return await _ids(connection, lately_told) | await _ids(connection, lately_ended)


def _goes_on(account: FromClause) -> tuple[ColumnElement[bool], ...]:
    """By this account the run goes on, and by none that counts for more it is over."""
    later = audit_entries.alias()
    completed = select(later.c.id).where(
        later.c.deploy_id == account.c.deploy_id,
        later.c.attempt >= account.c.attempt,
        later.c.run_status == _COMPLETED,
    )
    return account.c.run_status != _COMPLETED, ~completed.exists()


async def of_deploys(connection: AsyncConnection, where: Where, ids: Collection[str]) -> list[KnownRun]:
    """The runs of these deploys, where they are known: those that have proven themselves, of which each has one at
    most; where none has, the one that was dispatched; where none was, the last that was named."""
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
    begun = await _begun(connection, sorted(ids))
    return sorted((named | begun | proven).values(), key=lambda known: known.deploy_id)


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


async def _begun(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, KnownRun]:
    """Those that were dispatched, by deploy."""
    found: dict[str, KnownRun] = {}
    for first in range(0, len(ids), _AT_ONCE):
        part = await dispatched.runs(connection, ids[first : first + _AT_ONCE])
        found |= {run[0]: KnownRun(*run) for run in part}
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
