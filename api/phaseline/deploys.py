"""The verbs: start a deploy, apply a callback. The caller owns the transaction; nothing commits here."""

import uuid
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import admission, history, holds, ledger, occupants, replays, requests, runs
from phaseline.graph import GraphCache
from phaseline.identity import Identity
from phaseline_schema.dispatches import Dispatch
from phaseline_schema.environments import WhenBusy
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


@dataclass(frozen=True, slots=True)
class Started:
    """What became of a start. `again`: the same request has started the deploy before, and nothing was written now.
    `waits`: it has a place in the queue of its environment."""

    deploy: DeployRecord
    again: bool = False
    waits: bool = False


async def start(
    connection: AsyncConnection,
    graphs: GraphCache,
    identity: Identity,
    wanted: Start,
    when_busy: WhenBusy | None = None,
    dispatch: Dispatch | None = None,
) -> Started:
    """Record a new deploy and its first entry; the same request once.

    `when_busy`: what becomes of it where another deploy has the environment; None: the environment is nobody's alone.
    `dispatch`: what GitHub is to be asked for as soon as the deploy has its environment; None: it is asked for nothing.

    Raises PipelineNotFound, WrongVersion, Forbidden, EnvironmentBusy, and BadUserInput where the request was another.
    """
    if denied := identity.scope.refusal(wanted.environment):
        raise denied
    pipelines = await graphs.at(connection)
    pipeline = pipelines.get(wanted.pipeline)
    if pipeline is None:
        raise PipelineNotFound(sorted(pipelines))
    if when_busy is not None:
        await holds.alone(connection, wanted.environment)
    if (earlier := await requests.answered(connection, identity, wanted)) is not None:
        return Started(earlier, again=True)
    occupant = await occupants.occupant(connection, wanted.environment) if when_busy is not None else None
    if occupant is not None and when_busy is WhenBusy.REFUSE:
        raise occupant.refusal(wanted.environment)
    deploy = await _begin(connection, pipeline, identity, wanted)
    if deploy is None:  # somebody else was faster with the same request
        return await start(connection, graphs, identity, wanted, when_busy, dispatch)
    waits = when_busy is not None and await holds.enter(connection, deploy, occupant)
    if dispatch is not None:
        await holds.expect(connection, deploy, dispatch, waits=waits)
    return Started(deploy, waits=waits)


async def _begin(
    connection: AsyncConnection, pipeline: Pipeline, identity: Identity, wanted: Start
) -> DeployRecord | None:
    """The deploy that was recorded; None where the same request has recorded one meanwhile."""
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
    if not await ledger.begin(connection, deploy):
        return None
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
