"""Whether the rows of the transition graphs, and of which servers they are for, are those that the migrations of this
version put there."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, column, select, table
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline_schema.audit.findings import Fault, FaultKind
from phaseline_schema.pipeline import Pipeline
from phaseline_schema.pipelines import PIPELINES

Rows = list[tuple[Any, ...]]

_COLUMNS = {
    "pipeline_phases": ("pipeline", "key", "label", "position"),
    "pipeline_statuses": ("pipeline", "key", "label", "position", "phase", "outcome"),
    "pipeline_assertions": ("pipeline", "status", "phase", "state"),
    "pipeline_transitions": ("pipeline", "from_status", "to_status", "why", "new_attempt", "reported_by"),
    "oldest_server": ("revision",),
}

# As the migrations number statuses, and the revision of the oldest server that they allow for.
_STEP = 10
_OLDEST_SERVER = "0006"


async def fault(connection: AsyncConnection) -> Fault | None:
    """The first table whose rows are others, or None; the connection is one that reads them as they lie."""
    for name, expected in _expected().items():
        columns: list[ColumnElement[Any]] = [column(each) for each in _COLUMNS[name]]
        rows = await connection.execute(select(*columns).select_from(table(name)))
        found = [tuple(row) for row in rows]
        surplus, missing = Counter(found) - Counter(expected), Counter(expected) - Counter(found)
        for odd in (*surplus, *missing):
            return Fault(FaultKind.GRAPH, f"{name} has not the rows of its revision; one that differs: {odd!a}")
    return None


def _expected() -> dict[str, Rows]:
    pipelines = [PIPELINES[name] for name in sorted(PIPELINES)]
    return {
        "pipeline_phases": [row for pipeline in pipelines for row in _phases(pipeline)],
        "pipeline_statuses": [row for pipeline in pipelines for row in _statuses(pipeline)],
        "pipeline_assertions": [row for pipeline in pipelines for row in _assertions(pipeline)],
        "pipeline_transitions": [row for pipeline in pipelines for row in _transitions(pipeline)],
        "oldest_server": [(_OLDEST_SERVER,)],
    }


def _phases(pipeline: Pipeline) -> Iterator[tuple[Any, ...]]:
    for place, phase in enumerate(pipeline.phases, start=1):
        yield pipeline.name, phase.key, phase.label, place


def _statuses(pipeline: Pipeline) -> Iterator[tuple[Any, ...]]:
    for place, status in enumerate(pipeline.statuses, start=1):
        yield pipeline.name, status.key, status.label, place * _STEP, status.phase, status.outcome.value


def _assertions(pipeline: Pipeline) -> Iterator[tuple[Any, ...]]:
    for status in pipeline.statuses:
        for phase, state in status.asserts.items():
            yield pipeline.name, status.key, phase, state.value


def _transitions(pipeline: Pipeline) -> Iterator[tuple[Any, ...]]:
    for edge in pipeline.transitions:
        reported_by = edge.reported_by and edge.reported_by.value
        yield pipeline.name, edge.origin, edge.target, edge.why, edge.new_attempt, reported_by
