"""Whether the rows of the transition graphs are those that the migrations of this version put there."""

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
    "pipeline_statuses": ("pipeline", "key", "label", "phase", "outcome"),
    "pipeline_assertions": ("pipeline", "status", "phase", "state"),
    "pipeline_transitions": ("pipeline", "from_status", "to_status", "why", "new_attempt"),
}

# Of statuses, the migrations leave room between the positions: what counts is their order.
_ORDERED = "pipeline_statuses"


async def fault(connection: AsyncConnection) -> Fault | None:
    """The first table whose rows are others, or None; the connection is one that reads them as they lie."""
    for name, expected in _expected().items():
        columns: list[ColumnElement[Any]] = [column(each) for each in _COLUMNS[name]]
        order: list[ColumnElement[Any]] = [column("pipeline"), column("position")] if name == _ORDERED else []
        rows = await connection.execute(select(*columns).select_from(table(name)).order_by(*order))
        found = [tuple(row) for row in rows]
        surplus, missing = Counter(found) - Counter(expected), Counter(expected) - Counter(found)
        for odd in (*surplus, *missing):
            return Fault(FaultKind.GRAPH, f"{name} has not the rows of its revision; one that differs: {odd!a}")
        if name == _ORDERED and found != expected:
            return Fault(FaultKind.GRAPH, f"{name} has the rows of its revision in another order")
    return None


def _expected() -> dict[str, Rows]:
    pipelines = [PIPELINES[name] for name in sorted(PIPELINES)]
    return {
        "pipeline_phases": [row for pipeline in pipelines for row in _phases(pipeline)],
        "pipeline_statuses": [row for pipeline in pipelines for row in _statuses(pipeline)],
        "pipeline_assertions": [row for pipeline in pipelines for row in _assertions(pipeline)],
        "pipeline_transitions": [row for pipeline in pipelines for row in _transitions(pipeline)],
    }


def _phases(pipeline: Pipeline) -> Iterator[tuple[Any, ...]]:
    for place, phase in enumerate(pipeline.phases, start=1):
        yield pipeline.name, phase.key, phase.label, place


def _statuses(pipeline: Pipeline) -> Iterator[tuple[Any, ...]]:
    for status in pipeline.statuses:
        yield pipeline.name, status.key, status.label, status.phase, status.outcome.value


def _assertions(pipeline: Pipeline) -> Iterator[tuple[Any, ...]]:
    for status in pipeline.statuses:
        for phase, state in status.asserts.items():
            yield pipeline.name, status.key, phase, state.value


def _transitions(pipeline: Pipeline) -> Iterator[tuple[Any, ...]]:
    for edge in pipeline.transitions:
        yield pipeline.name, edge.origin, edge.target, edge.why, edge.new_attempt
