"""Who stands in the way of another deploy to the same environment: what is in progress there, however it is known.

A deploy is, as long as it has no end; and one that has an end is once more, where GitHub has said since then that a
later attempt of its run goes on, until it says that this is over, or that there is no such run any more. That somebody
has asked for a re-run is no account of one: nothing stands in the way of others that only a clock could take away.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, literal_column, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline_schema.records import AuditKind, DeployRecord, EntryRecord
from phaseline_schema.refusals import EnvironmentBusy
from phaseline_schema.tables import audit_entries, deploys, environment_holds, environment_queue
from phaseline_schema.times import rfc3339

# What the log calls it where GitHub says that there is no such run.
NOT_FOUND = "not_found"

# How an attempt stands that does not go on.
_OVER = ("completed", NOT_FOUND)


@dataclass(frozen=True, slots=True)
class Occupant:
    """The deploy that stands in the way of every other one to its environment. `since`: when it was given the
    environment; None where it never was, as one from before environments were kept."""

    deploy_id: str
    ref: str
    started_by: str
    started_at: datetime
    since: datetime | None

    def refusal(self, environment: str) -> EnvironmentBusy:
        """What whoever may not wait is told."""
        since = rfc3339(self.since or self.started_at)
        return EnvironmentBusy(environment, self.deploy_id, self.ref, self.started_by, since)


async def occupant(connection: AsyncConnection, environment: str) -> Occupant | None:
    """Who stands in the way there, to somebody who is alone with it: the one that has it, or else the oldest that is in
    progress and does not wait."""
    columns, held = deploys.c, environment_holds.c.since
    query = select(columns.id, columns.ref, columns.started_by, columns.started_at, held).limit(1)
    row = (await connection.execute(in_the_way(query, [environment]))).first()
    return Occupant(*row) if row else None


def in_the_way(query: Select[Any], environments: Collection[str]) -> Select[Any]:
    """Of a selection from deploys and their holds, those that stand in the way in one of these environments: of each
    the one first that has it, and then the oldest."""
    columns, held = deploys.c, environment_holds.c
    holding = select(held.deploy_id).where(held.environment.in_(environments))
    waiting = select(environment_queue.c.deploy_id).where(environment_queue.c.environment.in_(environments))
    unfinished = select(columns.id).where(columns.environment.in_(environments), columns.finished_at.is_(None))
    return (
        query.select_from(deploys.outerjoin(environment_holds, held.deploy_id == columns.id))
        .where(
            columns.id.in_(union_all(holding, unfinished.where(columns.id.not_in(waiting)), run_again(environments)))
        )
        .order_by(held.since.is_(None), columns.started_at, columns.id)
    )


def run_again(environments: Collection[str]) -> Select[tuple[str]]:
    """Those of these environments that have an end, and of which a later attempt goes on by GitHub's account. An index
    holds the accounts of later attempts."""
    return _run_again().where(audit_entries.c.environment.in_(environments))


async def goes_on(connection: AsyncConnection, deploy_id: str) -> bool:
    """Whether a deploy that has an end is run again, as GitHub has last said."""
    return await attempt_again(connection, deploy_id) is not None


async def attempt_again(connection: AsyncConnection, deploy_id: str) -> int | None:
    """The attempt of a deploy that has an end which goes on by GitHub's account; None where none does."""
    query = _run_again().with_only_columns(audit_entries.c.attempt).where(audit_entries.c.deploy_id == deploy_id)
    attempt: int | None = (await connection.execute(query.order_by(audit_entries.c.attempt.desc()).limit(1))).scalar()
    return attempt


def begins_again(entry: EntryRecord, after: DeployRecord) -> bool:
    """Whether it is GitHub's account that a later attempt than the deploy's goes on."""
    is_account = entry.kind is AuditKind.RUN_REPORTED and entry.attempt > after.attempt
    return is_account and entry.run_status not in _OVER


def is_over(entry: EntryRecord) -> bool:
    """Whether such an attempt may be over by it."""
    return entry.accepted or entry.run_status in _OVER


def _run_again() -> Select[tuple[str]]:
    account, columns, later = audit_entries.c, deploys.c, audit_entries.alias()
    is_over = and_(later.c.attempt >= account.attempt, later.c.run_status.in_(_OVER))
    told = exists().where(
        later.c.deploy_id == account.deploy_id,
        later.c.sequence > account.sequence,
        or_(later.c.kind == AuditKind.TRANSITION, is_over),
    )
    # As the index has it, so that both databases see that it is the one.
    of_later: tuple[ColumnElement[bool], ...] = (
        account.kind == literal_column(f"'{AuditKind.RUN_REPORTED}'"),
        account.attempt > literal_column("1"),
    )
    return (
        select(account.deploy_id)
        .select_from(audit_entries.join(deploys, columns.id == account.deploy_id))
        .where(
            *of_later,
            columns.finished_at.is_not(None),
            account.attempt > columns.attempt,
            account.run_status.not_in(_OVER),
            ~told,
        )
    )
