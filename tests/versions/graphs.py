"""Two versions that differ in their graphs alone: what 0002 brings here, 0005 brings, which one of them has."""

import re
from pathlib import Path

from tests.support import model
from tests.versions.copies import copy_to

OLDER, NEWER = "0004", "0005"

_BROUGHT = Path("migrations/versions/0002_gates_and_health.py")
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


def make_older(folder: Path) -> Path:
    """Write the code of the one with the older graph into this folder, which does not exist yet, and return it."""
    copy_to(folder)
    (folder / _BROUGHT).write_text(_NOTHING)
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
    (folder / "migrations" / "versions" / f"{NEWER}_gates_and_health.py").write_text(brought)
    revisions = folder / _REVISIONS
    served = _replaced(revisions.read_text(), '\nSERVABLE: tuple[str, ...] = ("0003",)', f'\nSERVABLE = ("{OLDER}",)')
    revisions.write_text(served)
    return folder


def _replaced(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1
    return text.replace(old, new)


def _is_older(line: str) -> bool:
    """Whether a line of the graph's file was there before: rows of newer statuses and transitions were not."""
    if status := re.match(r'    Status\("(\w+)"', line):
        return status[1] in model.OLDER
    if edge := re.match(r'    Transition\("(\w+)", "(\w+)"', line):
        return {edge[1], edge[2]} <= {*model.OLDER} and model.is_legal(edge[1], 1, edge[2], 1)
    return True
