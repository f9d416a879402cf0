"""One deploy at a time: who has an environment to itself, who waits for it, and who is next.

A deploy is given its environment when it starts, or when the one before it has ended; it is taken from it in the
transaction that records its end, and handed on in the same. So nobody has to look after it, and no crash leaves an
environment with a deploy that has ended. One that has an end, and of which GitHub says that a later attempt goes on, is
in progress again as far as this goes (occupants.py).

Whoever changes any of this is alone with the environment (`alone`) until his transaction ends. Locks are taken in one
order everywhere, so that no two wait for each other: the row of the deploy that moves, its run (runs.py), the
environment, and then rows of `dispatches`, `environment_queue` and `environment_holds`. A transaction moves one
deploy. Nobody who is alone with an environment waits for the row of another deploy. That others of it are in progress
is only read, and goes on to be so: none comes to its end, or out of one, without being alone with it. And a row that
names another deploy can be written while that one is locked, because who moves a deploy locks its row with `FOR NO KEY
UPDATE`, which foreign keys do not wait for.
"""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import delete, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import occupants
from phaseline.databases import inserting
from phaseline.occupants import Occupant
from phaseline_schema.dispatches import UNSENT, Dispatch, DispatchState
from phaseline_schema.records import AuditKind, DeployRecord, EntryRecord, Source
from phaseline_schema.tables import dispatches, environment_holds, environment_queue

# Dispatches of which it is not known that a run was begun. A report of one settles that.
UNSETTLED = (*UNSENT, DispatchState.SENDING, DispatchState.UNCLEAR)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a deploy waits for, as it was read: its environment (`waits`), and its run, by the state of its dispatch.

    By now it may have come, so that there is nothing left to be changed; what is not waited for here never will be.
    """

    waits: bool = False
    dispatch: str | None = None

    @property
    def a_run(self) -> bool:
        """Whether it is not known that a run was begun."""
        return self.dispatch in UNSETTLED


NOTHING = Expected()


async def alone(connection: AsyncConnection, environment: str) -> None:
    """Wait for whoever changes who has this environment. On SQLite there is one writer as it is."""
    if connection.dialect.name == "postgresql":
        number = func.hashtextextended(f"environment {environment}", 0)
        await connection.execute(select(func.pg_advisory_xact_lock(number)))


async def enter(connection: AsyncConnection, deploy: DeployRecord, before: Occupant | None) -> bool:
    """Give a new deploy its environment, or the last place in the queue where somebody stands in the way: whether it
    has to wait. Whoever calls is alone with the environment, and has looked for `before` before he wrote the deploy."""
    if before is None:
        await _give(connection, deploy.environment, deploy.id, deploy.started_at)
        return False
    if before.since is None:
        await _give(connection, deploy.environment, before.deploy_id, deploy.started_at)
    columns = environment_queue.c
    last = select(func.coalesce(func.max(columns.place), 0)).where(columns.environment == deploy.environment)
    place = last.scalar_subquery() + 1
    await connection.execute(
        insert(environment_queue).values(deploy_id=deploy.id, environment=deploy.environment, place=place)
    )
    return True


async def expect(connection: AsyncConnection, deploy: DeployRecord, dispatch: Dispatch, *, waits: bool) -> None:
    """Note what GitHub is to be asked for, for a new deploy: at once, or when it no longer waits."""
    state = DispatchState.WAITING if waits else DispatchState.PENDING
    values = {"deploy_id": deploy.id, "state": state, "updated_at": deploy.started_at, **asdict(dispatch)}
    await connection.execute(insert(dispatches).values(values))


async def follow(
    connection: AsyncConnection, entry: EntryRecord, before: DeployRecord, after: DeployRecord, expected: Expected
) -> None:
    """Do what follows from an entry, in the transaction that has written it. From most of them nothing does."""
    has_ended = before.finished_at is None and after.finished_at is not None
    resumes = before.finished_at is not None and after.finished_at is None
    has_begun = (expected.waits or expected.a_run) and _tells_of_a_run(entry)
    # It has an end and keeps it: GitHub tells of a later attempt, which a callback may have to say something of yet.
    stays_ended = before.finished_at is not None and after.finished_at is not None
    begins_again = stays_ended and occupants.begins_again(entry, after)
    ends_again = stays_ended and occupants.is_over(entry)
    if not (has_ended or resumes or has_begun or begins_again or ends_again):
        return
    await alone(connection, after.environment)
    if has_begun:
        await _settle(connection, entry, DispatchState.SENT)
    elif has_ended and expected.a_run:
        await _settle(connection, entry, DispatchState.WITHDRAWN)
    if expected.waits:
        await connection.execute(delete(environment_queue).where(environment_queue.c.deploy_id == after.id))
    if resumes or begins_again:
        await _take(connection, after, entry.recorded_at)
    elif has_ended or (ends_again and not await occupants.goes_on(connection, after.id)):
        await _leave(connection, after, entry.recorded_at)


async def is_unsent(connection: AsyncConnection, deploy_id: str) -> bool:
    """Whether nothing was sent for a deploy, nor will be until the transaction ends: it waits for its environment, or
    for GitHub to be asked. Whoever calls has locked the deploy, and is alone with its environment."""
    state = select(dispatches.c.state).where(dispatches.c.deploy_id == deploy_id).with_for_update()
    found = (await connection.execute(state)).scalar_one_or_none()
    if found is not None:
        return found in UNSENT
    waiting = select(literal(1)).where(environment_queue.c.deploy_id == deploy_id)
    return (await connection.execute(waiting)).first() is not None


def _tells_of_a_run(entry: EntryRecord) -> bool:
    """Whether it shows that a run of the deploy was begun, be it by somebody's hand."""
    return entry.kind in (AuditKind.TRANSITION, AuditKind.RUN_REPORTED) and entry.source in (
        Source.CALLBACK,
        Source.GITHUB,
    )


