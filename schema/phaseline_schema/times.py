"""A point in time as text."""

from datetime import UTC, datetime


def rfc3339(value: datetime) -> str:
    """RFC 3339 in UTC, to the microsecond, as 2026-01-31T23:59:59.000000Z."""
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
