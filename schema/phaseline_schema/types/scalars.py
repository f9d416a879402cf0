"""The one scalar of our own."""

import re
from datetime import UTC, datetime
from typing import Any

import strawberry
from strawberry.types.scalar import ScalarDefinition

from phaseline_schema.times import rfc3339

# datetime.fromisoformat takes much more than this, a week or a trailing NUL for example.
_RFC_3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)


def parse(value: Any) -> datetime:
    """A time with an offset. Raises ValueError for anything else."""
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        raise ValueError("a DateTime is a string such as 2026-11-23T09:30:00Z, with its offset")
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("there is no such day or time within the years 1 to 9999") from None


DATE_TIME: ScalarDefinition = strawberry.scalar(
    name="DateTime",
    description="A point in time: RFC 3339, UTC, always with its offset.",
    serialize=rfc3339,
    parse_value=parse,
    specified_by_url="https://scalars.graphql.org/andimarek/date-time",
)
