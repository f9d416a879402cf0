"""The version before this one: the same code, without the newest migration and what only that has brought."""

import re
from pathlib import Path

from tests.support import model
from tests.versions.copies import copy_to

_NEWEST = "0002_gates_and_health.py"
_GRAPH = Path("schema/phaseline_schema/pipelines/console.py")
_REVISIONS = Path("api/phaseline/revisions.py")


def make(folder: Path) -> Path:
    """Write its code into this folder, which does not exist yet, and return it."""
    copy_to(folder)
    (folder / "migrations" / "versions" / _NEWEST).unlink()
    graph = folder / _GRAPH
    graph.write_text("".join(filter(_is_older, graph.read_text().splitlines(keepends=True))))
    revisions = folder / _REVISIONS
    text = revisions.read_text()
    assert text.count('SERVABLE = ("0001",)') == 1
    revisions.write_text(text.replace('SERVABLE = ("0001",)', "SERVABLE = ()"))
    return folder


def _is_older(line: str) -> bool:
    """Whether a line of the graph's file was there before: rows of newer statuses and transitions were not."""
    if status := re.match(r'    Status\("(\w+)"', line):
        return status[1] in model.OLDER
    if edge := re.match(r'    Transition\("(\w+)", "(\w+)"', line):
        return {edge[1], edge[2]} <= {*model.OLDER} and model.is_legal(edge[1], 1, edge[2], 1)
    return True
