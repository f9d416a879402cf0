"""Who says what an entry records, GitHub's account of a run among it; and the tables of what GitHub is asked for.

Entries that are there already have no source, and keep their digests. Servers older than this revision write entries
without one, and know neither the graph's new rows nor whose they are, so they must not work on this database any more.

Revision: 0005
Revises: 0004
"""

import re
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

STATUS = ("abandoned", "Abandoned", 120, None, "ABANDONED")

UNTOLD = "the run has succeeded, and the callbacks between were lost"
UNTOLD_RERUN = "a re-run has ended, and its callbacks were lost"
ABANDONS = "nobody will report on it any more, as a person says"

GATES = ("smoke_running", "smoke_passed", "freeze_checking", "freeze_passed")
UNDER_WAY = ("queued", *GATES, "building", "deploying", "health_checking")

TRANSITIONS = [
    *((origin, "succeeded", UNTOLD, False, "GITHUB") for origin in ("queued", *GATES, "building")),
    *(
        (origin, target, UNTOLD_RERUN, True, "GITHUB")
        for origin in ("failed", "cancelled")
        for target in ("succeeded", "failed", "cancelled")
    ),
    *((origin, "abandoned", ABANDONS, False, "OPERATOR") for origin in UNDER_WAY),
]

KINDS = """
    kind IN ('DEPLOY_STARTED', 'TRANSITION', 'CALLBACK_REFUSED',
        'RUN_REPORTED', 'DISPATCH_UNCLEAR', 'CANCEL_REQUESTED', 'RERUN_REQUESTED')
"""
OLDER_KINDS = "kind IN ('DEPLOY_STARTED', 'TRANSITION', 'CALLBACK_REFUSED')"
SOURCES = """
    CASE source WHEN 'CALLBACK' THEN kind IN ('TRANSITION', 'CALLBACK_REFUSED')
        WHEN 'GITHUB' THEN kind IN ('TRANSITION', 'RUN_REPORTED')
        WHEN 'OPERATOR' THEN kind IN ('DEPLOY_STARTED', 'TRANSITION', 'CANCEL_REQUESTED', 'RERUN_REQUESTED')
        WHEN 'CONSOLE' THEN kind = 'DISPATCH_UNCLEAR'
        ELSE source IS NULL AND kind IN ('DEPLOY_STARTED', 'TRANSITION', 'CALLBACK_REFUSED') END
"""
RUN = """
    CASE WHEN run_status IS NULL THEN run_conclusion IS NULL AND kind <> 'RUN_REPORTED'
        ELSE source IS NOT NULL AND source = 'GITHUB' AND run_id IS NOT NULL END
"""
MOVES_NOTHING = "kind IN ('DEPLOY_STARTED', 'TRANSITION', 'CALLBACK_REFUSED') OR to_status = from_status"

