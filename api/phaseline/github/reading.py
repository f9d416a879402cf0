"""GitHub's JSON into values: what matters must be there and of its kind; whatever else there is, is left aside."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from phaseline.github.values import Compared, Dispatched, Job, Ref, Run

# Ids are counted beyond 2^31, and by the database only up to here.
_LARGEST_ID = 2**63 - 1


class Unreadable(ValueError):
    """This is not what GitHub is described to say."""


def members(said: object, of: str = "it") -> Mapping[str, Any]:
    """Raises Unreadable where it has none."""
    if not isinstance(said, dict):
        raise Unreadable(f"{of} is no object")
    return said


def listed(said: object, name: str) -> list[Any]:
    """The list of this name, or, where the name is empty, the whole."""
    found = members(said).get(name) if name else said
    if not isinstance(found, list):
        raise Unreadable(f"{name or 'it'} is no list")
    return found


def text(said: Mapping[str, Any], name: str) -> str:
    """A text with something in it."""
    value = optional_text(said, name)
    if not value:
        raise Unreadable(f"{name} is no text")
    return value


def optional_text(said: Mapping[str, Any], name: str) -> str | None:
    """The same, or nothing. Halves of characters, which no database takes, are replaced."""
    value = said.get(name)
    if value is not None and not isinstance(value, str):
        raise Unreadable(f"{name} is no text")
    return value if value is None else value.encode("utf-8", "replace").decode()


def whole(said: Mapping[str, Any], name: str) -> int:
    """A whole number that an id or a count can be."""
    value = optional_whole(said, name)
    if value is None:
        raise Unreadable(f"{name} is missing")
    return value


def optional_whole(said: Mapping[str, Any], name: str) -> int | None:
    """The same, or nothing."""
    value = said.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST_ID):
        raise Unreadable(f"{name} is no number of anything")
    return value


def moment(said: Mapping[str, Any], name: str) -> datetime:
    """A point in time. One without an offset is in UTC, as all of GitHub's are."""
    try:
        value = datetime.fromisoformat(text(said, name))
    except ValueError:
        raise Unreadable(f"{name} is no point in time") from None
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def dispatched(said: object) -> Dispatched:
    """GitHub has taken the request, whatever it tells: so this raises nothing."""
    try:
        answer = members(said)
        return Dispatched(str(whole(answer, "workflow_run_id")), optional_text(answer, "html_url"))
    except Unreadable:
        return Dispatched(None, None)


def run(said: object) -> Run:
    """The attempt is the first where it is left out, as older servers do for runs that were never run again."""
    answer = members(said, "the run")
    attempt = optional_whole(answer, "run_attempt")
    return Run(
        id=str(whole(answer, "id")),
        attempt=1 if attempt is None else attempt,
        status=optional_text(answer, "status"),
        conclusion=optional_text(answer, "conclusion"),
        name=optional_text(answer, "display_title") or "",
        path=text(answer, "path"),
        event=text(answer, "event"),
        head_branch=optional_text(answer, "head_branch"),
        head_sha=text(answer, "head_sha"),
        url=text(answer, "html_url"),
        created_at=moment(answer, "created_at"),
    )


def job(said: object) -> Job:
    answer = members(said, "the job")
    return Job(
        id=str(whole(answer, "id")),
        name=text(answer, "name"),
        attempt=optional_whole(answer, "run_attempt"),
        status=text(answer, "status"),
        conclusion=optional_text(answer, "conclusion"),
        url=optional_text(answer, "html_url"),
    )


def approvals(said: object) -> list[str]:
    """The environments that wait for people. Those that only wait for a time to pass have no reviewers."""
    waiting = [members(one) for one in listed(said, "")]
    return [text(members(one.get("environment")), "name") for one in waiting if one.get("reviewers")]


def commit(said: object) -> str:
    return text(members(said, "the commit"), "sha")


def refs(said: object) -> list[Ref]:
    """From the list of those whose names begin with something."""
    return [_ref(one) for one in listed(said, "")]


def named(said: object, kind: str) -> list[Ref]:
    """From the list of all branches, or of all tags; `kind`: what their full names begin with."""
    found = [members(one) for one in listed(said, "")]
    return [Ref(kind + text(one, "name"), commit(one.get("commit"))) for one in found]


def _ref(said: object) -> Ref:
    answer = members(said, "the ref")
    pointed_at = members(answer.get("object"), "what the ref points at")
    return Ref(text(answer, "ref"), text(pointed_at, "sha") if pointed_at.get("type") == "commit" else None)


def compared(said: object) -> Compared:
    answer = members(said, "the comparison")
    counts = whole(answer, "ahead_by"), whole(answer, "behind_by")
    return Compared(text(answer, "status"), *counts, text(answer, "html_url"))
