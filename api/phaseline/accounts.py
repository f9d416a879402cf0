"""The verb for GitHub's account of a run: what is new in it is recorded, in whatever order it comes and however often.

The caller owns the transaction; nothing commits here. See docs/decisions/0015-githubs-account-of-a-run.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import history, ledger
from phaseline.graph import GraphCache
from phaseline_schema.phases import moved
from phaseline_schema.pipeline import Outcome, Pipeline
from phaseline_schema.records import AuditKind, DeployRecord, EntryRecord, RunReport, Source
from phaseline_schema.refusals import DeployNotFound

# How an attempt has ended, by GitHub's word for it. What is none of these moves nothing.
CONCLUSIONS = {
    "success": Outcome.SUCCEEDED,
    "cancelled": Outcome.CANCELLED,
    "failure": Outcome.FAILED,
    "timed_out": Outcome.FAILED,
    "startup_failure": Outcome.FAILED,
    "skipped": Outcome.FAILED,
    "stale": Outcome.FAILED,
    "action_required": Outcome.FAILED,
    "neutral": Outcome.FAILED,
}

_COMPLETED = "completed"

# Of a run that has not begun. GitHub sends them by itself when it makes the run, and never again.
_BEFORE_IT_BEGINS = ("requested", "queued", "pending", "waiting")

# As long as the columns are. GitHub has no such words, and what is cut short is none of those above.
_LONGEST = 32


class EarlierAttemptFirst(Exception):
    """A report says that an earlier attempt has ended, and the log does not say how: GitHub has to be asked for that
    one first. Nothing was written. `attempt` is the one to be asked for."""

    def __init__(self, attempt: int) -> None:
        super().__init__(f"attempt {attempt} has no end in the log")
        self.attempt = attempt


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a report is judged: how the deploy stands, along which graph, and what is known of its runs."""

    deploy: DeployRecord
    pipeline: Pipeline
    accounts: Sequence[EntryRecord]

    @property
    def has_ended(self) -> bool:
        """Whether the deploy has an end in the attempt that it is in."""
        return self.pipeline.by_key[self.deploy.status].outcome is not Outcome.IN_PROGRESS

    def of(self, attempt: int) -> list[EntryRecord]:
        """What GitHub has said of an attempt, oldest first."""
        return [account for account in self.accounts if account.attempt == attempt]

    def is_settled(self, attempt: int) -> bool:
        """Whether the log says that an attempt has ended, be it in a word that nobody knows, or in none."""
        if attempt == self.deploy.attempt and self.has_ended:
            return True
        return any(account.run_status == _COMPLETED for account in self.of(attempt))


async def run_status(connection: AsyncConnection, deploy_id: str) -> str | None:
    """How the deploy's run stands, as GitHub has last said; None while it has said nothing."""
    entries = (await history.folded_of(connection, [deploy_id]))[deploy_id]
    return next((entry.run_status for entry in reversed(entries) if entry.run_status is not None), None)


async def report(connection: AsyncConnection, graphs: GraphCache, deploy_id: str, told: RunReport) -> list[EntryRecord]:
    """Record what is new in GitHub's account of the deploy's run, and move the deploy where it has ended unreported.

    The caller has made sure that the run is the deploy's. The entries are those that were appended, oldest first; none
    where nothing is new. Raises DeployNotFound, WrongVersion and EarlierAttemptFirst.
    """
    deploy, revision = await history.locked(connection, deploy_id)
    if deploy is None:
        raise DeployNotFound
    pipeline = (await graphs.of(connection, revision))[deploy.pipeline]
    entries = (await history.folded_of(connection, [deploy_id]))[deploy_id]
    place = _Place(deploy, pipeline, [entry for entry in entries if entry.run_status is not None])
    told = _within_columns(told)
    if not _is_new(place, told):
        return []
    _require_earlier(place, told.attempt)
    end = _end(place, told)
    target = deploy.status if end is None else end
    following, _ = await ledger.next_place(connection, deploy, told.attempt, target)
    entry = EntryRecord(
        deploy_id=deploy.id,
        sequence=deploy.sequence + 1,
        kind=AuditKind.RUN_REPORTED if end is None else AuditKind.TRANSITION,
        pipeline=deploy.pipeline,
        environment=deploy.environment,
        from_status=deploy.status,
        to_status=target,
        attempt=told.attempt,
        actor=told.actor,
        recorded_at=following.time,
        run_id=told.run_id,
        run_url=told.run_url,
        source=Source.GITHUB,
        run_status=told.status,
        run_conclusion=told.conclusion,
    )
    return [await ledger.advance(connection, entry, following, deploy, moved(pipeline, deploy, entry))]


def _within_columns(told: RunReport) -> RunReport:
    """A conclusion belongs to what is completed; before that it is none."""
    conclusion = told.conclusion[:_LONGEST] if told.conclusion and told.status == _COMPLETED else None
    return replace(told, status=told.status[:_LONGEST], conclusion=conclusion)


def _is_new(place: _Place, told: RunReport) -> bool:
    """Whether the log does not hold it, nor anything further of the same attempt.

    Each conclusion is recorded once. Before the end a run may come back to a status that it had, as where its next job
    waits for people, so there a change of the last one is news: but not that it has not begun, where nobody has asked,
    because that was sent before whatever is known.
    """
    known = place.of(told.attempt)
    if told.attempt < place.deploy.attempt:
        return False
    if told.conclusion is not None:
        return told.conclusion not in {account.run_conclusion for account in known}
    if any(account.run_status == _COMPLETED for account in known):
        return False
    if known and not told.asked and told.status in _BEFORE_IT_BEGINS:
        return False
    return not known or known[-1].run_status != told.status


def _require_earlier(place: _Place, attempt: int) -> None:
    """Raises EarlierAttemptFirst."""
    for earlier in range(place.deploy.attempt, attempt):
        if not place.is_settled(earlier):
            raise EarlierAttemptFirst(earlier)


def _end(place: _Place, told: RunReport) -> str | None:
    """The end that the report leads to; None where it moves nothing: no attempt ends twice, and not every word is one
    that says how."""
    deploy, pipeline = place.deploy, place.pipeline
    outcome = CONCLUSIONS.get(told.conclusion or "")
    end = None if outcome is None else pipeline.ending(outcome)
    if end is None:
        return None
    refusal = pipeline.refusal(
        origin=deploy.status,
        attempt=deploy.attempt,
        target=end,
        reported_attempt=told.attempt,
        source=Source.GITHUB,
    )
    return end if refusal is None else None
