"""Who may call, and digests of audit entries.

Entries that are there already are given their digests, by the format that digests have from here on. Servers older
than this revision write entries without one, so they must not work on this database any more.

Revision: 0003
Revises: 0002
"""

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

# Written down here once more, because a migration means for ever what it meant at first.
FORMAT = "phaseline-audit-1"

# Entries that are read and written at once.
BATCH = 1000

SQLITE_GUARD = """
    CREATE TRIGGER audit_entries_digest BEFORE INSERT ON audit_entries WHEN NEW.digest IS NULL
    BEGIN
        SELECT RAISE(ABORT, 'an audit entry has a digest');
    END
"""
# As 0001 has it.
SQLITE_KEEP_UPDATE = """
    CREATE TRIGGER audit_entries_keep_update BEFORE UPDATE ON audit_entries
    BEGIN
        SELECT RAISE(ABORT, 'an audit entry is never changed');
    END
"""
POSTGRESQL_GUARD = (
    "CREATE TRIGGER audit_entries_digest BEFORE INSERT ON audit_entries FOR EACH ROW WHEN (NEW.digest IS NULL) "
    "EXECUTE FUNCTION phaseline_keep('an audit entry has a digest')"
)
GUARDS = {"sqlite": [SQLITE_GUARD], "postgresql": [POSTGRESQL_GUARD]}


def upgrade() -> None:
    """Add the tables of callers, and give every entry its digest."""
    _create_callers()
    _add_digests()
    op.execute(sa.text("UPDATE oldest_server SET revision = :revision").bindparams(revision=revision))


def downgrade() -> None:
    """Forget who may call, and the digests: they can be computed again."""
    if _is_postgresql():
        op.execute("DROP TRIGGER audit_entries_digest ON audit_entries")
    else:
        op.execute("DROP TRIGGER audit_entries_digest")
    op.drop_column("audit_entries", "digest")  # and with it the check upon it
    for table in ("used_id_tokens", "deploy_runs", "sign_ins", "tokens"):
        op.drop_table(table)
    op.execute("UPDATE oldest_server SET revision = '0001'")


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _add_digests() -> None:
    op.execute(
        "ALTER TABLE audit_entries ADD COLUMN digest VARCHAR(64) "
        "CONSTRAINT ck_audit_entries_digest CHECK (length(digest) = 64)"
    )
    _may_change_entries(True)
    _fill()
    _may_change_entries(False)
    op.execute(POSTGRESQL_GUARD if _is_postgresql() else SQLITE_GUARD)


def _may_change_entries(may: bool) -> None:
    if _is_postgresql():
        op.execute(f"ALTER TABLE audit_entries {'DISABLE' if may else 'ENABLE'} TRIGGER audit_entries_keep_update")
    else:
        op.execute("DROP TRIGGER audit_entries_keep_update" if may else SQLITE_KEEP_UPDATE)


def _fill() -> None:
    """In batches, each read by an index: a log may be longer than memory is large, and no statement is to take long."""
    connection = op.get_bind()
    place, previous = ("", 0), None
    while rows := connection.execute(_next_entries(*place)).all():
        digests = {}
        for row in rows:
            previous = _digest(row, previous if row.deploy_id == place[0] else None)
            place = (row.deploy_id, row.sequence)
            digests[row.id] = previous
        _write(connection, digests)


def _next_entries(deploy_id: str, sequence: int) -> sa.Select[Any]:
    """The entries after this one, deploy by deploy, with what no entry holds of its deploy."""
    names = (
        *("id", "deploy_id", "sequence", "kind", "pipeline", "environment", "from_status", "to_status", "attempt"),
        *("actor", "refusal", "message", "run_id", "run_url"),
    )
    time = sa.column("recorded_at", sa.DateTime(timezone=True))
    entries = sa.table("audit_entries", *map(sa.column, names), time)
    deploys = sa.table("deploys", *map(sa.column, ("id", "ref")))
    place = sa.tuple_(entries.c.deploy_id, entries.c.sequence)
    return (
        sa.select(entries, deploys.c.ref)
        .join_from(entries, deploys, entries.c.deploy_id == deploys.c.id)
        .where(place > sa.tuple_(deploy_id, sequence))
        .order_by(entries.c.deploy_id, entries.c.sequence)
        .limit(BATCH)
    )


