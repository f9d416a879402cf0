"""The transition graphs in force: what this server and its database both know."""

from collections import defaultdict

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline_schema.pipeline import Pipeline
from phaseline_schema.pipelines import PIPELINES
from phaseline_schema.tables import pipeline_statuses, pipeline_transitions


async def in_force(connection: AsyncConnection) -> dict[str, Pipeline]:
    """Every pipeline, by name, without the statuses and edges that the database does not hold.

    The database refuses an edge it does not hold; a callback along it should get a refusal and
    not an error, which is why the server asks.
    """
    statuses: defaultdict[str, list[str]] = defaultdict(list)
    for name, key in await connection.execute(select(pipeline_statuses.c.pipeline, pipeline_statuses.c.key)):
        statuses[name].append(key)
    edges: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    columns = pipeline_transitions.c
    for name, origin, target in await connection.execute(
        select(columns.pipeline, columns.from_status, columns.to_status)
    ):
        edges[name].append((origin, target))
    return {
        name: pipeline.limited_to(statuses[name], edges[name])
        for name, pipeline in PIPELINES.items()
        if name in statuses
    }