# Those of 0001 that are others from here on.
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
        SELECT RAISE(ABORT, 'an audit entry has a source') WHERE NEW.source IS NULL;
        SELECT RAISE(ABORT, 'an audit entry begins where the entry before it left the deploy')
        WHERE NOT EXISTS (
            SELECT 1 FROM deploys
            WHERE id = NEW.deploy_id AND sequence = max(NEW.sequence - 1, 1)
                AND status = coalesce(NEW.from_status, NEW.to_status)
        );
        SELECT RAISE(ABORT, 'the transition graph has no such edge for this attempt and source')
        WHERE NEW.kind = 'TRANSITION' AND NOT EXISTS (
            SELECT 1 FROM deploys JOIN pipeline_transitions AS edge
                ON edge.pipeline = deploys.pipeline
            WHERE deploys.id = NEW.deploy_id
                AND edge.from_status = NEW.from_status AND edge.to_status = NEW.to_status
                AND NEW.attempt >= deploys.attempt + edge.new_attempt
                AND CASE WHEN edge.reported_by IS NULL THEN NEW.source IN ('CALLBACK', 'GITHUB')
                    ELSE NEW.source = edge.reported_by END
        );
        SELECT RAISE(ABORT, 'an audit entry that moves nothing is of the attempt that the deploy is in')
        WHERE NEW.kind NOT IN ('DEPLOY_STARTED', 'TRANSITION', 'CALLBACK_REFUSED') AND NOT EXISTS (
            SELECT 1 FROM deploys
            WHERE id = NEW.deploy_id
                AND (attempt = NEW.attempt OR (NEW.kind = 'RUN_REPORTED' AND attempt < NEW.attempt))
        );
        SELECT RAISE(ABORT, 'a deploy starts in attempt 1, when its first audit entry says')
        WHERE NEW.kind = 'DEPLOY_STARTED' AND (NEW.attempt <> 1 OR NEW.recorded_at IS NOT (
            SELECT started_at FROM deploys WHERE id = NEW.deploy_id
        ));
    END
    """,
    """
    CREATE TRIGGER deploys_follow_log BEFORE UPDATE ON deploys
    BEGIN
        SELECT RAISE(ABORT, 'what a deploy was started as is never changed')
        WHERE NEW.id IS NOT OLD.id OR NEW.environment IS NOT OLD.environment
            OR NEW.ref IS NOT OLD.ref OR NEW.pipeline IS NOT OLD.pipeline
            OR NEW.started_by IS NOT OLD.started_by OR NEW.started_at IS NOT OLD.started_at
            OR NEW.commit_sha IS NOT OLD.commit_sha OR NEW.request_id IS NOT OLD.request_id;
        SELECT RAISE(ABORT, 'a deploy stands where its audit entries say')
        WHERE NEW.sequence IS NOT (
                SELECT max(sequence) FROM audit_entries WHERE deploy_id = NEW.id
            )
            OR NOT EXISTS (
                SELECT 1 FROM (
                    SELECT to_status, attempt, recorded_at FROM audit_entries
                    WHERE deploy_id = NEW.id AND kind IN ('DEPLOY_STARTED', 'TRANSITION')
                    ORDER BY sequence DESC LIMIT 1
                ) AS reached JOIN pipeline_statuses AS status
                    ON status.pipeline = NEW.pipeline AND status.key = reached.to_status
                WHERE reached.to_status = NEW.status AND reached.attempt = NEW.attempt
                    AND reached.recorded_at = NEW.updated_at
                    AND NEW.finished_at IS CASE WHEN status.outcome <> 'IN_PROGRESS' THEN reached.recorded_at END
            )
            OR NEW.run_url IS NOT (
                SELECT run_url FROM audit_entries
                WHERE deploy_id = NEW.id AND attempt = NEW.attempt AND run_url <> ''
                    AND (kind IN ('DEPLOY_STARTED', 'TRANSITION') OR (kind = 'RUN_REPORTED' AND sequence > (
                        SELECT min(sequence) FROM audit_entries
                        WHERE deploy_id = NEW.id AND attempt = NEW.attempt AND kind IN ('DEPLOY_STARTED', 'TRANSITION')
                    )))
                ORDER BY sequence DESC LIMIT 1
            );
    END
    """,
]

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
        IF NEW.source IS NULL THEN
            RAISE integrity_constraint_violation USING MESSAGE = 'an audit entry has a source';
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
                AND CASE WHEN edge.reported_by IS NULL THEN NEW.source IN ('CALLBACK', 'GITHUB')
                    ELSE NEW.source = edge.reported_by END
        ) THEN
            RAISE integrity_constraint_violation
                USING MESSAGE = 'the transition graph has no such edge for this attempt and source';
        END IF;
        IF NEW.kind NOT IN ('DEPLOY_STARTED', 'TRANSITION', 'CALLBACK_REFUSED')
            AND NEW.attempt <> deploy.attempt AND (NEW.kind <> 'RUN_REPORTED' OR NEW.attempt < deploy.attempt) THEN
            RAISE integrity_constraint_violation
                USING MESSAGE = 'an audit entry that moves nothing is of the attempt that the deploy is in';
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
    CREATE FUNCTION phaseline_follow_log() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF (NEW.id, NEW.environment, NEW.ref, NEW.pipeline, NEW.started_by, NEW.started_at, NEW.commit_sha,
                NEW.request_id)
            IS DISTINCT FROM (OLD.id, OLD.environment, OLD.ref, OLD.pipeline, OLD.started_by, OLD.started_at,
                OLD.commit_sha, OLD.request_id) THEN
            RAISE integrity_constraint_violation
                USING MESSAGE = 'what a deploy was started as is never changed';
        END IF;
        IF NEW.sequence IS DISTINCT FROM (SELECT max(sequence) FROM audit_entries WHERE deploy_id = NEW.id)
            OR NOT EXISTS (
                SELECT 1 FROM (
                    SELECT to_status, attempt, recorded_at FROM audit_entries
                    WHERE deploy_id = NEW.id AND kind IN ('DEPLOY_STARTED', 'TRANSITION')
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
                WHERE deploy_id = NEW.id AND attempt = NEW.attempt AND run_url <> ''
                    AND (kind IN ('DEPLOY_STARTED', 'TRANSITION') OR (kind = 'RUN_REPORTED' AND sequence > (
                        SELECT min(sequence) FROM audit_entries
                        WHERE deploy_id = NEW.id AND attempt = NEW.attempt AND kind IN ('DEPLOY_STARTED', 'TRANSITION')
                    )))
                ORDER BY sequence DESC LIMIT 1
            ) THEN
            RAISE integrity_constraint_violation USING MESSAGE = 'a deploy stands where its audit entries say';
        END IF;
        RETURN NEW;
    END
    $$
    """,
]

