"""The one scalar of our own."""

from datetime import UTC, datetime
from typing import Any

import strawberry
from strawberry.types.scalar import ScalarDefinition


def serialize(value: datetime) -> str:
    """RFC 3339 in UTC, to the microsecond."""
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse(value: Any) -> datetime:
    """A time with an offset. Raises ValueError for anything else."""
    if not isinstance(value, str) or "T" not in value.upper():
        raise ValueError("a DateTime is a string such as 2026-11-23T09:30:00Z")
    try:
        parsed = datetime.fromisoformat(value)
        if parsed.tzinfo is None:
            raise ValueError("a DateTime needs an offset, such as Z or +02:00")
        return parsed.astimezone(UTC)
    except OverflowError:
        raise ValueError("a DateTime must lie within the years 1 to 9999") from None


DATE_TIME: ScalarDefinition = strawberry.scalar(
    name="DateTime",
    description="A point in time: RFC 3339, UTC, always with its offset.",
    serialize=serialize,
    parse_value=parse,
    specified_by_url="https://scalars.graphql.org/andimarek/date-time",
)
