"""Requests to GitHub that have failed, and what an operator may cancel: a deploy for which nothing was sent.

From here on servers keep who has an environment to himself, and hand it on when a deploy ends. One that is older would
end a deploy and keep its environment from everybody for good, so it must not work on this database any more.

Revision: 0006
Revises: 0005
"""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

KINDS = """
    kind IN ('DEPLOY_STARTED', 'TRANSITION', 'CALLBACK_REFUSED',
        'RUN_REPORTED', 'DISPATCH_UNCLEAR', 'CANCEL_REQUESTED', 'RERUN_REQUESTED', 'REQUEST_FAILED')
"""
SOURCES = """
    CASE source WHEN 'CALLBACK' THEN kind IN ('TRANSITION', 'CALLBACK_REFUSED')
        WHEN 'GITHUB' THEN kind IN ('TRANSITION', 'RUN_REPORTED', 'REQUEST_FAILED')
        WHEN 'OPERATOR' THEN kind IN ('DEPLOY_STARTED', 'TRANSITION', 'CANCEL_REQUESTED', 'RERUN_REQUESTED')
        WHEN 'CONSOLE' THEN kind IN ('DISPATCH_UNCLEAR', 'REQUEST_FAILED')
        ELSE source IS NULL AND kind IN ('DEPLOY_STARTED', 'TRANSITION', 'CALLBACK_REFUSED') END
"""

# Whose an edge is in 0005, and what is added to it: from the start to the end of what was cancelled it is an operator's
# too, as long as nobody was asked for a run. One that was asked has begun it, or may have.
BY_SOURCE = """
                AND CASE WHEN edge.reported_by IS NULL THEN NEW.source IN ('CALLBACK', 'GITHUB')
                    ELSE NEW.source = edge.reported_by END
"""
OR_WITHDRAWN = """
                AND (CASE WHEN edge.reported_by IS NULL THEN NEW.source IN ('CALLBACK', 'GITHUB')
                    ELSE NEW.source = edge.reported_by END
                    OR (NEW.source = 'OPERATOR'
                        AND EXISTS (
                            SELECT 1 FROM pipeline_statuses AS ending
                            WHERE ending.pipeline = edge.pipeline AND ending.key = edge.to_status
                                AND ending.outcome = 'CANCELLED'
                        )
                        AND NOT EXISTS (
                            SELECT 1 FROM pipeline_transitions AS arriving
                            WHERE arriving.pipeline = edge.pipeline AND arriving.to_status = edge.from_status
                        )
                        AND coalesce(
                            (SELECT state IN ('waiting', 'pending') FROM dispatches WHERE deploy_id = NEW.deploy_id),
                            EXISTS (SELECT 1 FROM environment_queue WHERE deploy_id = NEW.deploy_id)
                        )))
"""

# By name: what each is on. PostgreSQL can make them while servers write, as those of 0004. By them is found what was
# deployed last, by the time at which it had succeeded; of which deploys a run is that GitHub tells of; and what GitHub
# says of re-runs.
INDEXES = {
    "ix_deploys_ended_last_in": (
        "deploys (environment, pipeline, status, finished_at, id) WHERE finished_at IS NOT NULL"
    ),
    "ix_audit_entries_run_id": "audit_entries (run_id) WHERE run_id IS NOT NULL",
    "ix_audit_entries_run_again": (
        "audit_entries (environment, deploy_id) WHERE kind = 'RUN_REPORTED' AND attempt > 1"
    ),
}

# What 0005 could not keep: entries, and deploys that are still to be handed on or sent.
NEWER_ENTRIES = """
    SELECT count(*) FROM audit_entries WHERE kind = 'REQUEST_FAILED'
        OR (kind = 'TRANSITION' AND source = 'OPERATOR' AND to_status IN (
            SELECT key FROM pipeline_statuses
            WHERE pipeline_statuses.pipeline = audit_entries.pipeline AND outcome = 'CANCELLED'
        ))
"""
STILL_TO_GO = """
    SELECT (SELECT count(*) FROM environment_queue)
        + (SELECT count(*) FROM dispatches JOIN deploys ON deploys.id = dispatches.deploy_id
            WHERE dispatches.state IN ('pending', 'sending', 'unclear') AND deploys.finished_at IS NULL)
"""