GUARDS = {"sqlite": SQLITE_GUARDS, "postgresql": POSTGRESQL_GUARDS}

TABLES = ("environment_holds", "environment_queue", "dispatches", "webhook_deliveries", "duties")

# What an entry is made of, but for the columns that the database fills in.
COLUMNS = (
    *("id", "deploy_id", "sequence", "kind", "pipeline", "environment", "from_status", "to_status", "attempt"),
    *("actor", "refusal", "message", "run_id", "run_url", "recorded_at", "digest"),
)
ADDED = ("source", "run_status", "run_conclusion")

_STATUS = ("pipeline", "key", "label", "position", "phase", "outcome")
_TRANSITION = ("pipeline", "from_status", "to_status", "why", "new_attempt", "reported_by")
_statuses = sa.table("pipeline_statuses", *map(sa.column, _STATUS))
_transitions = sa.table(
    "pipeline_transitions",
    *(sa.column(name, sa.Boolean()) if name == "new_attempt" else sa.column(name) for name in _TRANSITION),
)


def upgrade() -> None:
    """Add the columns, the rows and the tables, and guard them."""
    _create_tables()
    op.add_column("pipeline_transitions", sa.Column("reported_by", sa.String(32)))
    for name in ("commit_sha", "request_id"):
        op.add_column("deploys", sa.Column(name, sa.String(64)))
    op.execute(
        "CREATE UNIQUE INDEX uq_deploys_request ON deploys (started_by, request_id) WHERE request_id IS NOT NULL"
    )
    _change_log(_upgrade_on_postgresql, ADDED, GUARDS)
    op.create_index("ix_audit_entries_source_recorded_at_id", "audit_entries", ["source", "recorded_at", "id"])
    _hurry(True)
    op.bulk_insert(_statuses, [dict(zip(_STATUS, ("console", *STATUS), strict=True))])
    op.bulk_insert(_transitions, [dict(zip(_TRANSITION, ("console", *row), strict=True)) for row in TRANSITIONS])
    op.execute("UPDATE oldest_server SET revision = '0005'")


def downgrade() -> None:
    """Take all of it away, unless the log holds entries with a source: their digests are over it."""
    entries = op.get_bind().execute(sa.text("SELECT count(*) FROM audit_entries WHERE source IS NOT NULL")).scalar_one()
    if entries:
        raise RuntimeError(
            f"{entries} audit entries have a source, which revision 0004 cannot keep, "
            "and audit entries are never changed"
        )
    op.execute("UPDATE oldest_server SET revision = '0003'")
    op.execute(sa.delete(_transitions).where(_transitions.c.reported_by.is_not(None)))
    op.execute(sa.delete(_statuses).where(_statuses.c.pipeline == "console", _statuses.c.key == STATUS[0]))
    op.drop_index("ix_audit_entries_source_recorded_at_id", table_name="audit_entries")
    op.drop_index("uq_deploys_request", table_name="deploys")
    _change_log(_downgrade_on_postgresql, (), _older_guards())
    _hurry(True)
    for name in ("request_id", "commit_sha"):
        op.drop_column("deploys", name)
    op.drop_column("pipeline_transitions", "reported_by")
    for table in TABLES:
        op.drop_table(table)


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _hurry(hurries: bool) -> None:
    """Servers of the other version can do nothing with this database as soon as it is done: no time-out helps them. How
    long others are kept waiting for a lock stays as it is."""
    if _is_postgresql():
        op.execute(f"SET LOCAL statement_timeout = '{'10s' if hurries else '0'}'")


