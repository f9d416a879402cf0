"""The tables. What the database itself guards beyond these constraints stands in the migrations."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    Dialect,
    Enum,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

from phaseline_schema.pipeline import Outcome, PhaseState
from phaseline_schema.records import AuditKind, Source

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time, in UTC. SQLite keeps no offset, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; a time without an offset is a programming error."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without an offset cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """With the offset that the column implies."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _named(kind: type[AuditKind] | type[Outcome] | type[PhaseState] | type[Source]) -> Enum:
    """Stored as the name, held to the vocabulary by a check instead of a database type."""
    return Enum(kind, native_enum=False, length=32, create_constraint=False)


def _where(condition: str) -> dict[str, Any]:
    """An index of the rows alone of which this is so."""
    return {f"{database}_where": text(condition) for database in ("sqlite", "postgresql")}


pipeline_phases = Table(
    "pipeline_phases",
    metadata,
    Column("pipeline", String(64), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("label", String(100), nullable=False),
    Column("position", Integer, nullable=False),
)

pipeline_statuses = Table(
    "pipeline_statuses",
    metadata,
    Column("pipeline", String(64), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("label", String(100), nullable=False),
    Column("position", Integer, nullable=False),
    Column("phase", String(64)),
    Column("outcome", _named(Outcome), nullable=False),
    ForeignKeyConstraint(["pipeline", "phase"], ["pipeline_phases.pipeline", "pipeline_phases.key"]),
)

pipeline_assertions = Table(
    "pipeline_assertions",
    metadata,
    Column("pipeline", String(64), primary_key=True),
    Column("status", String(64), primary_key=True),
    Column("phase", String(64), primary_key=True),
    Column("state", _named(PhaseState), nullable=False),
    ForeignKeyConstraint(["pipeline", "status"], ["pipeline_statuses.pipeline", "pipeline_statuses.key"]),
    ForeignKeyConstraint(["pipeline", "phase"], ["pipeline_phases.pipeline", "pipeline_phases.key"]),
)

pipeline_transitions = Table(
    "pipeline_transitions",
    metadata,
    Column("pipeline", String(64), primary_key=True),
    Column("from_status", String(64), primary_key=True),
    Column("to_status", String(64), primary_key=True),
    Column("why", Text, nullable=False),
    Column("new_attempt", Boolean(create_constraint=False), nullable=False),
    # The source that alone may take the edge; without one it is open to callbacks and to GitHub.
    Column("reported_by", _named(Source)),
    ForeignKeyConstraint(["pipeline", "from_status"], ["pipeline_statuses.pipeline", "pipeline_statuses.key"]),
    ForeignKeyConstraint(["pipeline", "to_status"], ["pipeline_statuses.pipeline", "pipeline_statuses.key"]),
)

# One row: the oldest revision whose servers can work on this database as it is. A migration that they could not live
# with moves it on.
oldest_server = Table("oldest_server", metadata, Column("revision", String(32), primary_key=True))

deploys = Table(
    "deploys",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("environment", String(64), nullable=False),
    Column("ref", String(255), nullable=False),
    Column("pipeline", String(64), nullable=False),
    Column("status", String(64), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("started_by", String(255), nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("run_url", String(2048)),
    Column("commit_sha", String(64)),
    Column("request_id", String(64)),
    ForeignKeyConstraint(["pipeline", "status"], ["pipeline_statuses.pipeline", "pipeline_statuses.key"]),
    CheckConstraint("attempt >= 1", name="attempt"),
    CheckConstraint("sequence >= 1", name="sequence"),
    Index(None, "started_at", "id"),
    Index(None, "environment", "started_at", "id"),
    # A deploy has ended where `finished_at` says so; the statuses of those that have not change too often.
    Index("ix_deploys_in_progress", "pipeline", "started_at", "id", **_where("finished_at IS NULL")),
    Index(
        "ix_deploys_in_progress_in",
        *("environment", "pipeline", "started_at", "id"),
        **_where("finished_at IS NULL"),
    ),
    Index("ix_deploys_ended", "pipeline", "status", "started_at", "id", **_where("finished_at IS NOT NULL")),
    Index(
        "ix_deploys_ended_in",
        *("environment", "pipeline", "status", "started_at", "id"),
        **_where("finished_at IS NOT NULL"),
    ),
    # What was deployed last: that is not always what was started last.
    Index(
        "ix_deploys_ended_last_in",
        *("environment", "pipeline", "status", "finished_at", "id"),
        **_where("finished_at IS NOT NULL"),
    ),
    # The same request of the same caller is carried out once.
    Index("uq_deploys_request", "started_by", "request_id", unique=True, **_where("request_id IS NOT NULL")),
)

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("deploy_id", ForeignKey("deploys.id"), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("kind", _named(AuditKind), nullable=False),
    Column("pipeline", String(64), nullable=False),
    Column("environment", String(64), nullable=False),
    Column("from_status", String(64)),
    Column("to_status", String(64), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("actor", String(255), nullable=False),
    Column("refusal", String(64)),
    Column("message", String(500)),
    Column("run_id", String(64)),
    Column("run_url", String(2048)),
    Column("recorded_at", UtcDateTime, nullable=False),
    # Never null: a trigger sees to that. SQLite cannot add a column that says so to a table with rows.
    Column("digest", String(64)),
    # Null in entries from before sources were kept, and in no others: a trigger sees to that.
    Column("source", _named(Source)),
    Column("run_status", String(32)),
    Column("run_conclusion", String(32)),
    # A refusal names statuses between which there is no edge, so the foreign key lies on these
    # two, which the database fills in for transitions alone.
    Column(
        "edge_from",
        String(64),
        Computed("CASE WHEN kind = 'TRANSITION' THEN from_status END", persisted=True),
    ),
    Column(
        "edge_to",
        String(64),
        Computed("CASE WHEN kind = 'TRANSITION' THEN to_status END", persisted=True),
    ),
    ForeignKeyConstraint(
        ["pipeline", "edge_from", "edge_to"],
        [
            "pipeline_transitions.pipeline",
            "pipeline_transitions.from_status",
            "pipeline_transitions.to_status",
        ],
    ),
    UniqueConstraint("deploy_id", "sequence"),
    CheckConstraint("sequence >= 1", name="sequence"),
    CheckConstraint("attempt >= 1", name="attempt"),
    CheckConstraint(
        "kind IN ('DEPLOY_STARTED', 'TRANSITION', 'CALLBACK_REFUSED', "
        "'RUN_REPORTED', 'DISPATCH_UNCLEAR', 'CANCEL_REQUESTED', 'RERUN_REQUESTED', 'REQUEST_FAILED')",
        name="kind",
    ),
    CheckConstraint(
        "CASE source WHEN 'CALLBACK' THEN kind IN ('TRANSITION', 'CALLBACK_REFUSED') "
        "WHEN 'GITHUB' THEN kind IN ('TRANSITION', 'RUN_REPORTED', 'REQUEST_FAILED') "
        "WHEN 'OPERATOR' THEN kind IN ('DEPLOY_STARTED', 'TRANSITION', 'CANCEL_REQUESTED', 'RERUN_REQUESTED') "
        "WHEN 'CONSOLE' THEN kind IN ('DISPATCH_UNCLEAR', 'REQUEST_FAILED') "
        "ELSE source IS NULL AND kind IN ('DEPLOY_STARTED', 'TRANSITION', 'CALLBACK_REFUSED') END",
        name="source",
    ),
    CheckConstraint(
        "CASE WHEN run_status IS NULL THEN run_conclusion IS NULL AND kind <> 'RUN_REPORTED' "
        "ELSE source IS NOT NULL AND source = 'GITHUB' AND run_id IS NOT NULL END",
        name="run",
    ),
    CheckConstraint(
        "kind IN ('DEPLOY_STARTED', 'TRANSITION', 'CALLBACK_REFUSED') OR to_status = from_status",
        name="moves_nothing",
    ),
    CheckConstraint("(kind = 'DEPLOY_STARTED') = (sequence = 1)", name="starts_first"),
    CheckConstraint("(kind = 'DEPLOY_STARTED') = (from_status IS NULL)", name="from_status"),
    CheckConstraint("(kind = 'CALLBACK_REFUSED') = (refusal IS NOT NULL)", name="refusal"),
    CheckConstraint("length(digest) = 64", name="digest"),
    # In one attempt a status is reported at most once: what identifies a callback.
    Index(
        "uq_audit_entries_callback",
        "deploy_id",
        "attempt",
        "edge_to",
        unique=True,
    ),
    # Pages come by time; behind each filter's column that has to be the order of its index.
    Index(None, "recorded_at", "id"),
    Index(None, "environment", "recorded_at", "id"),
    Index(None, "actor", "recorded_at", "id"),
    Index(None, "to_status", "recorded_at", "id"),
    Index(None, "kind", "recorded_at", "id"),
    Index(None, "source", "recorded_at", "id"),
    # GitHub tells of runs by their ids; which deploys they reported for is looked up for each.
    Index("ix_audit_entries_run_id", "run_id", **_where("run_id IS NOT NULL")),
    # What GitHub says of re-runs: a deploy that has ended is in progress again by it. With the kind in it as well,
    # SQLite prefers it to that of the kind.
    Index(
        "ix_audit_entries_run_again",
        *("kind", "environment", "deploy_id"),
        **_where("kind = 'RUN_REPORTED' AND attempt > 1"),
    ),
    sqlite_autoincrement=True,
)

# Who may call, as `phaseline token` made it. Of the token itself only a hash is kept. Rows are never deleted, so that
# a name in the log stays one caller's for good.
tokens = Table(
    "tokens",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("role", String(16), nullable=False),
    Column("environments", Text),
    Column("hash", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    Column("last_used_at", UtcDateTime),
    UniqueConstraint("name"),
    UniqueConstraint("hash"),
)

# Browsers that are signed in: what their cookies stand for. Of a cookie only a hash is kept. One that was made from a
# token ends with it.
sign_ins = Table(
    "sign_ins",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("hash", String(64), nullable=False),
    Column("name", String(255), nullable=False),
    Column("role", String(16), nullable=False),
    Column("environments", Text),
    Column("token_id", ForeignKey("tokens.id")),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    UniqueConstraint("hash"),
)

# The workflow run whose ID tokens a deploy's accepted callbacks came with.
deploy_runs = Table(
    "deploy_runs",
    metadata,
    Column("deploy_id", ForeignKey("deploys.id"), primary_key=True),
    Column("issuer", String(255), nullable=False),
    Column("run_id", String(255), nullable=False),
    Index(None, "issuer", "run_id"),
)

# ID tokens that a callback came with, for as long as they live: the same one with another callback is a replay.
# `refusal` is the answer to be given again, as JSON, where that was one.
used_id_tokens = Table(
    "used_id_tokens",
    metadata,
    Column("issuer", String(255), primary_key=True),
    Column("jti", String(255), primary_key=True),
    Column("callback", String(64), nullable=False),
    Column("deploy_id", ForeignKey("deploys.id"), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("refusal", Text),
    Column("expires_at", UtcDateTime, nullable=False),
    Index(None, "expires_at"),
)

# Which deploy has an environment to itself, and since when.
environment_holds = Table(
    "environment_holds",
    metadata,
    Column("environment", String(64), primary_key=True),
    Column("deploy_id", ForeignKey("deploys.id"), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    UniqueConstraint("deploy_id"),
)

# Deploys that wait until their environment is free, in the order of their places.
environment_queue = Table(
    "environment_queue",
    metadata,
    Column("deploy_id", ForeignKey("deploys.id"), primary_key=True),
    Column("environment", String(64), nullable=False),
    Column("place", BigInteger, nullable=False),
    Index(None, "environment", "place"),
)

# What has become of asking GitHub for a deploy's run: `state` is a DispatchState.
dispatches = Table(
    "dispatches",
    metadata,
    Column("deploy_id", ForeignKey("deploys.id"), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("repository", String(255), nullable=False),
    Column("workflow", String(255), nullable=False),
    Column("ref", String(255), nullable=False),
    Column("run_id", String(64)),
    Column("reason", String(500)),
    Column("updated_at", UtcDateTime, nullable=False),
    # What is to be done is looked for often; GitHub tells of runs by their ids.
    Index(None, "state", "updated_at"),
    Index("ix_dispatches_run_id", "run_id", **_where("run_id IS NOT NULL")),
)

# Webhooks that have been taken in, by the id that GitHub gives each: the same one may come again.
webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("received_at", UtcDateTime, nullable=False),
    Index(None, "received_at"),
)

# What one node at a time does, which one, and until when nobody else may.
duties = Table(
    "duties",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(255), nullable=False),
    Column("until", UtcDateTime, nullable=False),
)