def _before() -> ModuleType:
    """The migration that has made the log what it is here."""
    place = spec_from_file_location("sources", Path(__file__).with_name("0005_sources.py"))
    assert place is not None
    assert place.loader is not None
    found = module_from_spec(place)
    place.loader.exec_module(found)
    return found


def _replaced(guard: str, changes: dict[str, str]) -> str:
    for older, newer in changes.items():
        assert guard.count(older) == 1
        guard = guard.replace(older, newer)
    return guard


_SOURCES = _before()
_APPEND, _FOLLOW_LOG = _SOURCES.SQLITE_GUARDS
_APPEND_ON_POSTGRESQL, _ = _SOURCES.POSTGRESQL_GUARDS

# On SQLite the second guard speaks of the table that is made anew, and has to be made again after it. On PostgreSQL the
# row of a deploy is locked so that a row of another table can name it meanwhile: its environment is handed on to it.
GUARDS = {
    "sqlite": [_replaced(_APPEND, {BY_SOURCE: OR_WITHDRAWN}), _FOLLOW_LOG],
    "postgresql": [
        _replaced(_APPEND_ON_POSTGRESQL, {BY_SOURCE: OR_WITHDRAWN, " FOR UPDATE;": " FOR NO KEY UPDATE;"}),
    ],
}
_OLDER_GUARDS = {"sqlite": _SOURCES.SQLITE_GUARDS, "postgresql": [_APPEND_ON_POSTGRESQL]}


def upgrade() -> None:
    """Let the log hold the new kind, and operators cancel what was not sent."""
    for name, place in INDEXES.items():
        op.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {place}")
    op.create_index("ix_dispatches_state_updated_at", "dispatches", ["state", "updated_at"])
    op.execute("CREATE INDEX ix_dispatches_run_id ON dispatches (run_id) WHERE run_id IS NOT NULL")
    _change_log(KINDS, SOURCES, GUARDS)
    op.execute("UPDATE oldest_server SET revision = '0006'")


def downgrade() -> None:
    """Take it away again, unless the log holds what 0005 cannot keep, or deploys are still to be handed on or sent.

    Who has an environment to himself is forgotten with it: servers of 0005 would not hand it on.
    """
    database = op.get_bind()
    if entries := database.execute(sa.text(NEWER_ENTRIES)).scalar_one():
        raise RuntimeError(
            f"{entries} audit entries say what revision 0005 cannot keep: a request to GitHub that has failed, or a "
            "deploy that was cancelled before anything was sent; and audit entries are never changed"
        )
    if deploys := database.execute(sa.text(STILL_TO_GO)).scalar_one():
        raise RuntimeError(
            f"{deploys} deploys wait for their environment or for GitHub, which servers of revision 0005 know nothing "
            "of: let them go on, or cancel or abandon them"
        )
    op.execute("DELETE FROM environment_holds")
    op.execute("UPDATE oldest_server SET revision = '0005'")
    _change_log(_SOURCES.KINDS, _SOURCES.SOURCES, _OLDER_GUARDS)
    op.drop_index("ix_dispatches_run_id", table_name="dispatches")
    op.drop_index("ix_dispatches_state_updated_at", table_name="dispatches")
    for name in INDEXES:
        op.execute(f"DROP INDEX IF EXISTS {name}")


def _change_log(kinds: str, sources: str, guards: dict[str, list[str]]) -> None:
    """Hold entries to these checks and these guards, by the means of the migration before, and with all its columns."""
    by = _before()
    vars(by).update(KINDS=kinds, SOURCES=sources, COLUMNS=(*by.COLUMNS, *by.ADDED))
    by._change_log(lambda: _checks_on_postgresql(kinds, sources), by.ADDED, guards)
    by._hurry(True)


def _checks_on_postgresql(kinds: str, sources: str) -> None:
    # In one statement, so that every row is looked at once: nobody can read or write meanwhile.
    changes = [
        f"{verb} CONSTRAINT ck_audit_entries_{name}{condition}"
        for name, condition in (("kind", kinds), ("source", sources))
        for verb, condition in (("DROP", ""), ("ADD", f" CHECK ({' '.join(condition.split())})"))
    ]
    op.execute(f"ALTER TABLE audit_entries {', '.join(changes)}")
