"""Who has an environment to itself, who waits for it, and what was deployed to it last: read for many at once.

It is as of now. No entry says it, so nothing of it can be told of an earlier moment.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Row, func, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection
from strawberry.dataloader import DataLoader

from phaseline import occupants
from phaseline.databases.kind import Work
from phaseline.history import deploy_rows
from phaseline_schema.pipeline import Outcome
from phaseline_schema.records import DeployRecord
from phaseline_schema.tables import deploys, environment_holds, environment_queue, pipeline_statuses

# A pipeline, and the end of it that is a success.
Stand = tuple[str, str]

# A deploy, and since when it stands in the way of others.
Hold = tuple[DeployRecord, datetime]


class OccupancyReader:
    """Reads it for one operation; what its fields ask for at the same time, by one statement of each kind."""

    def __init__(self, read: Callable[[Work[Any]], Awaitable[Any]]) -> None:
        """`read` gives each work a connection."""
        self._read = read

    async def hold_of(self, environment: str) -> Hold | None:
        """The deploy that stands in the way of others there, and since when."""
        return await self._holds.load(environment)

    async def queue_of(self, environment: str) -> list[DeployRecord]:
        """The deploys that wait for it, in the order of their places."""
        return await self._queues.load(environment)

    async def waiting_for(self, environment: str) -> int:
        """How many deploys wait for it."""
        return await self._waiting.load(environment)

    async def deployed_to(self, environment: str) -> DeployRecord | None:
        """The deploy to it that has succeeded last."""
        return await self._deployed.load(environment)

    async def position_of(self, deploy_id: str) -> int | None:
        """How many deploys are before this one in its queue, and one more; None where it does not wait."""
        return await self._positions.load(deploy_id)

    @cached_property
    def _holds(self) -> DataLoader[str, Hold | None]:
        return DataLoader(self._load_holds, cache=False)

    @cached_property
    def _queues(self) -> DataLoader[str, list[DeployRecord]]:
        return DataLoader(self._load_queues, cache=False)

    @cached_property
    def _waiting(self) -> DataLoader[str, int]:
        return DataLoader(self._load_waiting, cache=False)

    @cached_property
    def _deployed(self) -> DataLoader[str, DeployRecord | None]:
        return DataLoader(self._load_deployed, cache=False)

    @cached_property
    def _positions(self) -> DataLoader[str, int | None]:
        return DataLoader(self._load_positions, cache=False)

    async def _load_holds(self, environments: list[str]) -> list[Hold | None]:
        found = await self._read(lambda connection: holds(connection, environments))
        return [found.get(environment) for environment in environments]

    async def _load_queues(self, environments: list[str]) -> list[list[DeployRecord]]:
        found = await self._read(lambda connection: queues(connection, environments))
        return [found.get(environment, []) for environment in environments]

    async def _load_waiting(self, environments: list[str]) -> list[int]:
        found = await self._read(lambda connection: waiting(connection, environments))
        return [found.get(environment, 0) for environment in environments]

    async def _load_deployed(self, environments: list[str]) -> list[DeployRecord | None]:
        found = await self._read(lambda connection: deployed(connection, environments))
        return [found.get(environment) for environment in environments]

    async def _load_positions(self, ids: list[str]) -> list[int | None]:
        found = await self._read(lambda connection: positions(connection, ids))
        return [found.get(deploy_id) for deploy_id in ids]


async def holds(connection: AsyncConnection, environments: Collection[str]) -> dict[str, Hold]:
    """Which deploys stand in the way of others in these environments, by the environment: the one that would refuse a
    start. Of those to which the environment was never given it is told since when they were started."""
    query = occupants.in_the_way(deploy_rows.add_columns(environment_holds.c.since), environments)
    found: dict[str, Hold] = {}
    for row in await connection.execute(query):
        deploy = DeployRecord(*row[:-1])
        found.setdefault(deploy.environment, (deploy, row.since or deploy.started_at))
    return found


async def queues(connection: AsyncConnection, environments: Collection[str]) -> Mapping[str, list[DeployRecord]]:
    """Which deploys wait for these environments, by the environment, in order."""
    columns = environment_queue.c
    waiting = deploy_rows.join(environment_queue, columns.deploy_id == deploys.c.id)
    found: defaultdict[str, list[DeployRecord]] = defaultdict(list)
    for row in await connection.execute(waiting.where(columns.environment.in_(environments)).order_by(columns.place)):
        found[row.environment].append(DeployRecord(*tuple(row)))
    return found


async def waiting(connection: AsyncConnection, environments: Collection[str]) -> dict[str, int]:
    """How many deploys wait for these environments, by the environment; none is named for which none does."""
    columns = environment_queue.c
    counted = select(columns.environment, func.count()).where(columns.environment.in_(environments))
    rows = await connection.execute(counted.group_by(columns.environment))
    return {row[0]: row[1] for row in rows}


async def deployed(connection: AsyncConnection, environments: Collection[str]) -> dict[str, DeployRecord]:
    """Which deploys to these environments have succeeded last, by the environment."""
    found: dict[str, DeployRecord] = {}
    for row in await _last_ended(connection, environments, await _successes(connection)):
        deploy = DeployRecord(*tuple(row))
        known = found.get(deploy.environment)
        if known is None or _ended(deploy) > _ended(known):
            found[deploy.environment] = deploy
    return found


async def positions(connection: AsyncConnection, ids: Collection[str]) -> dict[str, int]:
    """The places of these deploys among those that wait for the same environment, from 1, where they wait."""
    mine, others = environment_queue.alias(), environment_queue.alias()
    before = select(func.count()).where(others.c.environment == mine.c.environment, others.c.place <= mine.c.place)
    rows = await connection.execute(select(mine.c.deploy_id, before.scalar_subquery()).where(mine.c.deploy_id.in_(ids)))
    return {row[0]: row[1] for row in rows}


async def _successes(connection: AsyncConnection) -> list[Stand]:
    columns = pipeline_statuses.c
    ends = select(columns.pipeline, columns.key).where(columns.outcome == Outcome.SUCCEEDED)
    return [(row[0], row[1]) for row in await connection.execute(ends)]


async def _last_ended(
    connection: AsyncConnection, environments: Collection[str], ends: Sequence[Stand]
) -> Sequence[Row[Any]]:
    """Of each environment and each of these ends, the deploy that came to it last: an index has it at hand."""
    columns = deploys.c
    last = [
        deploy_rows.where(
            columns.environment == environment,
            columns.pipeline == pipeline,
            columns.status == end,
            columns.finished_at.is_not(None),
        )
        .order_by(columns.finished_at.desc(), columns.id.desc())
        .limit(1)
        for environment in set(environments)
        for pipeline, end in ends
    ]
    if not last:
        return []
    return (await connection.execute(union_all(*(select(one.subquery()) for one in last)))).all()


def _ended(deploy: DeployRecord) -> tuple[datetime, str]:
    assert deploy.finished_at is not None
    return deploy.finished_at, deploy.id