def _change_log(on_postgresql: Callable[[], None], added: tuple[str, ...], guards: dict[str, list[str]]) -> None:
    """Give entries these columns beside those of 0004, and put these guards in the place of those of their names."""
    if _is_postgresql():
        _hurry(False)
        on_postgresql()
        path = op.get_bind().scalar(sa.text("SELECT quote_ident(current_schema())"))
        for guard in guards["postgresql"]:
            replacing = guard.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
            op.execute(replacing.replace("LANGUAGE plpgsql", f"LANGUAGE plpgsql SET search_path = {path}, pg_temp"))
    else:
        names = [re.findall(r"CREATE TRIGGER (\w+)", guard)[0] for guard in guards["sqlite"]]
        for name in names:
            op.execute(f"DROP TRIGGER {name}")
        _rebuild_log(added)
        for guard in guards["sqlite"]:
            op.execute(guard)


def _upgrade_on_postgresql() -> None:
    # In one statement, so that every row is looked at once: nobody can read or write meanwhile.
    op.execute("ALTER TABLE audit_entries DROP CONSTRAINT ck_audit_entries_kind")
    columns = [f"ADD COLUMN {name} VARCHAR(32)" for name in ADDED]
    checks = [f"ADD CONSTRAINT {name} CHECK ({condition})" for name, condition in _checks(is_newer=True).items()]
    op.execute(f"ALTER TABLE audit_entries {', '.join(columns + checks)}")


def _downgrade_on_postgresql() -> None:
    for name in _checks(is_newer=True):
        op.execute(f"ALTER TABLE audit_entries DROP CONSTRAINT {name}")
    for name in ADDED:
        op.drop_column("audit_entries", name)
    for name, condition in _checks(is_newer=False).items():
        op.execute(f"ALTER TABLE audit_entries ADD CONSTRAINT {name} CHECK ({condition})")


def _checks(*, is_newer: bool) -> dict[str, str]:
    """Those that are others in this revision than in the one before, or are not there."""
    if not is_newer:
        return {"ck_audit_entries_kind": OLDER_KINDS}
    return {
        "ck_audit_entries_kind": " ".join(KINDS.split()),
        "ck_audit_entries_source": " ".join(SOURCES.split()),
        "ck_audit_entries_run": " ".join(RUN.split()),
        "ck_audit_entries_moves_nothing": MOVES_NOTHING,
    }


def _rebuild_log(added: tuple[str, ...]) -> None:
    """SQLite changes no check. Every row is copied as it is, and what belongs to the table is made again as it was.

    No trigger of another table may speak of this one meanwhile.
    """
    database = op.get_bind()
    definitions = database.exec_driver_sql(
        "SELECT sql FROM sqlite_master WHERE tbl_name = 'audit_entries' AND type IN ('index', 'trigger') "
        "AND sql IS NOT NULL"
    ).scalars()
    belongings = list(definitions)
    counter = database.exec_driver_sql("SELECT seq FROM sqlite_sequence WHERE name = 'audit_entries'").scalar()
    _create_log("audit_entries_anew", added)
    names = ", ".join(COLUMNS)
    op.execute(f"INSERT INTO audit_entries_anew ({names}) SELECT {names} FROM audit_entries ORDER BY id")
    op.drop_table("audit_entries")
    op.rename_table("audit_entries_anew", "audit_entries")
    database.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name IN ('audit_entries', 'audit_entries_anew')")
    if counter is not None:
        database.exec_driver_sql("INSERT INTO sqlite_sequence (name, seq) VALUES ('audit_entries', ?)", (counter,))
    for definition in belongings:
        database.exec_driver_sql(definition)


