"""The fold: how a deploy stands, computed from its audit entries in order and from nothing else."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from phaseline_schema.pipeline import Outcome, PhaseState, Pipeline
from phaseline_schema.records import AuditKind, DeployRecord, EntryRecord, Source

# What an end says of the phase that was active when a callback reported it.
_ENDED = {
    Outcome.SUCCEEDED: PhaseState.PASSED,
    Outcome.FAILED: PhaseState.FAILED,
    Outcome.CANCELLED: PhaseState.CANCELLED,
}


# What an operator may ask GitHub for.
_REQUESTS = (AuditKind.CANCEL_REQUESTED, AuditKind.RERUN_REQUESTED)


@dataclass(frozen=True, slots=True)
class PhaseStanding:
    """How one phase stands.

    `attempt` is the attempt that reported it, None while nothing has. `started_at` and
    `finished_at` are the times of the entries that said so, and None where none did.
    """

    state: PhaseState = PhaseState.PENDING
    attempt: int | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


_PENDING = PhaseStanding()


@dataclass(frozen=True, slots=True)
class RunStanding:
    """What GitHub has last said of the workflow run: of which attempt of it, in its own words, and when."""

    id: str
    url: str | None
    attempt: int
    status: str
    conclusion: str | None
    reported_at: datetime


@dataclass(frozen=True, slots=True)
class RequestStanding:
    """What an operator has last asked GitHub for: to cancel the run, or to run again what has failed of it.

    `reason`: the operator's. `failure`: why GitHub has not done it, or cannot be said to have, and `failed_by` who says
    so: GitHub itself, or the console, which has not reached it, or does not know. Both None while that is open.
    """

    kind: AuditKind
    actor: str
    reason: str | None
    requested_at: datetime
    failure: str | None = None
    failed_by: Source | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a deploy stands after some entry: its row as it was then, its phases by key, the graph that says so, its run,
    None while GitHub has said nothing of it, and what an operator has asked GitHub for in this attempt, None where
    nothing is open."""

    deploy: DeployRecord
    phases: Mapping[str, PhaseStanding]
    pipeline: Pipeline
    run: RunStanding | None = None
    request: RequestStanding | None = None


def fold(pipeline: Pipeline, deploy: DeployRecord, entries: Iterable[EntryRecord]) -> Standing:
    """How a deploy stands after `entries`, its log from the first entry on.

    `deploy` gives what never changes (id, environment, ref …). Refusals may be left out of
    `entries`: they move nothing but `sequence`, and tell nothing of the run or of requests.
    """
    unmoved = replace(deploy, run_url=None)
    standing = Standing(unmoved, {phase.key: _PENDING for phase in pipeline.phases}, pipeline)
    for entry in entries:
        standing = advance(pipeline, standing, entry)
    return standing


def advance(pipeline: Pipeline, before: Standing, entry: EntryRecord) -> Standing:
    """How a deploy stands after one more entry."""
    phases = _phases_after(pipeline, before, entry) if entry.accepted else before.phases
    deploy = moved(pipeline, before.deploy, entry)
    return Standing(deploy, phases, pipeline, _run_after(before.run, entry), _request_after(before, deploy, entry))


def moved(pipeline: Pipeline, deploy: DeployRecord, entry: EntryRecord) -> DeployRecord:
    """The deploy's row after one more entry."""
    if not entry.accepted:
        return replace(deploy, sequence=entry.sequence, run_url=_page_after(deploy, entry))
    ended = pipeline.by_key[entry.to_status].outcome is not Outcome.IN_PROGRESS
    return replace(
        deploy,
        status=entry.to_status,
        attempt=entry.attempt,
        sequence=entry.sequence,
        updated_at=entry.recorded_at,
        finished_at=entry.recorded_at if ended else None,
        # A run's page is its attempt's own: an older one must not stand beside a newer attempt.
        run_url=entry.run_url or (deploy.run_url if entry.attempt == deploy.attempt else None),
    )


