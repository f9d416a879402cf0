"""A deploy and an audit entry as values, one field a column, and what is asked for them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class AuditKind(StrEnum):
    """What an audit entry records.

    DEPLOY_STARTED: an operator started the deploy. TRANSITION: a callback was accepted.
    CALLBACK_REFUSED: a callback was refused; it changed nothing but the log.
    """

    DEPLOY_STARTED = "DEPLOY_STARTED"
    TRANSITION = "TRANSITION"
    CALLBACK_REFUSED = "CALLBACK_REFUSED"


@dataclass(frozen=True, slots=True)
class DeployRecord:
    """A row of `deploys`: who started what, and how far its log has got. Times are UTC."""

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


@dataclass(frozen=True, slots=True)
class EntryRecord:
    """A row of `audit_entries`. `sequence` orders a deploy's entries, `id` those of all deploys.

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
    id: int = 0
    digest: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the entry moved the deploy, as everything but a refusal does."""
        return self.kind is not AuditKind.CALLBACK_REFUSED

    def tells_the_same(self, callback: "Callback", actor: str, refusal: str) -> bool:
        """Whether it records that this actor's callback was refused for this."""
        said = (self.to_status, self.attempt, self.actor, self.refusal, self.message)
        return said == (callback.status, callback.attempt, actor, refusal, callback.message)


@dataclass(frozen=True, slots=True)
class Start:
    """What an operator asks for."""

    environment: str
    ref: str
    pipeline: str
    note: str | None


@dataclass(frozen=True, slots=True)
class Callback:
    """What a workflow reports."""

    deploy_id: str
    status: str
    attempt: int
    run_id: str | None
    run_url: str | None
    message: str | None
