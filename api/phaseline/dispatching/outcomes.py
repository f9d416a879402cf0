"""What has come of asking GitHub for a run, in a transaction of the caller's: the row, and what the log has of it."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import history, holds, steering
from phaseline.dispatching import outbox
from phaseline.graph import GraphCache
from phaseline.steering import Steered, Subject
from phaseline_schema.dispatches import DispatchRecord, DispatchState
from phaseline_schema.pipeline import Outcome
from phaseline_schema.records import AuditKind, Source
from phaseline_schema.refusals import DeployNotFound

# What the log calls this server itself.
CONSOLE = "phaseline"

_NOBODY_KNOWS = "the server that asked GitHub for the run ended before it knew what came of it"


async def put_off(connection: AsyncConnection, graphs: GraphCache, dispatch: DispatchRecord, reason: str) -> None:
    """Nothing was sent; it is to be sent later, unless the deploy has ended meanwhile."""
    deploy = (await _subject(connection, graphs, dispatch)).deploy
    state = DispatchState.PENDING if deploy.finished_at is None else DispatchState.WITHDRAWN
    await outbox.settle(connection, deploy.id, state, reason)


async def refused(
    connection: AsyncConnection, graphs: GraphCache, dispatch: DispatchRecord, reason: str
) -> Steered | None:
    """GitHub will not begin the run, so the deploy has failed; None where it has moved on without that."""
    about = await _subject(connection, graphs, dispatch)
    await holds.alone(connection, about.deploy.environment)
    if not await outbox.settle(connection, dispatch.deploy_id, DispatchState.REFUSED, reason):
        return None
    end = about.pipeline.ending(Outcome.FAILED)
    if end is None or about.deploy.status != about.pipeline.start:
        return None
    said = AuditKind.TRANSITION, Source.GITHUB, of_github(dispatch.repository), reason
    return await steering.record(connection, about, *said, end)


async def unclear(
    connection: AsyncConnection, graphs: GraphCache, dispatch: DispatchRecord, reason: str
) -> Steered | None:
    """It was sent, and whether GitHub has begun the run is not known; None where somebody has told meanwhile."""
    return await _lost(connection, graphs, dispatch, reason, None)


async def forgotten(connection: AsyncConnection, graphs: GraphCache, dispatch: DispatchRecord) -> Steered | None:
    """The same, where whoever has sent it is not heard of any more; None where it stands otherwise by now."""
    return await _lost(connection, graphs, dispatch, _NOBODY_KNOWS, dispatch.updated_at)


def of_github(repository: str) -> str:
    """What the log calls GitHub, where it says something of a repository."""
    return f"github:{repository}"


async def _lost(
    connection: AsyncConnection, graphs: GraphCache, dispatch: DispatchRecord, reason: str, since: datetime | None
) -> Steered | None:
    about = await _subject(connection, graphs, dispatch)
    if not await outbox.settle(connection, dispatch.deploy_id, DispatchState.UNCLEAR, reason, since):
        return None
    return await steering.note(connection, about, AuditKind.DISPATCH_UNCLEAR, Source.CONSOLE, CONSOLE, reason)


async def _subject(connection: AsyncConnection, graphs: GraphCache, dispatch: DispatchRecord) -> Subject:
    """The deploy, locked, and its graph. Raises DeployNotFound and WrongVersion."""
    deploy, revision = await history.locked(connection, dispatch.deploy_id)
    if deploy is None:
        raise DeployNotFound
    return Subject(deploy, (await graphs.of(connection, revision))[deploy.pipeline])
