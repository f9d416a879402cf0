"""The verbs: start a deploy, apply a callback. The caller owns the transaction; nothing commits here."""

import uuid
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import history, ledger
from phaseline.databases import clock
from phaseline.graph import GraphCache
from phaseline.identity import Identity
from phaseline_schema.phases import moved
from phaseline_schema.pipeline import Pipeline
from phaseline_schema.records import AuditKind, Callback, DeployRecord, EntryRecord, Start
from phaseline_schema.refusals import CallbackRefusal, DeployNotFound, PipelineNotFound


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a callback.

    `entry` records it: for a duplicate, the first one. A `refusal` is recorded too, so it is raised after the commit.
    """

    deploy: DeployRecord
    pipeline: Pipeline
    entry: EntryRecord
    duplicate: bool = False
    refusal: CallbackRefusal | None = None


async def start(connection: AsyncConnection, graphs: GraphCache, identity: Identity, wanted: Start) -> DeployRecord:
    """Record a new deploy and its first entry. Raises PipelineNotFound, WrongVersion."""
    pipelines = await graphs.at(connection)
    pipeline = pipelines.get(wanted.pipeline)
    if pipeline is None:
        raise PipelineNotFound(sorted(pipelines))
    now = await clock.now(connection)
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
    entry = EntryRecord(
        deploy_id=deploy.id,
        sequence=1,
        kind=AuditKind.DEPLOY_STARTED,
        pipeline=deploy.pipeline,
        environment=deploy.environment,
        from_status=None,
        to_status=deploy.status,
        attempt=1,
        actor=identity.name,
        recorded_at=now,
        message=wanted.note,
    )
    await ledger.begin(connection, deploy)
    await ledger.append(connection, entry)
    return deploy


async def apply(connection: AsyncConnection, graphs: GraphCache, identity: Identity, callback: Callback) -> Receipt:
    """Move a deploy along the graph, or record why not. Raises DeployNotFound, WrongVersion."""
    deploy = await history.deploy(connection, callback.deploy_id, for_update=True)
    if deploy is None:
        raise DeployNotFound
    pipeline = (await graphs.at(connection))[deploy.pipeline]
    first = await history.reported(connection, callback)
    if first is not None:
        return Receipt(deploy, pipeline, first, duplicate=True)
    refusal = _refusal(pipeline, deploy, callback)
    entry = EntryRecord(
        deploy_id=deploy.id,
        sequence=deploy.sequence + 1,
        kind=AuditKind.CALLBACK_REFUSED if refusal else AuditKind.TRANSITION,
        pipeline=deploy.pipeline,
        environment=deploy.environment,
        from_status=deploy.status,
        to_status=callback.status,
        attempt=callback.attempt,
        actor=identity.name,
        recorded_at=await clock.now(connection),
        refusal=refusal.code if refusal else None,
        message=callback.message,
        run_id=callback.run_id,
        run_url=callback.run_url,
    )
    entry = await ledger.append(connection, entry)
    after = moved(pipeline, deploy, entry)
    await ledger.move(connection, deploy, after)
    return Receipt(after, pipeline, entry, refusal=refusal)


def _refusal(pipeline: Pipeline, deploy: DeployRecord, callback: Callback) -> CallbackRefusal | None:
    try:
        pipeline.legal(
            origin=deploy.status, attempt=deploy.attempt, target=callback.status, reported_attempt=callback.attempt
        )
    except CallbackRefusal as refusal:
        return refusal
    return None
