"""Who is calling, as the caller may see it."""

from datetime import datetime

import strawberry

from phaseline_schema.types.enums import Proof, Right, Role


@strawberry.type(description="Who is calling, and what it may do.")
class Identity:
    """The caller of this operation."""

    name: str = strawberry.field(description="What the log calls it: the actor of the entries that it causes.")
    role: Role | None = strawberry.field(description="What kind of caller it is; null where nothing is proven.")
    proof: Proof = strawberry.field(description="How it was proven.")
    rights: list[Right] = strawberry.field(description="What it may do.")
    environments: list[str] | None = strawberry.field(
        description="The environments that it may do it in; null: in all; empty: in none."
    )
    expires_at: datetime | None = strawberry.field(description="Until when the proof holds; null: until it is ended.")
