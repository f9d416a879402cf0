"""What an operator asks GitHub for, as it is recorded before GitHub is asked, and what is recorded where that fails.

The caller owns the transaction, and asks GitHub after it.
"""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import holds, occupants, steering
from phaseline.accounting import whose
from phaseline.accounting.whose import KnownRun, Where
from phaseline.dispatching import outbox, outcomes
from phaseline.github.errors import GitHubError, NotAllowed, Refused
from phaseline.github.wording import line
from phaseline.graph import GraphCache
from phaseline.identity import Identity
from phaseline.steering import Steered, Subject
from phaseline_schema.dispatches import DispatchState
from phaseline_schema.pipeline import Outcome
from phaseline_schema.records import AuditKind, Source
from phaseline_schema.refusals import NotPossibleNow

# Why there is no run to ask for, by what has become of asking for one.
_NO_RUN = {
    DispatchState.SENDING: "GitHub is just being asked for its run; try again in a moment",
    DispatchState.UNCLEAR: "it is not known whether GitHub has begun a run for it; it is being looked for",
    DispatchState.SENT: "GitHub has begun a run for it, and has not said which; it is being looked for",
}

# How a run has ended that can be run again.
_AGAIN = (Outcome.FAILED, Outcome.CANCELLED)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was recorded. `run`: what GitHub is to be asked about; None where it has to be asked for nothing.
    `was_cancelled`: whether the deploy stands as such."""

    steered: Steered
    run: KnownRun | None
    was_cancelled: bool = False


async def cancel(
    connection: AsyncConnection,
    graphs: GraphCache,
    where: Where,
    identity: Identity,
    deploy_id: str,
    reason: str,
    only_unsent: bool = False,
) -> Asked:
    """End a deploy for which nothing was sent, or record that its run is to be cancelled; `only_unsent`: the former or
    nothing.

    Raises DeployNotFound, WrongVersion, Forbidden and NotPossibleNow.
    """
    withdrawn = await steering.withdraw(connection, graphs, identity, deploy_id, reason)
    if withdrawn is not None:
        return Asked(withdrawn, None)
    about = await steering.subject(connection, graphs, identity, deploy_id)
    if only_unsent:
        raise NotPossibleNow("GitHub has been asked for a run of it meanwhile", about.deploy.status)
    run = await _run(connection, where, about)
    return Asked(await _asked(connection, about, AuditKind.CANCEL_REQUESTED, identity, reason), run)


async def rerun(
    connection: AsyncConnection, graphs: GraphCache, where: Where, identity: Identity, deploy_id: str, reason: str
) -> Asked:
    """Record that what has failed of its run is to be run again. Raises EnvironmentBusy, and what `cancel` raises."""
    about = await steering.subject(connection, graphs, identity, deploy_id)
    deploy = about.deploy
    outcome = about.pipeline.by_key[deploy.status].outcome
    if outcome not in _AGAIN:
        problem = "only a deploy that has failed, or was cancelled, can be run again"
        raise NotPossibleNow(problem, deploy.status)
    run = await _run(connection, where, about)
    await holds.alone(connection, deploy.environment)
    occupant = await occupants.occupant(connection, deploy.environment)
    if await occupants.goes_on(connection, deploy.id):
        raise NotPossibleNow("its run goes on already, as GitHub has last said", deploy.status)
    if occupant is not None:
        raise occupant.refusal(deploy.environment)
    asked = await _asked(connection, about, AuditKind.RERUN_REQUESTED, identity, reason)
    return Asked(asked, run, outcome is Outcome.CANCELLED)


async def failed(
    connection: AsyncConnection, graphs: GraphCache, identity: Identity, run: KnownRun, error: GitHubError
) -> Steered:
    """Record why GitHub has not done what it was asked for, or that this is not known."""
    about = await steering.subject(connection, graphs, identity, run.deploy_id)
    by_github = isinstance(error, Refused | NotAllowed)
    source = Source.GITHUB if by_github else Source.CONSOLE
    actor = outcomes.of_github(run.repository) if by_github else outcomes.CONSOLE
    return await steering.note(connection, about, AuditKind.REQUEST_FAILED, source, actor, line(str(error)))


async def _asked(
    connection: AsyncConnection, about: Subject, kind: AuditKind, identity: Identity, reason: str
) -> Steered:
    return await steering.note(connection, about, kind, Source.OPERATOR, identity.name, reason)


async def _run(connection: AsyncConnection, where: Where, about: Subject) -> KnownRun:
    """The deploy's run. Raises NotPossibleNow where none is known that GitHub could be asked about."""
    deploy = about.deploy
    if deploy.environment not in where.repositories:
        raise NotPossibleNow("this server asks GitHub for nothing of its environment", deploy.status)
    known = await whose.of_deploys(connection, where, [deploy.id])
    if known and known[0].run_id.isascii() and known[0].run_id.isdecimal():
        return known[0]
    if known:
        raise NotPossibleNow("it is run by another system than GitHub", deploy.status)
    dispatch = (await outbox.of_deploys(connection, [deploy.id])).get(deploy.id)
    unknown = "no run of it is known" if dispatch is None else _NO_RUN.get(dispatch.state, "no run of it is known")
    raise NotPossibleNow(unknown, deploy.status)
