"""What a transition graph is: phases, statuses, transitions, and the one question asked of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from phaseline_schema.records import Source
from phaseline_schema.refusals import CallbackRefusal, IllegalTransition, StaleAttempt, UnknownStatus


class Outcome(StrEnum):
    """How a deploy stands as a whole. Everything but IN_PROGRESS is an end.

    ABANDONED: nobody will report on it any more, as a named person says.
    """

    IN_PROGRESS = "IN_PROGRESS"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    ABANDONED = "ABANDONED"


class PhaseState(StrEnum):
    """What the log says of one phase.

    NOT_REPORTED: a later phase has reported, or the deploy has ended, and this one never
    reported, or began and never said how it ended. It is never a way of saying passed.
    """

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    PASSED = "PASSED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    NOT_REPORTED = "NOT_REPORTED"


@dataclass(frozen=True, slots=True)
class Phase:
    """A step of the stepper. Its position is its place in the pipeline's row of phases."""

    key: str
    label: str


@dataclass(frozen=True, slots=True)
class Status:
    """What a workflow can report, and what that report asserts of the phases.

    `asserts` maps phase keys to the state that the report claims for them. An end asserts
    nothing by itself: where a callback reports it, it ends whichever phase is active, as its outcome says.
    """

    key: str
    label: str
    phase: str | None = None
    outcome: Outcome = Outcome.IN_PROGRESS
    asserts: Mapping[str, PhaseState] = field(default_factory=dict)


# Whose an edge is that belongs to no source alone.
_EVERYBODY = (Source.CALLBACK, Source.GITHUB)


@dataclass(frozen=True, slots=True)
class Transition:
    """An edge of the graph.

    `new_attempt`: it may be taken only by a higher attempt. `reported_by`: the source that alone may take it; None:
    callbacks and GitHub.
    """

    origin: str
    target: str
    why: str
    new_attempt: bool = False
    reported_by: Source | None = None

    def is_open_to(self, source: Source) -> bool:
        """Whether an entry of this source may take it, as its row says."""
        return source is self.reported_by if self.reported_by else source in _EVERYBODY


@dataclass(frozen=True)
class Pipeline:
    """A transition graph. `start` is the status that a deploy is given when it is started."""

    name: str
    start: str
    phases: tuple[Phase, ...]
    statuses: tuple[Status, ...]
    transitions: tuple[Transition, ...]

    @cached_property
    def positions(self) -> dict[str, int]:
        """The phases' places in stepper order, from 1, by key."""
        return {phase.key: place for place, phase in enumerate(self.phases, start=1)}

    @cached_property
    def by_key(self) -> dict[str, Status]:
        """The statuses by key."""
        return {status.key: status for status in self.statuses}

    @cached_property
    def edges(self) -> dict[tuple[str, str], Transition]:
        """The transitions by origin and target."""
        return {(edge.origin, edge.target): edge for edge in self.transitions}

    def following(self, origin: str, source: Source = Source.CALLBACK) -> list[str]:
        """Every status that some transition of this source leads to from `origin`, in the order of the rows."""
        return [edge.target for edge in self.transitions if edge.origin == origin and self.is_open(edge, source)]

    def is_open(self, edge: Transition, source: Source) -> bool:
        """Whether an entry of this source may take it: as its row says, or because it is a withdrawal.

        That one is an operator's where nothing was sent for the deploy, which the database sees to.
        """
        return edge.is_open_to(source) or (source is Source.OPERATOR and self.is_withdrawal(edge))

    def is_withdrawal(self, edge: Transition) -> bool:
        """Whether it leads from the start to the end of what was cancelled: as where nobody has begun anything."""
        return edge.origin == self.start and self.by_key[edge.target].outcome is Outcome.CANCELLED

    def ending(self, outcome: Outcome) -> str | None:
        """The key of the end with this outcome; None where the pipeline has none."""
        return next((status.key for status in self.statuses if status.outcome is outcome), None)

    def legal(
        self, *, origin: str, attempt: int, target: str, reported_attempt: int, source: Source = Source.CALLBACK
    ) -> Transition:
        """Return the transition that a report takes.

        The deploy stands at `origin` in `attempt`; the report asks for `target` in
        `reported_attempt`.

        Raises UnknownStatus, StaleAttempt or IllegalTransition.
        """
        if target not in self.by_key:
            raise UnknownStatus(origin, target, self._open_to(origin, attempt, reported_attempt, source), attempt)
        if reported_attempt < attempt:
            raise StaleAttempt(origin, target, attempt)
        edge = self.edges.get((origin, target))
        if edge is None or not self.is_open(edge, source) or (edge.new_attempt and reported_attempt == attempt):
            allowed = self._open_to(origin, attempt, reported_attempt, source)
            raise IllegalTransition(origin, target, allowed, attempt)
        return edge

    def refusal(
        self, *, origin: str, attempt: int, target: str, reported_attempt: int, source: Source = Source.CALLBACK
    ) -> CallbackRefusal | None:
        """Why there is no such transition for such a report, or None."""
        try:
            self.legal(origin=origin, attempt=attempt, target=target, reported_attempt=reported_attempt, source=source)
        except CallbackRefusal as refusal:
            return refusal
        return None

    def _open_to(self, origin: str, attempt: int, reported_attempt: int, source: Source) -> list[str]:
        """The statuses that a report of `reported_attempt` could have asked for."""
        if reported_attempt < attempt:
            return []
        return [
            edge.target
            for edge in self.transitions
            if edge.origin == origin
            and (reported_attempt > attempt or not edge.new_attempt)
            and self.is_open(edge, source)
        ]
