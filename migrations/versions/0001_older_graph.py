"""The tables, what the database guards by itself, and the older transition graph.

Revision: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

PHASES = [
    ("smoke_gate", "Smoke gate"),
    ("freeze_check", "Freeze check"),
    ("deploy", "Deploy"),
    ("health_check", "Health check"),
]

STATUSES = [
    ("queued", "Queued", None, "IN_PROGRESS"),
    ("building", "Building", "deploy", "IN_PROGRESS"),
    ("deploying", "Deploying", "deploy", "IN_PROGRESS"),
    ("succeeded", "Succeeded", None, "SUCCEEDED"),
    ("failed", "Failed", None, "FAILED"),
]

TRANSITIONS = [
    ("queued", "building", "workflows that report no gates begin here"),
    ("queued", "failed", "a run can fail at any point"),
    ("building", "deploying", "what was built is being rolled out"),
    ("building", "failed", "a run can fail at any point"),
    ("deploying", "succeeded", "workflows without a health check end here"),
    ("deploying", "failed", "a run can fail at any point"),
]

# What no constraint can say. The checks against REPLACE are there because SQLite deletes the
# replaced row without running its triggers.
SQLITE_GUARDS = [
    """
    CREATE TRIGGER audit_entries_append BEFORE INSERT ON audit_entries
    BEGIN
        SELECT RAISE(ABORT, 'an audit entry is never replaced')
        WHERE EXISTS (SELECT 1 FROM audit_entries WHERE id = NEW.id)
            OR (NEW.kind = 'TRANSITION' AND EXISTS (
                SELECT 1 FROM audit_entries
                WHERE deploy_id = NEW.deploy_id AND attempt = NEW.attempt
                    AND edge_to = NEW.to_status
            ));
        SELECT RAISE(ABORT, 'audit entries are numbered without a gap or a repeat')
        WHERE NEW.sequence IS NOT (
            SELECT coalesce(max(sequence), 0) + 1 FROM audit_entries
            WHERE deploy_id = NEW.deploy_id
        );
        SELECT RAISE(ABORT, 'an audit entry has the environment and pipeline of its deploy')
        WHERE NOT EXISTS (
            SELECT 1 FROM deploys
            WHERE id = NEW.deploy_id
                AND environment = NEW.environment AND pipeline = NEW.pipeline
        );
        SELECT RAISE(ABORT, 'an audit entry begins where the entry before it left the deploy')
        WHERE NOT EXISTS (
            SELECT 1 FROM deploys
            WHERE id = NEW.deploy_id AND sequence = max(NEW.sequence - 1, 1)
                AND status = coalesce(NEW.from_status, NEW.to_status)
        );
        SELECT RAISE(ABORT, 'the transition graph has no such edge for this attempt')
        WHERE NEW.kind = 'TRANSITION' AND NOT EXISTS (
            SELECT 1 FROM deploys JOIN pipeline_transitions AS edge
                ON edge.pipeline = deploys.pipeline
            WHERE deploys.id = NEW.deploy_id
                AND edge.from_status = NEW.from_status AND edge.to_status = NEW.to_status
                AND NEW.attempt >= deploys.attempt + edge.new_attempt
        );
        SELECT RAISE(ABORT, 'a deploy starts in attempt 1')
        WHERE NEW.kind = 'DEPLOY_STARTED' AND NEW.attempt <> 1;
    END
    """,
    """
    CREATE TRIGGER audit_entries_keep_update BEFORE UPDATE ON audit_entries
    BEGIN
        SELECT RAISE(ABORT, 'an audit entry is never changed');
    END
    """,
    """
    CREATE TRIGGER audit_entries_keep_delete BEFORE DELETE ON audit_entries
    BEGIN
        SELECT RAISE(ABORT, 'an audit entry is never deleted');
    END
    """,
    """
    CREATE TRIGGER deploys_start BEFORE INSERT ON deploys
    BEGIN
        SELECT RAISE(ABORT, 'a deploy is never replaced')
        WHERE EXISTS (SELECT 1 FROM deploys WHERE id = NEW.id);
        SELECT RAISE(ABORT, 'a deploy starts with entry 1 of attempt 1')
        WHERE NEW.sequence <> 1 OR NEW.attempt <> 1;
        SELECT RAISE(ABORT, 'a deploy starts in the status that no transition leads to')
        WHERE EXISTS (
            SELECT 1 FROM pipeline_transitions
            WHERE pipeline = NEW.pipeline AND to_status = NEW.status
        );
    END
    """,
    """
    CREATE TRIGGER deploys_follow_log BEFORE UPDATE ON deploys
    BEGIN
        SELECT RAISE(ABORT, 'what a deploy was started as is never changed')
        WHERE NEW.id IS NOT OLD.id OR NEW.environment IS NOT OLD.environment
            OR NEW.ref IS NOT OLD.ref OR NEW.pipeline IS NOT OLD.pipeline
            OR NEW.started_by IS NOT OLD.started_by OR NEW.started_at IS NOT OLD.started_at;
        SELECT RAISE(ABORT, 'a deploy stands where its audit entries say')
        WHERE NEW.sequence IS NOT (
                SELECT max(sequence) FROM audit_entries WHERE deploy_id = NEW.id
            )
            OR NOT EXISTS (
                SELECT 1 FROM (
                    SELECT to_status, attempt FROM audit_entries
                    WHERE deploy_id = NEW.id AND kind <> 'CALLBACK_REFUSED'
                    ORDER BY sequence DESC LIMIT 1
                ) WHERE to_status = NEW.status AND attempt = NEW.attempt
            );
    END
    """,
    """
    CREATE TRIGGER deploys_keep_delete BEFORE DELETE ON deploys
    BEGIN
        SELECT RAISE(ABORT, 'a deploy is never deleted');
    END
    """,
]

GUARDS = {"sqlite": SQLITE_GUARDS}


def upgrade() -> None:
    """Create everything, then fill the graph's tables."""
    _create_graph()
    _create_log()
    for guard in GUARDS[op.get_bind().dialect.name]:
        op.execute(guard)
    _fill()


