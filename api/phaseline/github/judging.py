"""What an answer that is not the one hoped for means: exactly one of the errors.

GitHub uses 403 for four things: a used-up limit, a missing permission, a rule of the organisation's, and "this cannot
be done now". The headers tell the first; of the others the words do.
"""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from phaseline.github import wording
from phaseline.github.errors import GitHubError, Limited, NotAllowed, Refused, Unclear

# How long to wait where GitHub says that it was too much and not until when.
UNSAID = timedelta(seconds=60)
# No limit of GitHub's lasts for longer than an hour: whatever says so is wrong, and is not to stop phaseline for years.
LONGEST = timedelta(hours=2)

# The words for a credential that may not: everything else that is answered 403 is a refusal of what was asked for.
_OF_RIGHTS = ("not accessible by", "must have", "admin rights", "saml", "ip allow list", "permission", "suspended")


def judged(
    status: int,
    headers: Mapping[str, str],
    content: bytes,
    *,
    permission: str,
    now: datetime,
    secrets: tuple[str, ...] = (),
) -> GitHubError | None:
    """What this answer is; None where it is one of success, or of nothing new (304).

    `headers`: by their names in small letters. `permission`: what the request needs, where GitHub does not say it.
    """
    if status in (200, 201, 202, 204, 304):
        return None
    if not 300 <= status < 500 or status == 408:
        return Unclear(f"it has answered with HTTP {status}")
    body = _decoded(content)
    reason = wording.line(wording.reason(body, status), secrets)
    until = limited(status, headers, reason, now)
    if until is not None:
        return Limited(until)
    if status == 401:
        return NotAllowed(f"GitHub does not accept the credential: {reason}", status)
    if status == 403 and any(words in reason.lower() for words in _OF_RIGHTS):
        return NotAllowed(f"GitHub does not allow it: {reason}; needed: {_needed(headers, permission)}", status)
    return Refused(reason, status)


def limited(status: int, headers: Mapping[str, str], reason: str, now: datetime) -> datetime | None:
    """Until when nothing may be asked for, in the order that GitHub documents; None where this is no limit."""
    if status not in (403, 429):
        return None
    after = _retry_after(headers.get("retry-after"), now)
    if after is not None:
        return after
    if headers.get("x-ratelimit-remaining", "").strip() == "0":
        return _reset(headers.get("x-ratelimit-reset"), now)
    if status == 429 or "rate limit" in reason.lower() or "abuse detection" in reason.lower():
        return now + UNSAID
    return None


def _retry_after(value: str | None, now: datetime) -> datetime | None:
    """GitHub sends seconds; what stands between may send a date."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value).astimezone(UTC) - now).total_seconds()
        except (ValueError, OverflowError):
            return None
    return _soon(seconds, now)


def _reset(value: str | None, now: datetime) -> datetime:
    """Seconds since 1970."""
    try:
        return _soon(float(value or "") - now.timestamp(), now)
    except ValueError:
        return now + UNSAID


def _soon(seconds: float, now: datetime) -> datetime:
    if not math.isfinite(seconds):
        return now + UNSAID
    return now + timedelta(seconds=min(max(seconds, 0.0), LONGEST.total_seconds()))


def _needed(headers: Mapping[str, str], permission: str) -> str:
    """GitHub's own word for it, such as actions=write, or ours."""
    said = headers.get("x-accepted-github-permissions")
    return wording.line(said) if said else permission


def _decoded(content: bytes) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None
