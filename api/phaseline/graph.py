"""The transition graphs in force: the rows that the database holds.

They are read anew when a migration has changed them, so a running server keeps to the graph that the database keeps to,
whether a newer version has added to it or a rollback has taken away. Where a migration has made the database one that
this version must not work on, there are none.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import structlog
from sqlalchemy import ColumnElement, String, and_, column, select, table
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import revisions
from phaseline_schema.pipeline import Phase, PhaseState, Pipeline, Status, Transition
from phaseline_schema.refusals import WrongVersion
from phaseline_schema.tables import pipeline_assertions, pipeline_phases, pipeline_statuses, pipeline_transitions

# Alembic's own table. Nothing but a migration changes the graph, and no migration leaves this as it was.
revision: ColumnElement[str] = select(
    table("alembic_version", column("version_num", String)).c.version_num
).scalar_subquery()

Graphs = Mapping[str, Pipeline]

log = structlog.get_logger(__name__)


class GraphCache:
    """The graphs as they were last read."""

    def __init__(self, accepted_revision: str | None = None) -> None:
        """`accepted_revision`: the older one that this server was told to serve, if any."""
        self._accepted = accepted_revision
        # One value: transactions may be in several threads, and take what belongs together.
        self._read: tuple[str | None, Graphs] = (None, {})

    async def at(self, connection: AsyncConnection) -> Graphs:
        """Every pipeline by name, as this transaction sees them. Raises WrongVersion."""
        return await self.of(connection, (await connection.execute(select(revision))).scalar_one_or_none())

    async def of(self, connection: AsyncConnection, revision: str | None) -> Graphs:
        """The same, where the transaction has read the revision together with something else."""
        known, graphs = self._read
        if revision is None or revision != known:
            await self._require(connection)
            graphs = await in_force(connection)
            self._read = (revision, graphs)
        return graphs

    async def _require(self, connection: AsyncConnection) -> None:
        try:
            await revisions.require(connection, self._accepted)
        except revisions.WrongRevision as error:
            log.error("refused to work on the database", reason=str(error))
            raise WrongVersion from None


async def in_force(connection: AsyncConnection) -> Graphs:
    """Every pipeline that the database holds, by name."""
    phases = await _phases(connection)
    statuses = await _statuses(connection)
    edges = await _edges(connection)
    return {
        name: Pipeline(name, _start(rows, edges[name]), tuple(phases[name]), tuple(rows), tuple(edges[name]))
        for name, rows in statuses.items()
    }


async def _phases(connection: AsyncConnection) -> defaultdict[str, list[Phase]]:
    phases: defaultdict[str, list[Phase]] = defaultdict(list)
    columns = pipeline_phases.c
    rows = select(columns.pipeline, columns.key, columns.label).order_by(columns.position)
    for name, key, label in await connection.execute(rows):
        phases[name].append(Phase(key, label))
    return phases


async def _statuses(connection: AsyncConnection) -> defaultdict[str, list[Status]]:
    asserted: defaultdict[tuple[str, str], dict[str, PhaseState]] = defaultdict(dict)
    claims = pipeline_assertions.c
    for name, status, phase, state in await connection.execute(
        select(claims.pipeline, claims.status, claims.phase, claims.state)
    ):
        asserted[name, status][phase] = state
    statuses: defaultdict[str, list[Status]] = defaultdict(list)
    columns = pipeline_statuses.c
    rows = select(columns.pipeline, columns.key, columns.label, columns.phase, columns.outcome)
    for name, key, label, phase, outcome in await connection.execute(rows.order_by(columns.position)):
        statuses[name].append(Status(key, label, phase, outcome, asserted[name, key]))
    return statuses


async def _edges(connection: AsyncConnection) -> defaultdict[str, list[Transition]]:
    """In the order of the statuses that they lead from, then to."""
    edges: defaultdict[str, list[Transition]] = defaultdict(list)
    columns = pipeline_transitions.c
    origin, target = pipeline_statuses.alias(), pipeline_statuses.alias()
    edge = (columns.from_status, columns.to_status, columns.why, columns.new_attempt, columns.reported_by)
    rows = (
        select(columns.pipeline, *edge)
        .join(origin, and_(origin.c.pipeline == columns.pipeline, origin.c.key == columns.from_status))
        .join(target, and_(target.c.pipeline == columns.pipeline, target.c.key == columns.to_status))
        .order_by(origin.c.position, target.c.position)
    )
    for name, *values in await connection.execute(rows):
        edges[name].append(Transition(*values))
    return edges


def _start(statuses: Iterable[Status], edges: Iterable[Transition]) -> str:
    """The one status that no transition leads to: the database holds new deploys to the same rule."""
    reached = {edge.target for edge in edges}
    (start,) = (status.key for status in statuses if status.key not in reached)
    return start