def _write(connection: sa.Connection, digests: dict[int, str]) -> None:
    if _is_postgresql():
        # One statement for all of them: one for each takes four times as long.
        given = (
            sa.func.unnest(
                sa.cast(list(digests), sa.ARRAY(sa.BigInteger)), sa.cast(list(digests.values()), sa.ARRAY(sa.String))
            )
            .table_valued("id", "digest", name="given")
            .render_derived()
        )
        entries = sa.table("audit_entries", sa.column("id"), sa.column("digest"))
        connection.execute(sa.update(entries).where(entries.c.id == given.c.id).values(digest=given.c.digest))
    else:
        change = "UPDATE audit_entries SET digest = ? WHERE id = ?"
        connection.exec_driver_sql(change, [(digest, entry) for entry, digest in digests.items()])


def _digest(row: sa.Row[Any], previous: str | None) -> str:
    members = {
        "actor": row.actor,
        "attempt": row.attempt,
        "deployId": row.deploy_id,
        "environment": row.environment,
        "format": FORMAT,
        "fromStatus": row.from_status,
        "id": str(row.id),
        "kind": row.kind,
        "message": row.message,
        "pipeline": row.pipeline,
        "previous": previous,
        "recordedAt": _time(row.recorded_at),
        "ref": row.ref,
        "refusal": row.refusal,
        "runId": row.run_id,
        "runUrl": row.run_url,
        "sequence": row.sequence,
        "toStatus": row.to_status,
    }
    return sha256(json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


def _time(value: datetime) -> str:
    in_utc = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return in_utc.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _create_callers() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "tokens",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("environments", sa.Text),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("created_at", time, nullable=False),
        sa.Column("expires_at", time),
        sa.Column("revoked_at", time),
        sa.Column("last_used_at", time),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
        sa.UniqueConstraint("name", name="uq_tokens_name"),
        sa.UniqueConstraint("hash", name="uq_tokens_hash"),
    )
    op.create_table(
        "sign_ins",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("environments", sa.Text),
        sa.Column("token_id", sa.String(36)),
        sa.Column("created_at", time, nullable=False),
        sa.Column("expires_at", time, nullable=False),
        sa.Column("ended_at", time),
        sa.PrimaryKeyConstraint("id", name="pk_sign_ins"),
        sa.ForeignKeyConstraint(["token_id"], ["tokens.id"], name="fk_sign_ins_token_id"),
        sa.UniqueConstraint("hash", name="uq_sign_ins_hash"),
    )
    op.create_table(
        "deploy_runs",
        sa.Column("deploy_id", sa.String(36), nullable=False),
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("run_id", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("deploy_id", name="pk_deploy_runs"),
        sa.ForeignKeyConstraint(["deploy_id"], ["deploys.id"], name="fk_deploy_runs_deploy_id"),
    )
    op.create_index("ix_deploy_runs_issuer_run_id", "deploy_runs", ["issuer", "run_id"])
    op.create_table(
        "used_id_tokens",
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("jti", sa.String(255), nullable=False),
        sa.Column("callback", sa.String(64), nullable=False),
        sa.Column("deploy_id", sa.String(36), nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("refusal", sa.Text),
        sa.Column("expires_at", time, nullable=False),
        sa.PrimaryKeyConstraint("issuer", "jti", name="pk_used_id_tokens"),
        sa.ForeignKeyConstraint(["deploy_id"], ["deploys.id"], name="fk_used_id_tokens_deploy_id"),
    )
    op.create_index("ix_used_id_tokens_expires_at", "used_id_tokens", ["expires_at"])
