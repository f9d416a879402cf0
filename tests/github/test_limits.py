"""What an answer means: limits by their headers, in the order that GitHub documents, and then the words."""

from datetime import UTC, datetime, timedelta

import pytest

from phaseline.github.errors import LONGEST, GitHubError, Limited, NotAllowed, Refused, Unclear
from phaseline.github.judging import judged

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
SECONDARY = b'{"message": "You have exceeded a secondary rate limit."}'


def of(status: int, content: bytes = b"{}", **headers: str) -> GitHubError | None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return judged(status, named, content, permission="Actions: write", now=NOW)


def reset(seconds: float) -> str:
    return str(int(NOW.timestamp() + seconds))


USED_UP = {"x_ratelimit_remaining": "0", "x_ratelimit_reset": reset(900)}


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize(
    ("headers", "content", "seconds"),
    [
        ({"retry_after": "30"}, b"", 30),
        ({"retry_after": "30", **USED_UP}, b"", 30),
        ({"retry_after": "Sun, 29 Nov 2026 12:01:30 GMT"}, b"", 90),
        ({"retry_after": "soon", **USED_UP}, b"", 900),
        ({"retry_after": "-5"}, b"", 0),
        ({"retry_after": "99999999"}, b"", 7200),
        ({"retry_after": "nan"}, b"", 60),
        (USED_UP, b"", 900),
        (USED_UP, SECONDARY, 900),
        ({"x_ratelimit_remaining": "0", "x_ratelimit_reset": "soon"}, b"", 60),
        ({"x_ratelimit_remaining": "0"}, b"", 60),
        ({"x_ratelimit_remaining": "0", "x_ratelimit_reset": reset(-10)}, b"", 0),
        ({"x_ratelimit_remaining": "0", "x_ratelimit_reset": "1e300"}, b"", 7200),
        ({"x_ratelimit_remaining": "17", "x_ratelimit_reset": reset(900)}, SECONDARY, 60),
        ({}, SECONDARY, 60),
        ({}, b'{"message": "You have triggered an abuse detection mechanism."}', 60),
    ],
)
def test_a_limit_lasts_until_its_headers_say(
    status: int, headers: dict[str, str], content: bytes, seconds: float
) -> None:
    limited = of(status, content, **headers)
    assert isinstance(limited, Limited)
    assert limited.until == NOW + timedelta(seconds=seconds)


def test_429_is_a_limit_whatever_it_says() -> None:
    limited = of(429)
    assert isinstance(limited, Limited)
    assert limited.until == NOW + timedelta(seconds=60)


@pytest.mark.parametrize(
    "message",
    [
        "Resource not accessible by integration",
        "Resource not accessible by personal access token",
        "Must have admin rights to Repository.",
        "Resource protected by organization SAML enforcement. You must grant your token access.",
        "Although you appear to have the correct authorization credentials, the org has an IP allow list enabled",
        "This installation has been suspended",
    ],
)
def test_a_missing_right_is_told_from_a_refusal_by_the_words(message: str) -> None:
    error = of(403, f'{{"message": "{message}"}}'.encode(), x_ratelimit_remaining="17")
    assert isinstance(error, NotAllowed)
    assert message in error.message
    assert "Actions: write" in error.message


@pytest.mark.parametrize(
    "message",
    [
        "This workflow is already running",
        "Unable to retry this workflow run because it was created over a month ago",
        "This workflow run cannot be retried",
        "Repository was archived so is read-only.",
    ],
)
def test_what_cannot_be_done_now_is_no_question_of_rights(message: str) -> None:
    error = of(403, f'{{"message": "{message}"}}'.encode(), x_ratelimit_remaining="17")
    assert isinstance(error, Refused)
    assert (error.message, error.status) == (message, 403)


@pytest.mark.parametrize("status", [400, 404, 405, 409, 410, 415, 422, 451])
def test_every_other_no_is_a_refusal(status: int) -> None:
    error = of(status, b'{"message": "No.", "retry-after": 5}', retry_after="30", x_ratelimit_remaining="0")
    assert isinstance(error, Refused)
    assert (error.message, error.status) == ("No.", status)


@pytest.mark.parametrize("status", [100, 203, 206, 408, 500, 502, 503, 504, 520, 599, 999])
def test_all_else_is_unclear(status: int) -> None:
    assert isinstance(of(status, SECONDARY, retry_after="30"), Unclear)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 304])
def test_success_is_no_error(status: int) -> None:
    assert of(status) is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"message": "Invalid request.\\n\\n\\"x\\" is no key."}', 'Invalid request. "x" is no key.'),
        (b'{"message": "Bad", "errors": ["one", {"message": "two"}, {"field": "three", "code": "missing"}, 4]}',
         "Bad: one; two; three missing"),
        (b'{"message": "Bad", "errors": "all"}', "Bad: all"),
        (b'{"message": ["Bad"]}', "HTTP 422"),
        (b'{"message": " "}', "HTTP 422"),
        (b'["Bad"]', "HTTP 422"),
        (b"<html>", "HTTP 422"),
        (b"[" * 100_000, "HTTP 422"),
        (b'{"message": "a\\u0000b\\u202ec\\ud800d"}', "a b c d"),
    ],
    ids=["lines", "details", "a text", "no text", "nothing", "a list", "a page", "too deep", "what no log takes"],
)  # fmt: skip
def test_a_reason_is_one_line_that_a_log_takes(content: bytes, message: str) -> None:
    error = of(422, content)
    assert isinstance(error, Refused)
    assert error.message == message


def test_a_reason_has_an_end() -> None:
    error = of(422, b'{"message": "' + b"x" * 10_000 + b'"}')
    assert isinstance(error, Refused)
    assert (len(error.message), error.message[-2:]) == (LONGEST, "x…")
