"""Reading how a deploy stands at some entry of its log, along the graph that is in force at that moment."""

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import history
from phaseline.graph import GraphCache
from phaseline_schema.phases import Standing, fold
from phaseline_schema.pipeline import Pipeline
from phaseline_schema.records import DeployRecord, EntryRecord
from phaseline_schema.refusals import AfterAhead, DeployNotFound

# Entries read at once: bounds the memory of a follower that has a long log to catch up with.
BATCH = 200


async def begin(
    connection: AsyncConnection, graphs: GraphCache, deploy_id: str, after: int | None, *, refusals: bool
) -> tuple[EntryRecord, Standing]:
    """The newest entry of the kind that is followed, and how the deploy stands at the last one that is known."""
    deploy = await history.deploy(connection, deploy_id)
    if deploy is None:
        raise DeployNotFound
    if after is not None and after > deploy.sequence:
        raise AfterAhead(deploy.sequence)
    moves = await history.moves_of(connection, [deploy_id])
    (newest,) = await history.entries_between(connection, deploy_id, deploy.sequence - 1, deploy.sequence)
    pipeline = (await graphs.at(connection))[deploy.pipeline]
    last = deploy.sequence if after is None else after
    return newest if refusals else moves[deploy_id][-1], _fold(pipeline, deploy, moves[deploy_id], last)


async def go_on(
    connection: AsyncConnection, graphs: GraphCache, standing: Standing
) -> tuple[list[EntryRecord], Standing]:
    """The entries that come next, and how the deploy stands before them by the graph that is in force now."""
    deploy = standing.deploy
    entries = await history.entries_between(connection, deploy.id, deploy.sequence, deploy.sequence + BATCH)
    if entries:
        pipeline = (await graphs.at(connection))[deploy.pipeline]
        if pipeline is not standing.pipeline:  # a migration has changed it
            moves = await history.moves_of(connection, [deploy.id])
            standing = _fold(pipeline, deploy, moves[deploy.id], deploy.sequence)
    return entries, standing


def _fold(pipeline: Pipeline, deploy: DeployRecord, moves: list[EntryRecord], last: int) -> Standing:
    """How the deploy stood at the entry `last`, of which refusals are left out."""
    standing = fold(pipeline, deploy, [move for move in moves if move.sequence <= last])
    return replace(standing, deploy=replace(standing.deploy, sequence=last))
