"""The verbs of an operator who has something to say of a deploy that there is. The caller owns the transaction.

What GitHub has to be asked for is only recorded here: nothing in a transaction waits for it.
"""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import history, holds, ledger
from phaseline.graph import GraphCache
from phaseline.identity import Identity
from phaseline_schema.phases import moved
from phaseline_schema.pipeline import Outcome, Pipeline
from phaseline_schema.records import AuditKind, DeployRecord, EntryRecord, Source
from phaseline_schema.refusals import DeployNotFound, NotPossibleNow


@dataclass(frozen=True, slots=True)
class Subject:
    """The deploy that an operator has something to say of, its row locked, and the graph that it follows."""

    deploy: DeployRecord
    pipeline: Pipeline

    @property
    def is_in_progress(self) -> bool:
        """Whether it stands at no end."""
        return self.pipeline.by_key[self.deploy.status].outcome is Outcome.IN_PROGRESS


@dataclass(frozen=True, slots=True)
class Steered:
    """What an operator has done: the deploy as it stands then, the graph, and the entry that says so."""

    deploy: DeployRecord
    pipeline: Pipeline
    entry: EntryRecord


async def subject(connection: AsyncConnection, graphs: GraphCache, identity: Identity, deploy_id: str) -> Subject:
    """The deploy, if this caller may steer it. Raises DeployNotFound, WrongVersion and Forbidden."""
    deploy, revision = await history.locked(connection, deploy_id)
    if deploy is None:
        raise DeployNotFound
    if denied := identity.scope.refusal(deploy.environment):
        raise denied
    return Subject(deploy, (await graphs.of(connection, revision))[deploy.pipeline])


async def abandon(
    connection: AsyncConnection, graphs: GraphCache, identity: Identity, deploy_id: str, reason: str
) -> Steered:
    """End a deploy that nobody will report on any more. Raises NotPossibleNow, and what `subject` raises."""
    about = await subject(connection, graphs, identity, deploy_id)
    ended = await _end(connection, about, Outcome.ABANDONED, identity, reason)
    if ended is None:
        raise NotPossibleNow("the deploy has ended, and can no longer be abandoned", about.deploy.status)
    return ended


async def withdraw(
    connection: AsyncConnection, graphs: GraphCache, identity: Identity, deploy_id: str, reason: str
) -> Steered | None:
    """Cancel a deploy for which nothing was sent: nor will be, from then on.

    None where something was sent, or may have been, so that GitHub has to be asked; nothing is written then. Raises
    NotPossibleNow where it has ended, and what `subject` raises.
    """
    about = await subject(connection, graphs, identity, deploy_id)
    if not about.is_in_progress:
        raise NotPossibleNow("the deploy has ended, and can no longer be cancelled", about.deploy.status)
    await holds.alone(connection, about.deploy.environment)
    if not await holds.is_unsent(connection, deploy_id):
        return None
    return await _end(connection, about, Outcome.CANCELLED, identity, reason)


async def note(
    connection: AsyncConnection, about: Subject, kind: AuditKind, source: Source, actor: str, message: str
) -> Steered:
    """Record what moves nothing: what an operator has asked GitHub for, or what has become of that."""
    return await record(connection, about, kind, source, actor, message, about.deploy.status)


async def _end(
    connection: AsyncConnection, about: Subject, outcome: Outcome, identity: Identity, reason: str
) -> Steered | None:
    """None where the graph has no such way for an operator."""
    deploy, end = about.deploy, about.pipeline.ending(outcome)
    if end is None:
        return None
    refusal = about.pipeline.refusal(
        origin=deploy.status,
        attempt=deploy.attempt,
        target=end,
        reported_attempt=deploy.attempt,
        source=Source.OPERATOR,
    )
    if refusal is not None:
        return None
    return await record(connection, about, AuditKind.TRANSITION, Source.OPERATOR, identity.name, reason, end)


async def record(
    connection: AsyncConnection,
    about: Subject,
    kind: AuditKind,
    source: Source,
    actor: str,
    message: str,
    target: str,
) -> Steered:
    """Append an entry of the attempt that the deploy is in. `target`: the status after it."""
    deploy, pipeline = about.deploy, about.pipeline
    place, _ = await ledger.next_place(connection, deploy, deploy.attempt, target)
    entry = EntryRecord(
        deploy_id=deploy.id,
        sequence=deploy.sequence + 1,
        kind=kind,
        pipeline=deploy.pipeline,
        environment=deploy.environment,
        from_status=deploy.status,
        to_status=target,
        attempt=deploy.attempt,
        actor=actor,
        recorded_at=place.time,
        message=message,
        source=source,
    )
    after = moved(pipeline, deploy, entry)
    return Steered(after, pipeline, await ledger.advance(connection, entry, place, deploy, after))
