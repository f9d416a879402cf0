"""What GitHub says, as far as it matters here. Its own words are kept as they are, also those that are new."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Wait(StrEnum):
    """What a run or a job that has not begun waits for."""

    APPROVAL = "approval"  # people, or another rule that protects the environment
    RUNNER = "runner"
    TURN = "turn"  # others of its concurrency group


_WAITS = {"waiting": Wait.APPROVAL, "queued": Wait.RUNNER, "requested": Wait.RUNNER, "pending": Wait.TURN}


def waits_for(status: str | None) -> Wait | None:
    """What somebody with this status waits for; None where it does not wait, or nobody knows."""
    return None if status is None else _WAITS.get(status)


@dataclass(frozen=True, slots=True)
class Dispatched:
    """A run was asked for, and GitHub has taken it. Servers that do not tell which run it is leave both out."""

    run_id: str | None
    url: str | None


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it stood in one of its attempts. `name`: what its run-name has made; `url`: its page, for people."""

    id: str
    attempt: int
    status: str | None
    conclusion: str | None
    name: str
    path: str
    event: str
    head_branch: str | None
    head_sha: str
    url: str
    created_at: datetime

    @property
    def waits_for(self) -> Wait | None:
        return waits_for(self.status)


@dataclass(frozen=True, slots=True)
class Job:
    """A job of one attempt. Those that a re-run has not run again are in the list of the new attempt as well."""

    id: str
    name: str
    attempt: int | None
    status: str
    conclusion: str | None
    url: str | None

    @property
    def waits_for(self) -> Wait | None:
        return waits_for(self.status)


@dataclass(frozen=True, slots=True)
class Ref:
    """A branch or a tag, by its full name, such as refs/heads/main.

    `commit`: None for an annotated tag that was found by its name's beginning, for which GitHub tells the tag's own.
    """

    name: str
    commit: str | None


@dataclass(frozen=True, slots=True)
class Compared:
    """How one commit lies to another. `status`: ahead, behind, identical or diverged; `url`: the page that shows it."""

    status: str
    ahead: int
    behind: int
    url: str