def downgrade() -> None:
    """Drop everything. An audit log is not thrown away with it: it has to be empty."""
    entries = op.get_bind().execute(sa.text("SELECT count(*) FROM audit_entries")).scalar_one()
    if entries:
        raise RuntimeError(f"the audit log holds {entries} entries and is not dropped")
    for table in (
        "audit_entries",
        "deploys",
        "pipeline_transitions",
        "pipeline_statuses",
        "pipeline_phases",
    ):
        op.drop_table(table)


def _create_graph() -> None:
    op.create_table(
        "pipeline_phases",
        sa.Column("pipeline", sa.String(64), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("label", sa.String(100), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("pipeline", "key", name="pk_pipeline_phases"),
    )
    op.create_table(
        "pipeline_statuses",
        sa.Column("pipeline", sa.String(64), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("label", sa.String(100), nullable=False),
        sa.Column("phase", sa.String(64)),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("pipeline", "key", name="pk_pipeline_statuses"),
        sa.ForeignKeyConstraint(
            ["pipeline", "phase"],
            ["pipeline_phases.pipeline", "pipeline_phases.key"],
            name="fk_pipeline_statuses_pipeline_phase",
        ),
    )
    op.create_table(
        "pipeline_transitions",
        sa.Column("pipeline", sa.String(64), nullable=False),
        sa.Column("from_status", sa.String(64), nullable=False),
        sa.Column("to_status", sa.String(64), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("new_attempt", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("pipeline", "from_status", "to_status", name="pk_pipeline_transitions"),
        sa.ForeignKeyConstraint(
            ["pipeline", "from_status"],
            ["pipeline_statuses.pipeline", "pipeline_statuses.key"],
            name="fk_pipeline_transitions_pipeline_from_status",
        ),
        sa.ForeignKeyConstraint(
            ["pipeline", "to_status"],
            ["pipeline_statuses.pipeline", "pipeline_statuses.key"],
            name="fk_pipeline_transitions_pipeline_to_status",
        ),
    )


def _create_log() -> None:
    op.create_table(
        "deploys",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("environment", sa.String(64), nullable=False),
        sa.Column("ref", sa.String(255), nullable=False),
        sa.Column("pipeline", sa.String(64), nullable=False),
        sa.Column("status", sa.String(64), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("started_by", sa.String(255), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("run_url", sa.String(2048)),
        sa.PrimaryKeyConstraint("id", name="pk_deploys"),
        sa.ForeignKeyConstraint(
            ["pipeline", "status"],
            ["pipeline_statuses.pipeline", "pipeline_statuses.key"],
            name="fk_deploys_pipeline_status",
        ),
        sa.CheckConstraint("attempt >= 1", name="ck_deploys_attempt"),
        sa.CheckConstraint("sequence >= 1", name="ck_deploys_sequence"),
    )
    op.create_index("ix_deploys_started_at_id", "deploys", ["started_at", "id"])
    op.create_index("ix_deploys_environment_started_at_id", "deploys", ["environment", "started_at", "id"])
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("deploy_id", sa.String(36), nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("pipeline", sa.String(64), nullable=False),
        sa.Column("environment", sa.String(64), nullable=False),
        sa.Column("from_status", sa.String(64)),
        sa.Column("to_status", sa.String(64), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("refusal", sa.String(64)),
        sa.Column("message", sa.String(500)),
        sa.Column("run_id", sa.String(64)),
        sa.Column("run_url", sa.String(2048)),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "edge_from",
            sa.String(64),
            sa.Computed("CASE WHEN kind = 'TRANSITION' THEN from_status END", persisted=True),
        ),
        sa.Column(
            "edge_to",
            sa.String(64),
            sa.Computed("CASE WHEN kind = 'TRANSITION' THEN to_status END", persisted=True),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entries"),
        sa.ForeignKeyConstraint(
            ["pipeline", "edge_from", "edge_to"],
            [
                "pipeline_transitions.pipeline",
                "pipeline_transitions.from_status",
                "pipeline_transitions.to_status",
            ],
            name="fk_audit_entries_pipeline_edge_from_edge_to",
        ),
        sa.ForeignKeyConstraint(["deploy_id"], ["deploys.id"], name="fk_audit_entries_deploy_id"),
        sa.UniqueConstraint("deploy_id", "sequence", name="uq_audit_entries_deploy_id_sequence"),
        sa.CheckConstraint("sequence >= 1", name="ck_audit_entries_sequence"),
        sa.CheckConstraint("attempt >= 1", name="ck_audit_entries_attempt"),
        sa.CheckConstraint(
            "kind IN ('DEPLOY_STARTED', 'TRANSITION', 'CALLBACK_REFUSED')",
            name="ck_audit_entries_kind",
        ),
        sa.CheckConstraint("(kind = 'DEPLOY_STARTED') = (sequence = 1)", name="ck_audit_entries_starts_first"),
        sa.CheckConstraint(
            "(kind = 'DEPLOY_STARTED') = (from_status IS NULL)",
            name="ck_audit_entries_from_status",
        ),
        sa.CheckConstraint(
            "(kind = 'CALLBACK_REFUSED') = (refusal IS NOT NULL)",
            name="ck_audit_entries_refusal",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_audit_entries_callback",
        "audit_entries",
        ["deploy_id", "attempt", "edge_to"],
        unique=True,
    )
    op.create_index("ix_audit_entries_environment_id", "audit_entries", ["environment", "id"])


def _fill() -> None:
    phases = sa.table("pipeline_phases", *map(sa.column, ("pipeline", "key", "label", "position")))
    op.bulk_insert(
        phases,
        [
            {"pipeline": "console", "key": key, "label": label, "position": position}
            for position, (key, label) in enumerate(PHASES, start=1)
        ],
    )
    statuses = sa.table("pipeline_statuses", *map(sa.column, ("pipeline", "key", "label", "phase", "outcome")))
    op.bulk_insert(
        statuses,
        [
            {"pipeline": "console", "key": key, "label": label, "phase": phase, "outcome": outcome}
            for key, label, phase, outcome in STATUSES
        ],
    )
    transitions = sa.table(
        "pipeline_transitions",
        *map(sa.column, ("pipeline", "from_status", "to_status", "why")),
        sa.column("new_attempt", sa.Boolean),
    )
    op.bulk_insert(
        transitions,
        [
            {
                "pipeline": "console",
                "from_status": origin,
                "to_status": target,
                "why": why,
                "new_attempt": False,
            }
            for origin, target, why in TRANSITIONS
        ],
    )
