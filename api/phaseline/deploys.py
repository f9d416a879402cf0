"""The verbs: start a deploy, apply a callback. The caller owns the transaction; nothing commits here."""

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import history
from phaseline.identity import Identity
from phaseline_schema.phases import moved
from phaseline_schema.pipeline import Pipeline
from phaseline_schema.records import AuditKind, DeployRecord, EntryRecord
from phaseline_schema.refusals import CallbackRefusal, DeployNotFound, PipelineNotFound
from phaseline_schema.tables import audit_entries, deploys


@dataclass(frozen=True, slots=True)
class Start:
    """What an operator asks for."""

    environment: str
    ref: str
    pipeline: str
    note: str | None


@dataclass(frozen=True, slots=True)
class Callback:
    """What a workflow reports."""

    deploy_id: str
    status: str
    attempt: int
    run_id: str | None
    run_url: str | None
    message: str | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a callback.

    `entry` records it: for a duplicate, the first one. A `refusal` has been recorded like an
    acceptance, so the caller raises it only after the commit.
    """

    deploy: DeployRecord
    entry: EntryRecord
    duplicate: bool = False
    refusal: CallbackRefusal | None = None


async def start(
    connection: AsyncConnection,
    pipelines: Mapping[str, Pipeline],
    identity: Identity,
    wanted: Start,
) -> DeployRecord:
    """Record a new deploy and its first entry. Raises PipelineNotFound."""
    pipeline = pipelines.get(wanted.pipeline)
    if pipeline is None:
        raise PipelineNotFound(sorted(pipelines))
    now = datetime.now(UTC)
    deploy = DeployRecord(
        id=str(uuid.uuid4()),
        environment=wanted.environment,
        ref=wanted.ref,
        pipeline=pipeline.name,
        status=pipeline.start,
        attempt=1,
        sequence=1,
        started_by=identity.name,
        started_at=now,
        updated_at=now,
        finished_at=None,
        run_url=None,
    )
    await connection.execute(insert(deploys).values(asdict(deploy)))
    await _append(
        connection,
        deploy,
        sequence=1,
        kind=AuditKind.DEPLOY_STARTED,
        from_status=None,
        to_status=deploy.status,
        attempt=1,
        actor=identity.name,
        message=wanted.note,
        recorded_at=now,
    )
    return deploy


async def apply(
    connection: AsyncConnection,
    pipelines: Mapping[str, Pipeline],
    identity: Identity,
    callback: Callback,
) -> Receipt:
    """Move a deploy along the graph, or record why not. Raises DeployNotFound."""
    deploy = await history.deploy(connection, callback.deploy_id, for_update=True)
    if deploy is None:
        raise DeployNotFound
    first = await _reported(connection, callback)
    if first is not None:
        return Receipt(deploy, first, duplicate=True)
    pipeline = pipelines[deploy.pipeline]
    refusal: CallbackRefusal | None = None
    try:
        pipeline.legal(
            origin=deploy.status,
            attempt=deploy.attempt,
            target=callback.status,
            reported_attempt=callback.attempt,
        )
    except CallbackRefusal as raised:
        refusal = raised
    entry = await _append(
        connection,
        deploy,
        sequence=deploy.sequence + 1,
        kind=AuditKind.CALLBACK_REFUSED if refusal else AuditKind.TRANSITION,
        from_status=deploy.status,
        to_status=callback.status,
        attempt=callback.attempt,
        actor=identity.name,
        refusal=refusal.code if refusal else None,
        message=callback.message,
        run_id=callback.run_id,
        run_url=callback.run_url,
        recorded_at=datetime.now(UTC),
    )
    after = moved(pipeline, deploy, entry)
    await _keep(connection, deploy, after)
    return Receipt(after, entry, refusal=refusal)


async def _reported(connection: AsyncConnection, callback: Callback) -> EntryRecord | None:
    """The entry of an accepted callback with the same deploy, attempt and status, if there is one."""
    columns = audit_entries.c
    row = await connection.execute(
        history.entry_rows.where(
            columns.deploy_id == callback.deploy_id,
            columns.attempt == callback.attempt,
            columns.edge_to == callback.status,
        )
    )
    found = row.first()
    return history.entry(found) if found else None


async def _append(
    connection: AsyncConnection,
    deploy: DeployRecord,
    *,
    sequence: int,
    kind: AuditKind,
    from_status: str | None,
    to_status: str,
    attempt: int,
    actor: str,
    recorded_at: datetime,
    refusal: str | None = None,
    message: str | None = None,
    run_id: str | None = None,
    run_url: str | None = None,
) -> EntryRecord:
    content: dict[str, Any] = {
        "deploy_id": deploy.id,
        "sequence": sequence,
        "kind": kind,
        "pipeline": deploy.pipeline,
        "environment": deploy.environment,
        "from_status": from_status,
        "to_status": to_status,
        "attempt": attempt,
        "actor": actor,
        "refusal": refusal,
        "message": message,
        "run_id": run_id,
        "run_url": run_url,
        "recorded_at": recorded_at,
    }
    appended = insert(audit_entries).values(content).returning(audit_entries.c.id)
    return EntryRecord(id=(await connection.execute(appended)).scalar_one(), **content)


async def _keep(connection: AsyncConnection, before: DeployRecord, after: DeployRecord) -> None:
    """Write what has moved, if the row is still the one that was read."""
    result = await connection.execute(
        update(deploys).where(deploys.c.id == before.id, deploys.c.sequence == before.sequence).values(asdict(after))
    )
    if result.rowcount != 1:
        raise RuntimeError(f"deploy {before.id} moved on while its row was locked")
