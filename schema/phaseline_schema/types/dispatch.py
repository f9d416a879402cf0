"""What has become of asking GitHub for a deploy's run, as callers see it."""

from datetime import datetime
from typing import Annotated, Self

import strawberry

from phaseline_schema import dispatches

DispatchState = Annotated[
    dispatches.DispatchState,
    strawberry.enum(
        name="DispatchState",
        description=(
            "How far asking GitHub for the run has come. WAITING: the deploy waits for its environment. PENDING: it is "
            "asked for as soon as may be. SENDING: it is being asked for. SENT: GitHub has taken it. UNCLEAR: it was "
            "asked for, and it is not known whether GitHub has taken it; it is looked for, and never asked for again. "
            "REFUSED: GitHub has said no. WITHDRAWN: the deploy ended before it was asked for."
        ),
    ),
]


@strawberry.type(description="What has become of asking GitHub for the deploy's run. It is no part of the log.")
class Dispatch:
    """A dispatch."""

    state: DispatchState = strawberry.field(description="How far it has come.")
    reason: str | None = strawberry.field(
        description="Why it stands so: GitHub's reason, or what keeps it from being asked for; null where nothing does."
    )
    ref: str = strawberry.field(description="The ref that the workflow's file is of, such as `refs/heads/main`.")
    run_id: str | None = strawberry.field(description="GitHub's run_id; null while it is not known.")
    updated_at: datetime = strawberry.field(description="When it came to stand so.")

    @classmethod
    def of(cls, record: dispatches.DispatchRecord) -> Self:
        """The GraphQL form of a dispatch."""
        return cls(
            state=record.state,
            reason=record.reason,
            ref=record.ref,
            run_id=record.run_id,
            updated_at=record.updated_at,
        )
