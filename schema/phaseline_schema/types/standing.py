"""How a deploy and each of its phases stand."""

from datetime import datetime

import strawberry

from phaseline_schema.types.enums import DeployOutcome, PhaseState


@strawberry.type(description="The status that a deploy was last reported to have.")
class DeployStatus:
    """A status with what may follow it."""

    key: str = strawberry.field(description="Its name for programs, such as `deploying`.")
    label: str = strawberry.field(description="Its name for people.")
    outcome: DeployOutcome = strawberry.field(description="How the deploy stands as a whole.")
    next: list[str] = strawberry.field(
        description=(
            "The statuses that may be reported next. Those after a failed or cancelled deploy are "
            "open to a higher attempt alone."
        )
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
