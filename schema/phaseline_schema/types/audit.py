"""What the check of a deploy's log comes to."""

from typing import Self

import strawberry
from strawberry import ID

from phaseline_schema.audit import findings
from phaseline_schema.types.enums import AuditFaultKind


@strawberry.type(description="The first thing in a log that does not hold. What comes after it proves nothing.")
class AuditFault:
    """A fault as callers see it."""

    sequence: int | None = strawberry.field(description="The sequence of the entry; null where it is none.")
    kind: AuditFaultKind = strawberry.field(description="What does not hold.")
    message: str = strawberry.field(description="The same in a sentence for people.")


@strawberry.type(
    description=(
        "The check of one deploy's log: that its entries are numbered without a gap, that every digest is that of its "
        "entry, that every entry follows from those before it, and that the deploy's row is what they make of it; then "
        "that the database has the graph and the guards of its revision."
    )
)
class AuditVerification:
    """What it has come to, at one moment."""

    deploy_id: ID = strawberry.field(description="The deploy's id.")
    valid: bool = strawberry.field(description="Whether everything holds.")
    entries: int = strawberry.field(description="How many entries were looked at.")
    head: str | None = strawberry.field(
        description="The digest of the newest entry as it is stored; null where there is none, or no digest."
    )
    fault: AuditFault | None = strawberry.field(description="The first thing that does not hold; null where all holds.")

    @classmethod
    def of(cls, found: findings.Verification) -> Self:
        """The GraphQL form of a check."""
        fault = found.fault
        return cls(
            deploy_id=ID(found.deploy_id),
            valid=found.valid,
            entries=found.entries,
            head=found.head,
            fault=None
            if fault is None
            else AuditFault(sequence=fault.sequence, kind=fault.kind, message=fault.message),
        )