async def _settle(connection: AsyncConnection, entry: EntryRecord, state: DispatchState) -> None:
    """Nothing is to be sent for the deploy any more: a run of it is known, or it has ended before there was one."""
    columns = dispatches.c
    due = UNSETTLED if state is DispatchState.SENT else UNSENT
    await connection.execute(
        update(dispatches)
        .where(columns.deploy_id == entry.deploy_id, columns.state.in_(due))
        .values(state=state, reason=None, updated_at=entry.recorded_at)
    )


async def _take(connection: AsyncConnection, deploy: DeployRecord, time: datetime) -> None:
    """A re-run takes its environment where that is free. Where it is not, it goes on beside the one that has it: it
    was begun elsewhere, and nobody is kept from telling of it."""
    given = inserting.insert(connection, environment_holds)
    given = given.values(environment=deploy.environment, deploy_id=deploy.id, since=time)
    await connection.execute(given.on_conflict_do_nothing())


async def _leave(connection: AsyncConnection, deploy: DeployRecord, time: datetime) -> None:
    """Take its environment from a deploy, if it has it, and hand it on: first to one that is in progress there as it
    is, then to the one that has waited longest."""
    taken = await connection.execute(delete(environment_holds).where(environment_holds.c.deploy_id == deploy.id))
    if taken.rowcount == 0:
        return
    beside = await occupants.occupant(connection, deploy.environment)
    if beside is not None:
        await _give(connection, deploy.environment, beside.deploy_id, time)
        return
    columns = environment_queue.c
    first = select(columns.deploy_id).where(columns.environment == deploy.environment).order_by(columns.place).limit(1)
    next_id = (await connection.execute(first)).scalar_one_or_none()
    if next_id is not None:
        await connection.execute(delete(environment_queue).where(columns.deploy_id == next_id))
        await _give(connection, deploy.environment, next_id, time)
        waiting = (dispatches.c.deploy_id == next_id, dispatches.c.state == DispatchState.WAITING)
        await connection.execute(
            update(dispatches).where(*waiting).values(state=DispatchState.PENDING, updated_at=time)
        )


async def _give(connection: AsyncConnection, environment: str, deploy_id: str, time: datetime) -> None:
    given = {"environment": environment, "deploy_id": deploy_id, "since": time}
    await connection.execute(insert(environment_holds).values(given))
