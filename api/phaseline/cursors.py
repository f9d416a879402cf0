"""Cursors: opaque to callers, the sort key of a row to us."""

import base64
import binascii
import json
from datetime import UTC, datetime

from phaseline_schema.inputs import CURSOR, text
from phaseline_schema.refusals import BadUserInput


def encode(*key: str | int) -> str:
    """The cursor of the row with this sort key."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def decode_time_and_id(cursor: str) -> tuple[datetime, str]:
    """The sort key of a deploy. Raises BadUserInput for a cursor that we did not give out."""
    key = _decode(cursor)
    try:
        time, row_id = key
        if not isinstance(time, str) or not isinstance(row_id, str):
            raise ValueError
        at = datetime.fromisoformat(time)
        if at.tzinfo is None:
            raise ValueError
        return at.astimezone(UTC), text("after", row_id, CURSOR)
    except (ValueError, TypeError, OverflowError):
        raise _bad() from None


def decode_number(cursor: str, most: int) -> int:
    """The sort key of an audit entry, at most the highest that its column holds.

    Raises BadUserInput for a cursor that we did not give out.
    """
    key = _decode(cursor)
    if len(key) != 1 or type(key[0]) is not int or not 0 <= key[0] <= most:
        raise _bad()
    return key[0]


def _decode(cursor: str) -> list[object]:
    text("after", cursor, CURSOR)
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        key = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        raise _bad() from None
    if not isinstance(key, list):
        raise _bad()
    return key


def _bad() -> BadUserInput:
    return BadUserInput("after", "is not a cursor of this list")
