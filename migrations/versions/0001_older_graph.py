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

# The positions leave room for the statuses that lie between.
STATUSES = [
    ("queued", "Queued", 10, None, "IN_PROGRESS"),
    ("building", "Building", 60, "deploy", "IN_PROGRESS"),
    ("deploying", "Deploying", 70, "deploy", "IN_PROGRESS"),
    ("succeeded", "Succeeded", 90, None, "SUCCEEDED"),
    ("failed", "Failed", 100, None, "FAILED"),
]

ASSERTIONS = [
    ("building", "deploy", "ACTIVE"),
    ("deploying", "deploy", "ACTIVE"),
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
        SELECT RAISE(ABORT, 'a deploy starts in attempt 1, when its first audit entry says')
        WHERE NEW.kind = 'DEPLOY_STARTED' AND (NEW.attempt <> 1 OR NEW.recorded_at IS NOT (
            SELECT started_at FROM deploys WHERE id = NEW.deploy_id
        ));
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
        SELECT RAISE(ABORT, 'a deploy starts with entry 1 of attempt 1, and nothing has been reported of it')
        WHERE NEW.sequence <> 1 OR NEW.attempt <> 1 OR NEW.updated_at IS NOT NEW.started_at
            OR NEW.finished_at IS NOT NULL OR NEW.run_url IS NOT NULL;
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
                    SELECT to_status, attempt, recorded_at FROM audit_entries
                    WHERE deploy_id = NEW.id AND kind <> 'CALLBACK_REFUSED'
                    ORDER BY sequence DESC LIMIT 1
                ) AS reached JOIN pipeline_statuses AS status
                    ON status.pipeline = NEW.pipeline AND status.key = reached.to_status
                WHERE reached.to_status = NEW.status AND reached.attempt = NEW.attempt
                    AND reached.recorded_at = NEW.updated_at
                    AND NEW.finished_at IS CASE WHEN status.outcome <> 'IN_PROGRESS' THEN reached.recorded_at END
            )
            OR NEW.run_url IS NOT (
                SELECT run_url FROM audit_entries
                WHERE deploy_id = NEW.id AND kind <> 'CALLBACK_REFUSED' AND attempt = NEW.attempt AND run_url <> ''
                ORDER BY sequence DESC LIMIT 1
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

# The same for PostgreSQL. Whoever appends holds the deploy's row until his transaction ends, so two that append to one
# deploy come one after the other, whatever they had read before.
POSTGRESQL_GUARDS = [
    """
    CREATE FUNCTION phaseline_append() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        deploy deploys%ROWTYPE;
    BEGIN
        SELECT * INTO deploy FROM deploys WHERE id = NEW.deploy_id FOR UPDATE;
        IF deploy.environment IS DISTINCT FROM NEW.environment OR deploy.pipeline IS DISTINCT FROM NEW.pipeline THEN
            RAISE integrity_constraint_violation
                USING MESSAGE = 'an audit entry has the environment and pipeline of its deploy';
        END IF;
        IF NEW.sequence IS DISTINCT FROM (
            SELECT coalesce(max(sequence), 0) + 1 FROM audit_entries WHERE deploy_id = NEW.deploy_id
        ) THEN
            RAISE integrity_constraint_violation
                USING MESSAGE = 'audit entries are numbered without a gap or a repeat';
        END IF;
        IF deploy.sequence <> greatest(NEW.sequence - 1, 1)
            OR deploy.status <> coalesce(NEW.from_status, NEW.to_status) THEN
            RAISE integrity_constraint_violation
                USING MESSAGE = 'an audit entry begins where the entry before it left the deploy';
        END IF;
        IF NEW.kind = 'TRANSITION' AND NOT EXISTS (
            SELECT 1 FROM pipeline_transitions AS edge
            WHERE edge.pipeline = NEW.pipeline
                AND edge.from_status = NEW.from_status AND edge.to_status = NEW.to_status
                AND NEW.attempt >= deploy.attempt + edge.new_attempt::integer
        ) THEN
            RAISE integrity_constraint_violation
                USING MESSAGE = 'the transition graph has no such edge for this attempt';
        END IF;
        IF NEW.kind = 'DEPLOY_STARTED' AND (NEW.attempt <> 1 OR NEW.recorded_at <> deploy.started_at) THEN
            RAISE integrity_constraint_violation
                USING MESSAGE = 'a deploy starts in attempt 1, when its first audit entry says';
        END IF;
        RETURN NEW;
    END
    $$
    """,
    """
    CREATE FUNCTION phaseline_keep() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE integrity_constraint_violation USING MESSAGE = TG_ARGV[0];
    END
    $$
    """,
    """
    CREATE FUNCTION phaseline_start() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.sequence <> 1 OR NEW.attempt <> 1 OR NEW.updated_at <> NEW.started_at
            OR NEW.finished_at IS NOT NULL OR NEW.run_url IS NOT NULL THEN
            RAISE integrity_constraint_violation
                USING MESSAGE = 'a deploy starts with entry 1 of attempt 1, and nothing has been reported of it';
        END IF;
        IF EXISTS (
            SELECT 1 FROM pipeline_transitions WHERE pipeline = NEW.pipeline AND to_status = NEW.status
        ) THEN
            RAISE integrity_constraint_violation
                USING MESSAGE = 'a deploy starts in the status that no transition leads to';
        END IF;
        RETURN NEW;
    END
    $$
    """,
    """
    CREATE FUNCTION phaseline_follow_log() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF (NEW.id, NEW.environment, NEW.ref, NEW.pipeline, NEW.started_by, NEW.started_at)
            IS DISTINCT FROM (OLD.id, OLD.environment, OLD.ref, OLD.pipeline, OLD.started_by, OLD.started_at) THEN
            RAISE integrity_constraint_violation
                USING MESSAGE = 'what a deploy was started as is never changed';
        END IF;
        IF NEW.sequence IS DISTINCT FROM (SELECT max(sequence) FROM audit_entries WHERE deploy_id = NEW.id)
            OR NOT EXISTS (
                SELECT 1 FROM (
                    SELECT to_status, attempt, recorded_at FROM audit_entries
                    WHERE deploy_id = NEW.id AND kind <> 'CALLBACK_REFUSED'
                    ORDER BY sequence DESC LIMIT 1
                ) AS reached JOIN pipeline_statuses AS status
                    ON status.pipeline = NEW.pipeline AND status.key = reached.to_status
                WHERE reached.to_status = NEW.status AND reached.attempt = NEW.attempt
                    AND reached.recorded_at = NEW.updated_at
                    AND NEW.finished_at IS NOT DISTINCT FROM
                        CASE WHEN status.outcome <> 'IN_PROGRESS' THEN reached.recorded_at END
            )
            OR NEW.run_url IS DISTINCT FROM (
                SELECT run_url FROM audit_entries
                WHERE deploy_id = NEW.id AND kind <> 'CALLBACK_REFUSED' AND attempt = NEW.attempt AND run_url <> ''
                ORDER BY sequence DESC LIMIT 1
            ) THEN
            RAISE integrity_constraint_violation USING MESSAGE = 'a deploy stands where its audit entries say';
        END IF;
        RETURN NEW;
    END
    $$
    """,
    """
    CREATE FUNCTION phaseline_moved() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NOT EXISTS (SELECT 1 FROM deploys WHERE id = NEW.deploy_id AND sequence >= NEW.sequence) THEN
            RAISE integrity_constraint_violation
                USING MESSAGE = 'an audit entry is recorded together with what it makes of its deploy';
        END IF;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE FUNCTION phaseline_began() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NOT EXISTS (SELECT 1 FROM audit_entries WHERE deploy_id = NEW.id AND sequence = 1) THEN
            RAISE integrity_constraint_violation
                USING MESSAGE = 'a deploy is recorded together with its first audit entry';
        END IF;
        RETURN NULL;
    END
    $$
    """,
    # Asked when the transaction is about to be committed.
    *(
        f"CREATE CONSTRAINT TRIGGER {name} AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED "
        f"FOR EACH ROW EXECUTE FUNCTION {function}()"
        for name, table, function in (
            ("audit_entries_moved", "audit_entries", "phaseline_moved"),
            ("deploys_began", "deploys", "phaseline_began"),
        )
    ),
    *(
        f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {function}()"
        for name, event, table, function in (
            ("audit_entries_append", "INSERT", "audit_entries", "phaseline_append"),
            ("deploys_start", "INSERT", "deploys", "phaseline_start"),
            ("deploys_follow_log", "UPDATE", "deploys", "phaseline_follow_log"),
        )
    ),
    *(
        f"CREATE TRIGGER {table}_keep_{event.lower()} BEFORE {event} ON {table} FOR EACH {each} "
        f"EXECUTE FUNCTION phaseline_keep('{message}')"
        for table, event, each, message in (
            ("audit_entries", "UPDATE", "ROW", "an audit entry is never changed"),
            ("audit_entries", "DELETE", "ROW", "an audit entry is never deleted"),
            ("audit_entries", "TRUNCATE", "STATEMENT", "an audit entry is never deleted"),
            ("deploys", "DELETE", "ROW", "a deploy is never deleted"),
            ("deploys", "TRUNCATE", "STATEMENT", "a deploy is never deleted"),
        )
    ),
]

# Dropped after the tables, whose triggers call them.
POSTGRESQL_FUNCTIONS = (
    "phaseline_append",
    "phaseline_keep",
    "phaseline_start",
    "phaseline_follow_log",
    "phaseline_moved",
    "phaseline_began",
)

GUARDS = {"sqlite": SQLITE_GUARDS, "postgresql": POSTGRESQL_GUARDS}


def upgrade() -> None:
    """Create everything, then fill the graph's tables."""
    _create_graph()
    _create_log()
    _create_guards()
    _fill()


def downgrade() -> None:
    """Drop everything. An audit log is not thrown away with it: it has to be empty."""
    entries = op.get_bind().execute(sa.text("SELECT count(*) FROM audit_entries")).scalar_one()
    if entries:
        raise RuntimeError(f"the audit log holds {entries} entries and is not dropped")
    for table in (
        "audit_entries",
        "deploys",
        "oldest_server",
        "pipeline_transitions",
        "pipeline_assertions",
        "pipeline_statuses",
        "pipeline_phases",
    ):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        for function in POSTGRESQL_FUNCTIONS:
            op.execute(f"DROP FUNCTION {function}")


def _create_guards() -> None:
    """On PostgreSQL the functions look at the tables of this schema, whatever anybody has put before them: temporary
    tables of the same names, say, which come first where nothing else is said."""
    database = op.get_bind()
    path = ""
    if database.dialect.name == "postgresql":
        path = f"SET search_path = {database.scalar(sa.text('SELECT quote_ident(current_schema())'))}, pg_temp"
    for guard in GUARDS[database.dialect.name]:
        op.execute(guard.replace("LANGUAGE plpgsql", f"LANGUAGE plpgsql {path}"))


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
        sa.Column("position", sa.Integer, nullable=False),
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
        "pipeline_assertions",
        sa.Column("pipeline", sa.String(64), nullable=False),
        sa.Column("status", sa.String(64), nullable=False),
        sa.Column("phase", sa.String(64), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("pipeline", "status", "phase", name="pk_pipeline_assertions"),
        sa.ForeignKeyConstraint(
            ["pipeline", "status"],
            ["pipeline_statuses.pipeline", "pipeline_statuses.key"],
            name="fk_pipeline_assertions_pipeline_status",
        ),
        sa.ForeignKeyConstraint(
            ["pipeline", "phase"],
            ["pipeline_phases.pipeline", "pipeline_phases.key"],
            name="fk_pipeline_assertions_pipeline_phase",
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
    op.create_table(
        "oldest_server",
        sa.Column("revision", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("revision", name="pk_oldest_server"),
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
    status = ("pipeline", "key", "label", "position", "phase", "outcome")
    statuses = sa.table("pipeline_statuses", *map(sa.column, status))
    op.bulk_insert(statuses, [dict(zip(status, ("console", *row), strict=True)) for row in STATUSES])
    assertion = ("pipeline", "status", "phase", "state")
    assertions = sa.table("pipeline_assertions", *map(sa.column, assertion))
    op.bulk_insert(assertions, [dict(zip(assertion, ("console", *row), strict=True)) for row in ASSERTIONS])
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
    op.bulk_insert(sa.table("oldest_server", sa.column("revision")), [{"revision": revision}])
