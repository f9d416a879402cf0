"""A deploy and an audit entry as values, one field a column."""

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
    finished_at: datetime | None
    run_url: str | None


@dataclass(frozen=True, slots=True)
class EntryRecord:
    """A row of `audit_entries`. `id` orders all entries; `sequence` those of one deploy."""

    id: int
    deploy_id: str
    sequence: int
    kind: AuditKind
    pipeline: str
    environment: str
    from_status: str | None
    to_status: str
    attempt: int
    actor: str
    refusal: str | None
    message: str | None
    run_id: str | None
    run_url: str | None
    recorded_at: datetime

    @property
    def accepted(self) -> bool:
        """Whether the entry moved the deploy, as everything but a refusal does."""
        return self.kind is not AuditKind.CALLBACK_REFUSED
