"""A deploy and an audit entry as values, one field a column, and what is asked for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Source(StrEnum):
    """Who says what an audit entry records.

    CALLBACK: a workflow has reported. GITHUB: GitHub says so of the run. OPERATOR: a named person has done it.
    CONSOLE: this server itself, which has sent something and cannot say what has become of it.
    """

    CALLBACK = "CALLBACK"
    GITHUB = "GITHUB"
    OPERATOR = "OPERATOR"
    CONSOLE = "CONSOLE"


class AuditKind(StrEnum):
    """What an audit entry records.

    DEPLOY_STARTED: an operator started the deploy. TRANSITION: the deploy has moved along the graph, as its source
    says. CALLBACK_REFUSED: a callback was refused; it changed nothing but the log.

    The others move nothing. RUN_REPORTED: what GitHub says of the run. DISPATCH_UNCLEAR: the run was asked for, and
    whether it was begun is not known. CANCEL_REQUESTED, RERUN_REQUESTED: an operator has asked GitHub for it.
    REQUEST_FAILED: GitHub has refused that, or it was not reached, or what it has done is not known; the message says
    which.
    """

    DEPLOY_STARTED = "DEPLOY_STARTED"
    TRANSITION = "TRANSITION"
    CALLBACK_REFUSED = "CALLBACK_REFUSED"
    RUN_REPORTED = "RUN_REPORTED"
    DISPATCH_UNCLEAR = "DISPATCH_UNCLEAR"
    CANCEL_REQUESTED = "CANCEL_REQUESTED"
    RERUN_REQUESTED = "RERUN_REQUESTED"
    REQUEST_FAILED = "REQUEST_FAILED"


# Which sources there are of each kind. The first is that of an entry from before sources were kept, where its kind is
# as old as that.
SOURCES: Mapping[AuditKind, tuple[Source, ...]] = {
    AuditKind.DEPLOY_STARTED: (Source.OPERATOR,),
    AuditKind.TRANSITION: (Source.CALLBACK, Source.GITHUB, Source.OPERATOR),
    AuditKind.CALLBACK_REFUSED: (Source.CALLBACK,),
    AuditKind.RUN_REPORTED: (Source.GITHUB,),
    AuditKind.DISPATCH_UNCLEAR: (Source.CONSOLE,),
    AuditKind.CANCEL_REQUESTED: (Source.OPERATOR,),
    AuditKind.RERUN_REQUESTED: (Source.OPERATOR,),
    AuditKind.REQUEST_FAILED: (Source.GITHUB, Source.CONSOLE),
}

# Kinds that move the deploy; and those that there were before sources were kept.
MOVES = (AuditKind.DEPLOY_STARTED, AuditKind.TRANSITION)
OLDER_KINDS = (*MOVES, AuditKind.CALLBACK_REFUSED)


@dataclass(frozen=True, slots=True)
class DeployRecord:
    """A row of `deploys`: who started what, and how far its log has got. Times are UTC.

    `commit_sha`: the commit that the ref was when it was started, in lower-case hexadecimal; None where nobody has
    looked. `request_id`: what its caller calls the request for it, so that the same one is not carried out twice.
    """

    id: str
    environment: str
    ref: str
    pipeline: str
    status: str
    attempt: int
    sequence: int
    started_by: str
    started_at: datetime
    updated_at: datetime
    finished_at: datetime | None = None
    run_url: str | None = None
    commit_sha: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class EntryRecord:
    """A row of `audit_entries`. `sequence` orders a deploy's entries, `id` those of all deploys.

    `source`: None in entries from before sources were kept. `run_status`, `run_conclusion`: what GitHub says of the
    run, in its own words, of at most 32 characters each.

    It is given its `id` and its `digest` when it is written; until then it has neither. The digest is SHA-256, in
    lower-case hexadecimal, over its content and the digest of the deploy's entry before it (digests.py).
    """

    deploy_id: str
    sequence: int
    kind: AuditKind
    pipeline: str
    environment: str
    from_status: str | None
    to_status: str
    attempt: int
    actor: str
    recorded_at: datetime
    refusal: str | None = None
    message: str | None = None
    run_id: str | None = None
    run_url: str | None = None
    source: Source | None = None
    run_status: str | None = None
    run_conclusion: str | None = None
    id: int = 0
    digest: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the entry moved the deploy: its start, or a transition."""
        return self.kind in MOVES

    @property
    def is_refusal(self) -> bool:
        """Whether it records a callback that was refused."""
        return self.kind is AuditKind.CALLBACK_REFUSED

    @property
    def known_source(self) -> Source:
        """Its source; of an entry from before sources were kept, the one that its kind settles."""
        return self.source or SOURCES[self.kind][0]

    def tells_the_same(self, callback: "Callback", actor: str, refusal: str) -> bool:
        """Whether it records that this actor's callback was refused for this."""
        said = (self.to_status, self.attempt, self.actor, self.refusal, self.message)
        return said == (callback.status, callback.attempt, actor, refusal, callback.message)


@dataclass(frozen=True, slots=True)
class Start:
    """What an operator asks for. `commit_sha` and `request_id` are those of the deploy."""

    environment: str
    ref: str
    pipeline: str
    note: str | None
    commit_sha: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Callback:
    """What a workflow reports."""

    deploy_id: str
    status: str
    attempt: int
    run_id: str | None
    run_url: str | None
    message: str | None


@dataclass(frozen=True, slots=True)
class RunReport:
    """What GitHub says of a workflow run, by a webhook or asked for it.

    `attempt` is the one that it speaks of. `status` and `conclusion` are GitHub's words, of which more may come than
    are known; an attempt has a conclusion when its status is `completed`. `run_url` is that attempt's page. `actor` is
    what the log calls GitHub: `github:OWNER/REPO`. `asked`: it is an answer, and so how the run stands now; a webhook
    says how it stood when that was sent, which may be long ago.
    """

    run_id: str
    attempt: int
    status: str
    conclusion: str | None
    run_url: str | None
    actor: str
    asked: bool = False
