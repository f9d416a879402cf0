"""A version after this one: the same code, with one more migration."""

from pathlib import Path

from tests.versions.copies import copy_to

_MIGRATION = '''"""A canary phase after the deploy, and a column that older servers do not know."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

TRANSITION = ("pipeline", "from_status", "to_status", "why", "new_attempt")
ROWS = (
    ("pipeline_phases", "'console', 'canary', 'Canary', 5"),
    ("pipeline_statuses", "'console', 'canary_running', 'Canary running', 75, 'canary', 'IN_PROGRESS'"),
    ("pipeline_assertions", "'console', 'canary_running', 'deploy', 'PASSED'"),
    ("pipeline_assertions", "'console', 'canary_running', 'canary', 'ACTIVE'"),
    ("pipeline_transitions", "'console', 'deploying', 'canary_running', 'a canary is deployed first', false"),
    ("pipeline_transitions", "'console', 'canary_running', 'succeeded', 'the canary lives', false"),
    ("pipeline_transitions", "'console', 'canary_running', 'failed', 'the canary dies', false"),
)


def upgrade():
    for table, values in ROWS:
        columns = f"({', '.join(TRANSITION)})" if table == "pipeline_transitions" else ""
        op.execute(f"INSERT INTO {table} {columns} VALUES ({values})")
    op.add_column("deploys", sa.Column("canary", sa.String(64)))
    op.execute("UPDATE oldest_server SET revision = '%(oldest)s'")


def downgrade():
    op.drop_column("deploys", "canary")
    op.execute("UPDATE oldest_server SET revision = '0006'")
    op.execute("DELETE FROM pipeline_transitions WHERE 'canary_running' IN (from_status, to_status)")
    op.execute("DELETE FROM pipeline_assertions WHERE status = 'canary_running'")
    op.execute("DELETE FROM pipeline_statuses WHERE key = 'canary_running'")
    op.execute("DELETE FROM pipeline_phases WHERE key = 'canary'")
'''


def make(folder: Path, oldest: str) -> Path:
    """Write its code into this folder, and return it; servers older than `oldest` cannot live with its migration."""
    copy_to(folder)
    (folder / "migrations" / "versions" / "0007_canary.py").write_text(_MIGRATION % {"oldest": oldest})
    return folder
