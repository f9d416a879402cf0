"""The verbs: start a deploy, apply a callback. The caller owns the transaction; nothing commits here."""

import uuid
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import admission, history, ledger, replays, runs
from phaseline.graph import GraphCache
from phaseline.identity import Identity
from phaseline_schema.phases import moved
from phaseline_schema.pipeline import Pipeline
from phaseline_schema.records import AuditKind, Callback, DeployRecord, EntryRecord, Source, Start
from phaseline_schema.refusals import DeployNotFound, PipelineNotFound, Refusal
from phaseline_schema.rights import Right


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a callback.

    `entry` records it: for a duplicate, the first one. A `refusal` is recorded too, so it is raised after the commit.
    """

    deploy: DeployRecord
    pipeline: Pipeline
    entry: EntryRecord
    duplicate: bool = False
    refusal: Refusal | None = None


async def start(connection: AsyncConnection, graphs: GraphCache, identity: Identity, wanted: Start) -> DeployRecord:
    """Record a new deploy and its first entry. Raises PipelineNotFound, WrongVersion, Forbidden."""
    if denied := identity.scope.refusal(wanted.environment):
        raise denied
    pipelines = await graphs.at(connection)
    pipeline = pipelines.get(wanted.pipeline)
    if pipeline is None:
        raise PipelineNotFound(sorted(pipelines))
    place = await ledger.first_place(connection)
    deploy = DeployRecord(
        id=str(uuid.uuid4()),
        environment=wanted.environment,
        ref=wanted.ref,
        pipeline=pipeline.name,
        status=pipeline.start,
        attempt=1,
        sequence=1,
        started_by=identity.name,
        started_at=place.time,
        updated_at=place.time,
        commit_sha=wanted.commit_sha,
        request_id=wanted.request_id,
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
        recorded_at=place.time,
        message=wanted.note,
        source=Source.OPERATOR,
    )
    await ledger.begin(connection, deploy)
    await ledger.append(connection, entry, deploy, place)
    return deploy


async def apply(connection: AsyncConnection, graphs: GraphCache, identity: Identity, callback: Callback) -> Receipt:
    """Move a deploy along the graph, or record why not.

    Raises DeployNotFound and WrongVersion; where nobody is to be recorded, Unauthenticated and Forbidden too.
    """
    deploy, revision = await history.locked(connection, callback.deploy_id)
    if deploy is None:
        raise identity.refusal(Right.SEND_CALLBACKS) or DeployNotFound()
    pipeline = (await graphs.of(connection, revision))[deploy.pipeline]
    run = await runs.judged(connection, identity, deploy)
    before = await replays.answered(connection, identity, callback)
    denied = admission.refusal(identity, deploy, callback) or run.refusal or before.misuse
    if denied is not None:
        recorded = admission.without_content(identity, pipeline, callback, denied)
        if (told := await history.told(connection, deploy, identity, recorded, denied)) is not None:
            return Receipt(deploy, pipeline, told, duplicate=True, refusal=denied)
        place, _ = await ledger.next_place(connection, deploy, recorded.attempt, recorded.status)
        return await _record(connection, pipeline, deploy, identity, recorded, denied, place)
    if before.entry is not None:
        return Receipt(deploy, pipeline, before.entry, duplicate=True, refusal=before.refusal)
    reported = admission.of_its_run(identity, callback)
    place, first = await ledger.next_place(connection, deploy, reported.attempt, reported.status)
    if first is not None:
        receipt = Receipt(deploy, pipeline, first, duplicate=True)
    else:
        off_graph = pipeline.refusal(
            origin=deploy.status, attempt=deploy.attempt, target=reported.status, reported_attempt=reported.attempt
        )
        receipt = await _record(connection, pipeline, deploy, identity, reported, off_graph, place)
    await runs.take(connection, identity, receipt.entry, run)
    await replays.remember(connection, identity, callback, receipt.entry, receipt.refusal)
    return receipt


async def _record(
    connection: AsyncConnection,
    pipeline: Pipeline,
    deploy: DeployRecord,
    identity: Identity,
    callback: Callback,
    refusal: Refusal | None,
    place: ledger.Place,
) -> Receipt:
    """Append what became of a callback, and move the deploy's row on to it."""
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
        recorded_at=place.time,
        refusal=refusal.code if refusal else None,
        message=callback.message,
        run_id=callback.run_id,
        run_url=callback.run_url,
        source=Source.CALLBACK,
    )
    after = moved(pipeline, deploy, entry)
    entry = await ledger.advance(connection, entry, place, deploy, after)
    return Receipt(after, pipeline, entry, refusal=refusal)