def _create_log(table: str, added: tuple[str, ...]) -> None:
    edge = {"edge_from": "from_status", "edge_to": "to_status"}
    digest = sa.CheckConstraint("length(digest) = 64", name="ck_audit_entries_digest")
    op.create_table(
        table,
        sa.Column("id", sa.Integer, nullable=False),
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
        # In 0004 its check is the column's own, which 0003 drops with it on the way down.
        sa.Column("digest", sa.String(64), *(() if added else (digest,))),
        *(sa.Column(name, sa.String(32)) for name in added),
        *(
            sa.Column(name, sa.String(64), sa.Computed(f"CASE WHEN kind = 'TRANSITION' THEN {of} END", persisted=True))
            for name, of in edge.items()
        ),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entries"),
        sa.ForeignKeyConstraint(
            ["pipeline", "edge_from", "edge_to"],
            [f"pipeline_transitions.{name}" for name in ("pipeline", "from_status", "to_status")],
            name="fk_audit_entries_pipeline_edge_from_edge_to",
        ),
        sa.ForeignKeyConstraint(["deploy_id"], ["deploys.id"], name="fk_audit_entries_deploy_id"),
        sa.UniqueConstraint("deploy_id", "sequence", name="uq_audit_entries_deploy_id_sequence"),
        sa.CheckConstraint("sequence >= 1", name="ck_audit_entries_sequence"),
        sa.CheckConstraint("attempt >= 1", name="ck_audit_entries_attempt"),
        sa.CheckConstraint("(kind = 'DEPLOY_STARTED') = (sequence = 1)", name="ck_audit_entries_starts_first"),
        sa.CheckConstraint("(kind = 'DEPLOY_STARTED') = (from_status IS NULL)", name="ck_audit_entries_from_status"),
        sa.CheckConstraint("(kind = 'CALLBACK_REFUSED') = (refusal IS NOT NULL)", name="ck_audit_entries_refusal"),
        *((digest,) if added else ()),
        *(sa.CheckConstraint(condition, name=name) for name, condition in _checks(is_newer=bool(added)).items()),
        sqlite_autoincrement=True,
    )


def _older_guards() -> dict[str, list[str]]:
    """Those of 0001 that this revision has replaced."""
    place = spec_from_file_location("older_graph", Path(__file__).with_name("0001_older_graph.py"))
    assert place is not None
    assert place.loader is not None
    older = module_from_spec(place)
    place.loader.exec_module(older)
    made = re.compile(r"CREATE (?:TRIGGER|FUNCTION) \w+")
    return {
        dialect: [
            guard
            for guard in older.GUARDS[dialect]
            if made.findall(guard)[:1] in [made.findall(replacing)[:1] for replacing in guards]
        ]
        for dialect, guards in GUARDS.items()
    }


def _create_tables() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "environment_holds",
        sa.Column("environment", sa.String(64), nullable=False),
        sa.Column("deploy_id", sa.String(36), nullable=False),
        sa.Column("since", time, nullable=False),
        sa.PrimaryKeyConstraint("environment", name="pk_environment_holds"),
        sa.ForeignKeyConstraint(["deploy_id"], ["deploys.id"], name="fk_environment_holds_deploy_id"),
        sa.UniqueConstraint("deploy_id", name="uq_environment_holds_deploy_id"),
    )
    op.create_table(
        "environment_queue",
        sa.Column("deploy_id", sa.String(36), nullable=False),
        sa.Column("environment", sa.String(64), nullable=False),
        sa.Column("place", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("deploy_id", name="pk_environment_queue"),
        sa.ForeignKeyConstraint(["deploy_id"], ["deploys.id"], name="fk_environment_queue_deploy_id"),
    )
    op.create_index("ix_environment_queue_environment_place", "environment_queue", ["environment", "place"])
    op.create_table(
        "dispatches",
        sa.Column("deploy_id", sa.String(36), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("repository", sa.String(255), nullable=False),
        sa.Column("workflow", sa.String(255), nullable=False),
        sa.Column("ref", sa.String(255), nullable=False),
        sa.Column("run_id", sa.String(64)),
        sa.Column("reason", sa.String(500)),
        sa.Column("updated_at", time, nullable=False),
        sa.PrimaryKeyConstraint("deploy_id", name="pk_dispatches"),
        sa.ForeignKeyConstraint(["deploy_id"], ["deploys.id"], name="fk_dispatches_deploy_id"),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("received_at", time, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_deliveries"),
    )
    op.create_index("ix_webhook_deliveries_received_at", "webhook_deliveries", ["received_at"])
    op.create_table(
        "duties",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("holder", sa.String(255), nullable=False),
        sa.Column("until", time, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_duties"),
    )
