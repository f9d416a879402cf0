"""The four gate statuses, the health check, cancellation, and re-runs: rows only.

Nothing that 0001 put there changes, so servers as old as 0001 go on working, and `oldest_server` stays as it is.

Revision: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

STATUSES = [
    ("smoke_running", "Smoke gate running", 20, "smoke_gate", "IN_PROGRESS"),
    ("smoke_passed", "Smoke gate passed", 30, "smoke_gate", "IN_PROGRESS"),
    ("freeze_checking", "Checking for a freeze", 40, "freeze_check", "IN_PROGRESS"),
    ("freeze_passed", "Freeze check passed", 50, "freeze_check", "IN_PROGRESS"),
    ("health_checking", "Checking health", 80, "health_check", "IN_PROGRESS"),
    ("cancelled", "Cancelled", 110, None, "CANCELLED"),
]

ASSERTIONS = [
    ("smoke_running", "smoke_gate", "ACTIVE"),
    ("smoke_passed", "smoke_gate", "PASSED"),
    ("freeze_checking", "freeze_check", "ACTIVE"),
    ("freeze_passed", "freeze_check", "PASSED"),
    ("health_checking", "deploy", "PASSED"),
    ("health_checking", "health_check", "ACTIVE"),
]

LOST = "a lost or refused gate callback must not wedge the deploy"
RERUN = "a re-run starts where the earlier attempt failed or was cancelled"
FAILS = "a run can fail at any point"
CANCELS = "a run can be cancelled at any point"

TRANSITIONS = [
    ("queued", "smoke_running", "the first report of a run", False),
    ("queued", "smoke_passed", LOST, False),
    ("queued", "freeze_checking", LOST, False),
    ("queued", "freeze_passed", LOST, False),
    ("queued", "cancelled", CANCELS, False),
    ("smoke_running", "smoke_passed", "the smoke gate passes", False),
    ("smoke_running", "freeze_checking", LOST, False),
    ("smoke_running", "freeze_passed", LOST, False),
    ("smoke_running", "building", LOST, False),
    ("smoke_running", "failed", FAILS, False),
    ("smoke_running", "cancelled", CANCELS, False),
    ("smoke_passed", "freeze_checking", "the freeze check begins", False),
    ("smoke_passed", "freeze_passed", LOST, False),
    ("smoke_passed", "building", LOST, False),
    ("smoke_passed", "failed", FAILS, False),
    ("smoke_passed", "cancelled", CANCELS, False),
    ("freeze_checking", "freeze_passed", "the freeze check passes", False),
    ("freeze_checking", "building", LOST, False),
    ("freeze_checking", "failed", FAILS, False),
    ("freeze_checking", "cancelled", CANCELS, False),
    ("freeze_passed", "building", "the gates are open and the deploy begins", False),
    ("freeze_passed", "failed", FAILS, False),
    ("freeze_passed", "cancelled", CANCELS, False),
    ("building", "cancelled", CANCELS, False),
    ("deploying", "health_checking", "the roll-out is done and its health is checked", False),
    ("deploying", "cancelled", CANCELS, False),
    ("health_checking", "succeeded", "the health check passes", False),
    ("health_checking", "failed", FAILS, False),
    ("health_checking", "cancelled", CANCELS, False),
    ("failed", "smoke_running", RERUN, True),
    ("failed", "smoke_passed", LOST, True),
    ("failed", "freeze_checking", RERUN, True),
    ("failed", "freeze_passed", LOST, True),
    ("failed", "building", RERUN, True),
    ("failed", "health_checking", RERUN, True),
    ("cancelled", "smoke_running", RERUN, True),
    ("cancelled", "smoke_passed", LOST, True),
    ("cancelled", "freeze_checking", RERUN, True),
    ("cancelled", "freeze_passed", LOST, True),
    ("cancelled", "building", RERUN, True),
    ("cancelled", "health_checking", RERUN, True),
]

_STATUS = ("pipeline", "key", "label", "position", "phase", "outcome")
_ASSERTION = ("pipeline", "status", "phase", "state")
_TRANSITION = ("pipeline", "from_status", "to_status", "why", "new_attempt")
_statuses = sa.table("pipeline_statuses", *map(sa.column, _STATUS))
_assertions = sa.table("pipeline_assertions", *map(sa.column, _ASSERTION))
_transitions = sa.table("pipeline_transitions", *map(sa.column, _TRANSITION[:-1]), sa.column("new_attempt", sa.Boolean))
_entries = sa.table("audit_entries", *map(sa.column, ("pipeline", "edge_from", "edge_to")))


def upgrade() -> None:
    """Add the rows."""
    for table, columns, rows in (
        (_statuses, _STATUS, STATUSES),
        (_assertions, _ASSERTION, ASSERTIONS),
        (_transitions, _TRANSITION, TRANSITIONS),
    ):
        op.bulk_insert(table, [dict(zip(columns, ("console", *row), strict=True)) for row in rows])


def downgrade() -> None:
    """Take the rows away, unless the log holds moves that the older graph cannot express."""
    edges = [(origin, target) for origin, target, _, _ in TRANSITIONS]
    taken = (
        sa.select(sa.func.count())
        .select_from(_entries)
        .where(
            _entries.c.pipeline == "console",
            sa.tuple_(_entries.c.edge_from, _entries.c.edge_to).in_(edges),
        )
    )
    entries = op.get_bind().execute(taken).scalar_one()
    if entries:
        raise RuntimeError(
            f"{entries} audit entries took transitions that the older graph does not have, "
            "and audit entries are never deleted"
        )
    op.execute(
        sa.delete(_transitions).where(
            _transitions.c.pipeline == "console",
            sa.tuple_(_transitions.c.from_status, _transitions.c.to_status).in_(edges),
        )
    )
    keys = [key for key, *_ in STATUSES]
    op.execute(
        sa.delete(_assertions).where(_assertions.c.pipeline == "console", _assertions.c.status.in_(keys)),
    )
    op.execute(sa.delete(_statuses).where(_statuses.c.pipeline == "console", _statuses.c.key.in_(keys)))
