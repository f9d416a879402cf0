"""Indexes, so that every filter of a list finds its page without looking at what it leaves out.

Nothing else changes, so servers of 0003 work on this database as before, and it stays theirs as well.

Revision: 0004
Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"

# By name: what each is on. PostgreSQL can make these while servers write, before this migration begins: `phaseline
# migrate` does, and finds them here. Those that are there already are left as they are.
INDEXES = {
    "ix_audit_entries_recorded_at_id": "audit_entries (recorded_at, id)",
    "ix_audit_entries_environment_recorded_at_id": "audit_entries (environment, recorded_at, id)",
    "ix_audit_entries_actor_recorded_at_id": "audit_entries (actor, recorded_at, id)",
    "ix_audit_entries_to_status_recorded_at_id": "audit_entries (to_status, recorded_at, id)",
    "ix_audit_entries_kind_recorded_at_id": "audit_entries (kind, recorded_at, id)",
    "ix_deploys_in_progress": "deploys (pipeline, started_at, id) WHERE finished_at IS NULL",
    "ix_deploys_in_progress_in": "deploys (environment, pipeline, started_at, id) WHERE finished_at IS NULL",
    "ix_deploys_ended": "deploys (pipeline, status, started_at, id) WHERE finished_at IS NOT NULL",
    "ix_deploys_ended_in": "deploys (environment, pipeline, status, started_at, id) WHERE finished_at IS NOT NULL",
}

# What one of them has made needless.
REPLACED = "ix_audit_entries_environment_id"


def upgrade() -> None:
    """Make those that are not there yet."""
    for name, place in INDEXES.items():
        op.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {place}")
    op.drop_index(REPLACED, table_name="audit_entries")


def downgrade() -> None:
    """Back to the one that was there before."""
    op.create_index(REPLACED, "audit_entries", ["environment", "id"])
    for name in INDEXES:
        op.execute(f"DROP INDEX {name}")
