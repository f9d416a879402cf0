"""Which workflow run reports for a deploy: the first whose callback was accepted and proved its run, and no other.

A run that may report for one deploy only cannot take another one, whose own run still waits.
"""

from dataclasses import dataclass

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline.identity import Identity, Run
from phaseline_schema.records import DeployRecord, EntryRecord, Source
from phaseline_schema.refusals import Forbidden, Refusal
from phaseline_schema.tables import deploy_runs


@dataclass(frozen=True, slots=True)
class Judged:
    """Why the caller's run may not report for a deploy, or None; and whether the deploy is in nobody's hands yet."""

    refusal: Refusal | None = None
    is_free: bool = False


async def judged(connection: AsyncConnection, identity: Identity, deploy: DeployRecord) -> Judged:
    """What there is to be said of the caller's run; nothing where its proof is not of one.

    Until the transaction ends, nobody else is told of this run.
    """
    run = identity.run
    if run is None:
        return Judged()
    await _alone(connection, run)
    columns = deploy_runs.c
    holder = select(columns.issuer, columns.run_id).where(columns.deploy_id == deploy.id)
    of_deploy = (await connection.execute(holder)).first()
    if of_deploy is not None:
        mine = tuple(of_deploy) == (run.issuer, run.run_id)
        return Judged(None if mine else Forbidden("another run reports for this deploy", claim="run_id"))
    its = select(columns.deploy_id).where(columns.issuer == run.issuer, columns.run_id == run.run_id).limit(1)
    if not run.several_deploys and (await connection.execute(its)).first() is not None:
        return Judged(Forbidden("this run reports for another deploy", claim="run_id"))
    return Judged(is_free=True)


async def take(connection: AsyncConnection, identity: Identity, entry: EntryRecord, run_judged: Judged) -> None:
    """From now on the deploy is in the hands of the caller's run, if a callback has moved it by the entry and it is in
    nobody's yet. What GitHub has said before the callback came is no report of this run."""
    run = identity.run
    if run is not None and entry.accepted and entry.known_source is Source.CALLBACK and run_judged.is_free:
        taken = {"deploy_id": entry.deploy_id, "issuer": run.issuer, "run_id": run.run_id}
        await connection.execute(insert(deploy_runs).values(taken))


async def _alone(connection: AsyncConnection, run: Run) -> None:
    """Wait for whoever judges the same run, for whatever deploy. On SQLite there is one writer as it is."""
    if connection.dialect.name == "postgresql":
        number = func.hashtextextended(f"{run.issuer} run {run.run_id}", 0)
        await connection.execute(select(func.pg_advisory_xact_lock(number)))
