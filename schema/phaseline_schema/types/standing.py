"""How a deploy and each of its phases stand."""

from datetime import datetime
from typing import Self

import strawberry
from strawberry import ID

from phaseline_schema.phases import RequestStanding, RunStanding
from phaseline_schema.types.enums import AuditKind, DeployOutcome, EntrySource, PhaseState


@strawberry.type(description="The status that a deploy was last reported to have.")
class DeployStatus:
    """A status with what may follow it."""

    key: str = strawberry.field(description="Its name for programs, such as `deploying`.")
    label: str = strawberry.field(description="Its name for people.")
    outcome: DeployOutcome = strawberry.field(description="How the deploy stands as a whole.")
    next: list[str] = strawberry.field(
        description=(
            "The statuses that a callback may report next. Those after a failed or cancelled deploy are "
            "open to a higher attempt alone."
        )
    )


@strawberry.type(description="What GitHub has last said of the deploy's workflow run. It says nothing of phases.")
class Run:
    """A run as GitHub tells it."""

    id: ID = strawberry.field(description="GitHub's run_id.")
    url: str | None = strawberry.field(description="The page of the run, or of this attempt of it.")
    attempt: int = strawberry.field(description="The attempt it speaks of, which may be later than the deploy's.")
    status: str = strawberry.field(
        description=(
            "GitHub's own word, such as `queued`, `waiting`, `in_progress` or `completed`; `not_found` where it says "
            "that there is no such run any more."
        )
    )
    conclusion: str | None = strawberry.field(
        description="GitHub's own word for how the attempt has ended, such as `timed_out`; null until then."
    )
    reported_at: datetime = strawberry.field(description="When it was recorded.")

    @classmethod
    def of(cls, run: RunStanding) -> Self:
        """The GraphQL form of a run."""
        return cls(
            id=ID(run.id),
            url=run.url,
            attempt=run.attempt,
            status=run.status,
            conclusion=run.conclusion,
            reported_at=run.reported_at,
        )


@strawberry.type(
    description="What an operator has last asked GitHub for. Nothing has come of it as long as it is shown."
)
class OperatorRequest:
    """A request that is open, or has failed."""

    kind: AuditKind = strawberry.field(description="CANCEL_REQUESTED or RERUN_REQUESTED.")
    actor: str = strawberry.field(description="Who has asked.")
    reason: str | None = strawberry.field(description="Why, in the operator's words.")
    requested_at: datetime = strawberry.field(description="When it was recorded.")
    failure: str | None = strawberry.field(
        description=(
            "Why GitHub has not done it, or that it is not known whether it has; null as long as nobody has said so."
        )
    )
    failed_by: EntrySource | None = strawberry.field(
        description=(
            "Who says so: GITHUB, which has refused it, so that nothing was done; or CONSOLE, which has not reached "
            "GitHub, or does not know what it has made of it. Null while `failure` is."
        )
    )

    @classmethod
    def of(cls, request: RequestStanding) -> Self:
        """The GraphQL form of a request."""
        return cls(
            kind=request.kind,
            actor=request.actor,
            reason=request.reason,
            requested_at=request.requested_at,
            failure=request.failure,
            failed_by=request.failed_by,
        )


@strawberry.type(description="A step of the stepper, as the deploy's accepted callbacks tell it.")
class Phase:
    """A phase of the pipeline with its standing."""

    key: str = strawberry.field(description="The phase's key, such as `smoke_gate`.")
    label: str = strawberry.field(description="Its name for people, such as `Smoke gate`.")
    position: int = strawberry.field(description="Its place in stepper order, from 1.")
    state: PhaseState = strawberry.field(description="What the log says of it.")
    attempt: int | None = strawberry.field(description="The attempt that reported it; null while nothing has.")
    started_at: datetime | None = strawberry.field(
        description="When its beginning was recorded; null where it was not reported."
    )
    finished_at: datetime | None = strawberry.field(
        description="When its end was recorded; null where it was not reported."
    )