def _page_after(deploy: DeployRecord, entry: EntryRecord) -> str | None:
    """The run's page after an entry that moves nothing: GitHub tells it too, of the attempt that the deploy is in."""
    tells = entry.kind is AuditKind.RUN_REPORTED and entry.attempt == deploy.attempt
    return (entry.run_url if tells else None) or deploy.run_url


def _run_after(before: RunStanding | None, entry: EntryRecord) -> RunStanding | None:
    """What GitHub has last said of the run: of two attempts the later counts, whichever is told of last."""
    if entry.run_status is None or entry.run_id is None or (before and entry.attempt < before.attempt):
        return before
    return RunStanding(
        entry.run_id, entry.run_url, entry.attempt, entry.run_status, entry.run_conclusion, entry.recorded_at
    )


def _request_after(before: Standing, deploy: DeployRecord, entry: EntryRecord) -> RequestStanding | None:
    """What is open of an operator's requests: an end, or a new attempt, closes all that came before it."""
    if entry.kind in _REQUESTS:
        return RequestStanding(entry.kind, entry.actor, entry.message, entry.recorded_at)
    if entry.kind is AuditKind.REQUEST_FAILED and before.request is not None:
        return replace(before.request, failure=entry.message, failed_by=entry.known_source)
    is_over = entry.accepted and (deploy.finished_at is not None or deploy.attempt > before.deploy.attempt)
    return None if is_over else before.request


def _phases_after(pipeline: Pipeline, before: Standing, entry: EntryRecord) -> dict[str, PhaseStanding]:
    phases = dict(before.phases)
    if entry.attempt > before.deploy.attempt:
        phases = {key: _carried(phase) for key, phase in phases.items()}
    status = pipeline.by_key[entry.to_status]
    for key, state in status.asserts.items():
        phases[key] = _asserted(phases[key], state, entry, own=key == status.phase)
    if status.outcome is not Outcome.IN_PROGRESS:
        return {key: _ended(phase, status.outcome, entry) for key, phase in phases.items()}
    reached = max((pipeline.positions[key] for key in status.asserts), default=0)
    return {key: _overtaken(phase) if pipeline.positions[key] < reached else phase for key, phase in phases.items()}


def _carried(phase: PhaseStanding) -> PhaseStanding:
    """A phase as a new attempt finds it: passed stays passed, begun stays begun, all else is open again."""
    if phase.state is PhaseState.ACTIVE:  # the attempt that began it never said how it ended
        return replace(phase, state=PhaseState.NOT_REPORTED)
    return phase if phase.state is PhaseState.PASSED else _PENDING


def _asserted(phase: PhaseStanding, state: PhaseState, entry: EntryRecord, *, own: bool) -> PhaseStanding:
    """A phase after a report that asserts `state` of it; `own`: the report belongs to the phase."""
    same_attempt = phase.attempt == entry.attempt
    # Building, then deploying: active since the first. And a report that lies beyond a phase
    # which an earlier attempt has passed repeats what is known; it is no news of that phase.
    if phase.state is state and (same_attempt or not own):
        return phase
    if state is PhaseState.ACTIVE:
        return PhaseStanding(state, entry.attempt, started_at=entry.recorded_at)
    began = phase.started_at if same_attempt else None
    return PhaseStanding(state, entry.attempt, began, finished_at=entry.recorded_at)


def _ended(phase: PhaseStanding, outcome: Outcome, entry: EntryRecord) -> PhaseStanding:
    """A phase after the end of the deploy: the active one shares its outcome, where a callback tells it.

    What GitHub tells is an end of the run, and what an operator says one of the deploy: neither speaks of phases.
    """
    if phase.state is PhaseState.ACTIVE and entry.known_source is Source.CALLBACK:
        return replace(phase, state=_ENDED[outcome], finished_at=entry.recorded_at)
    return _overtaken(phase)


def _overtaken(phase: PhaseStanding) -> PhaseStanding:
    """A phase after a report from beyond it: what never said how it ended was not reported."""
    if phase.state in (PhaseState.PENDING, PhaseState.ACTIVE):
        return replace(phase, state=PhaseState.NOT_REPORTED)
    return phase
