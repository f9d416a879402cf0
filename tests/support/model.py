"""What is legal and what the phases say, written from the design's prose and apart from the code.

Legality is told by kinds and ranks, not by rows; the phases are told from the whole of what was
accepted at once, and not entry by entry.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

START = "queued"
GATES = ("smoke_running", "smoke_passed", "freeze_checking", "freeze_passed")
_OUTCOMES = {"succeeded": "SUCCEEDED", "failed": "FAILED", "cancelled": "CANCELLED", "abandoned": "ABANDONED"}
ENDS = tuple(_OUTCOMES)
STATUSES = (START, *GATES, "building", "deploying", "health_checking", *ENDS)
OLDER = (START, "building", "deploying", "succeeded", "failed")
IN_TURN = (
    ("building", "deploying"),
    ("deploying", "health_checking"),
    ("deploying", "succeeded"),
    ("health_checking", "succeeded"),
)
PHASES = ("smoke_gate", "freeze_check", "deploy", "health_check")
PHASE_OF = {
    "smoke_running": "smoke_gate",
    "smoke_passed": "smoke_gate",
    "freeze_checking": "freeze_check",
    "freeze_passed": "freeze_check",
    "building": "deploy",
    "deploying": "deploy",
    "health_checking": "health_check",
}
PASSES = {
    "smoke_passed": "smoke_gate",
    "freeze_passed": "freeze_check",
    "health_checking": "deploy",
}

# Who may say that a deploy has moved. What GitHub says of a run ends it by one of these.
SOURCES = ("CALLBACK", "GITHUB", "OPERATOR", "CONSOLE")
RUN_ENDS = ("succeeded", "failed", "cancelled")

# Kinds of entries that move a deploy, and the others that are no refusals.
MOVES = ("DEPLOY_STARTED", "TRANSITION")
ASIDES = ("RUN_REPORTED", "DISPATCH_UNCLEAR", "CANCEL_REQUESTED", "RERUN_REQUESTED", "REQUEST_FAILED")

# How a callback is refused whose sender may not send it, wherever the deploy stands.
OF_THE_CALLER = ("UNAUTHENTICATED", "FORBIDDEN")

# An accepted report: its attempt and its status.
Report = tuple[int, str]


def is_legal(origin: str, attempt: int, target: str, reported_attempt: int, source: str = "CALLBACK") -> bool:
    """Whether a deploy at `origin` in `attempt` may take this report of this source."""
    if reported_attempt < attempt or origin in ("succeeded", "abandoned"):
        return False
    if source == "OPERATOR":  # who may also cancel what nobody has begun, which is more than a status tells
        return (target == "abandoned" and origin not in ENDS) or (target == "cancelled" and origin == START)
    if source == "GITHUB" and target in RUN_ENDS:
        return origin not in ENDS or reported_attempt > attempt
    if source not in ("CALLBACK", "GITHUB"):
        return False
    if origin in ENDS:
        re_runs = (*GATES, "building", "health_checking")
        return target in re_runs and reported_attempt > attempt
    if target in ("failed", "cancelled"):
        return True
    if origin == START:
        return target in (*GATES, "building")
    if origin in GATES:
        later = GATES[GATES.index(origin) + 1 :]
        return target in (*later, "building")
    return (origin, target) in IN_TURN


def outcome(status: str) -> str:
    """What a deploy has come to that stands at this status."""
    return _OUTCOMES.get(status, "IN_PROGRESS")


def open_to(origin: str, attempt: int, reported_attempt: int, source: str = "CALLBACK") -> set[str]:
    """The statuses that a report of this attempt and source may have."""
    return {target for target in STATUSES if is_legal(origin, attempt, target, reported_attempt, source)}


def refusal(origin: str, attempt: int, target: str, reported_attempt: int) -> str | None:
    """The code of the refusal that this report gets from a deploy at `origin` in `attempt`; None where it is legal."""
    if target not in STATUSES:
        return "UNKNOWN_STATUS"
    if reported_attempt < attempt:
        return "STALE_ATTEMPT"
    return None if is_legal(origin, attempt, target, reported_attempt) else "ILLEGAL_TRANSITION"


def older_refusal(origin: str, attempt: int, target: str, reported_attempt: int) -> str | None:
    """The same along the older graph: it has no gates, no health check and no cancellation, and its ends are final.

    What an operator alone may say is in it: tests make it of the rows of today.
    """
    if target not in (*OLDER, "abandoned"):
        return "UNKNOWN_STATUS"
    if origin in ENDS and reported_attempt >= attempt:
        return "ILLEGAL_TRANSITION"
    return refusal(origin, attempt, target, reported_attempt)


@dataclass(frozen=True)
class PhaseTold:
    """What was told of a phase, and by which attempt."""

    state: str
    attempt: int | None = None


def phases(reports: Sequence[Report], silent: Collection[int] = ()) -> dict[str, PhaseTold]:
    """The phases after these accepted reports. `silent`: attempts whose end no callback told, so that it says nothing
    of any phase."""
    return {phase: _phase(phase, reports, silent) for phase in PHASES}


def times(reports: Sequence[Report], silent: Collection[int] = ()) -> dict[str, tuple[int | None, int | None]]:
    """Which of these reports said that a phase began, and which that it ended; None where none did."""
    return {phase: _times(phase, told, reports) for phase, told in phases(reports, silent).items()}


def _times(phase: str, told: PhaseTold, reports: Sequence[Report]) -> tuple[int | None, int | None]:
    statuses = [(place, status) for place, (attempt, status) in enumerate(reports) if attempt == told.attempt]
    own = (place for place, status in statuses if PHASE_OF.get(status) == phase and PASSES.get(status) != phase)
    ends = (place for place, status in statuses if PASSES.get(status) == phase or status in ENDS)
    has_ended = told.state in ("PASSED", "FAILED", "CANCELLED")
    return next(own, None), next(ends, None) if has_ended else None


def _phase(phase: str, reports: Sequence[Report], silent: Collection[int]) -> PhaseTold:
    standing = None
    for attempt in sorted({attempt for attempt, _ in reports}):
        told = _told(phase, [status for number, status in reports if number == attempt], attempt in silent)
        passed_before = standing is not None and standing.state == "PASSED"
        if told == "PASSED BY THE WAY":
            told = None if passed_before else "PASSED"
        if told is not None:
            standing = PhaseTold(told, attempt)
        elif standing is not None and standing.state == "ACTIVE":
            standing = PhaseTold("NOT_REPORTED", standing.attempt)
        elif not passed_before:
            standing = None
    if standing is not None:
        return standing
    newest = max((attempt for attempt, _ in reports), default=1)
    statuses = [status for number, status in reports if number == newest]
    left_behind = _is_ended(statuses) or any(_is_beyond(status, phase) for status in statuses)
    return PhaseTold("NOT_REPORTED" if left_behind else "PENDING")


def _told(phase: str, statuses: list[str], is_silent: bool) -> str | None:
    """What one attempt told of a phase; None where it said nothing of it."""
    own = [status for status in statuses if PHASE_OF.get(status) == phase]
    if any(PASSES.get(status) == phase for status in statuses):
        return "PASSED" if own else "PASSED BY THE WAY"
    if not own:
        return None
    on_the_way = [status for status in statuses if status not in ENDS]
    if on_the_way[-1] != own[-1]:
        return "NOT_REPORTED"
    if not _is_ended(statuses):
        return "ACTIVE"
    if is_silent:
        return "NOT_REPORTED"
    return {"succeeded": "PASSED", "failed": "FAILED", "cancelled": "CANCELLED"}[statuses[-1]]


def _is_ended(statuses: Iterable[str]) -> bool:
    return any(status in ENDS for status in statuses)


def _is_beyond(status: str, phase: str) -> bool:
    return status in PHASE_OF and PHASES.index(PHASE_OF[status]) > PHASES.index(phase)
