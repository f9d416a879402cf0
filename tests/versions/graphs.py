"""Two versions that differ in their graphs alone: what 0002 brings here, 0007 brings, which one of them has.

With it come the rows of 0005 that speak of statuses of 0002.
"""

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from tests.support import model
from tests.versions.copies import copy_to

OLDER, NEWER = "0006", "0007"

_BROUGHT = Path("migrations/versions/0002_gates_and_health.py")
_SOURCES = Path("migrations/versions/0005_sources.py")
_GRAPH = Path("schema/phaseline_schema/pipelines/console.py")
_REVISIONS = Path("api/phaseline/revisions.py")

_NOTHING = '''"""Nothing."""

revision = "0002"
down_revision = "0001"


def upgrade():
    pass


def downgrade():
    pass
'''

# The statuses that older rows speak of.
_OF_OLDER = {*model.OLDER, "abandoned"}

# Put behind 0005, of which only those rows are left.
_LEFT = f"""

OLDER = {sorted(_OF_OLDER)!r}
TRANSITIONS = [row for row in TRANSITIONS if row[0] in OLDER and row[1] in OLDER]
"""

# Put behind what was 0002: it brings the others as well.
_MORE = f"""

OLDER = {sorted(_OF_OLDER)!r}
upgrade_alone, downgrade_alone = upgrade, downgrade


def upgrade():
    upgrade_alone()
    names = ("pipeline", "from_status", "to_status", "why", "reported_by", "new_attempt")
    columns = *map(sa.column, names[:-1]), sa.column("new_attempt", sa.Boolean())
    table = sa.table("pipeline_transitions", *columns)
    rows = [row for row in ROWS if row[0] not in OLDER or row[1] not in OLDER]
    op.bulk_insert(table, [dict(zip(names, ("console", *row[:3], row[4], row[3]))) for row in rows])


def downgrade():
    older = ", ".join(f"'{{status}}'" for status in OLDER)
    op.execute(
        "DELETE FROM pipeline_transitions WHERE reported_by IS NOT NULL "
        f"AND NOT (from_status IN ({{older}}) AND to_status IN ({{older}}))"
    )
    downgrade_alone()
"""


def make_older(folder: Path) -> Path:
    """Write the code of the one with the older graph into this folder, which does not exist yet, and return it."""
    copy_to(folder)
    (folder / _BROUGHT).write_text(_NOTHING)
    _leave_out_rows(folder)
    graph = folder / _GRAPH
    graph.write_text("".join(filter(_is_older, graph.read_text().splitlines(keepends=True))))
    return folder


def make_newer(folder: Path) -> Path:
    """The same of the one with today's graph, which can serve the older one's database."""
    copy_to(folder)
    brought = (folder / _BROUGHT).read_text()
    (folder / _BROUGHT).write_text(_NOTHING)
    brought = _replaced(brought, '\nrevision = "0002"', f'\nrevision = "{NEWER}"')
    brought = _replaced(brought, '\ndown_revision = "0001"', f'\ndown_revision = "{OLDER}"')
    rows = f"\n\nROWS = {_leave_out_rows(folder)!r}\n"
    (folder / "migrations" / "versions" / f"{NEWER}_gates_and_health.py").write_text(brought + rows + _MORE)
    revisions = folder / _REVISIONS
    served = _replaced(revisions.read_text(), "\nSERVABLE: tuple[str, ...] = ()", f'\nSERVABLE = ("{OLDER}",)')
    revisions.write_text(served)
    return folder


def _leave_out_rows(folder: Path) -> list[tuple[Any, ...]]:
    """Of 0005, those of statuses that are not older; and return all that it has had."""
    migration = folder / _SOURCES
    place = spec_from_file_location("sources", migration)
    assert place is not None
    assert place.loader is not None
    sources = module_from_spec(place)
    place.loader.exec_module(sources)
    migration.write_text(migration.read_text() + _LEFT)
    return list(sources.TRANSITIONS)


def _replaced(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1
    return text.replace(old, new)


def _is_older(line: str) -> bool:
    """Whether a line of the graph's file was there before: rows of newer statuses and transitions were not."""
    if status := re.match(r'    Status\("(\w+)"', line):
        return status[1] in _OF_OLDER
    if edge := re.match(r'    Transition\("(\w+)", "(\w+)"', line):
        is_alone = "reported_by" in line
        return {edge[1], edge[2]} <= _OF_OLDER and (is_alone or model.is_legal(edge[1], 1, edge[2], 1))
    return True
