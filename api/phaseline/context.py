"""What an operation is given: who calls, and the parts of the server that it may use."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncConnection
from strawberry.dataloader import DataLoader
from strawberry.fastapi import BaseContext

from phaseline import history
from phaseline.callers.leases import Leases
from phaseline.feed import Feed
from phaseline.graph import GraphCache, Graphs
from phaseline.identity import Identity
from phaseline.places import Places
from phaseline.rates import Rates
from phaseline.store import Store
from phaseline_schema.phases import Standing, fold
from phaseline_schema.pipeline import Pipeline
from phaseline_schema.records import DeployRecord, EntryRecord
from phaseline_schema.types.reader import Page

# Told of every deploy that was started, after its commit.
OnStarted = Callable[[DeployRecord], Awaitable[None]]

# The accepted entries of a deploy, and the graphs as they were when those were read.
_Moves = tuple[list[EntryRecord], Graphs]


@dataclass(frozen=True)
class Services:
    """The parts of the server that live as long as it does.

    `viewers`: places for sockets and streams by caller; `unknown`: for sockets by address, until it is known who calls.
    """

    store: Store
    feed: Feed
    graphs: GraphCache
    leases: Leases
    rates: Rates
    viewers: Places
    unknown: Places
    introspection: bool = True
    on_started: OnStarted | None = None


class LogReader:
    """Reads the log for one request or socket, several deploys at once where fields ask for them.

    Nothing is kept between reads: a socket lives long, and the log moves on.
    """

    def __init__(self, services: Services) -> None:
        self._store = services.store
        self._graphs = services.graphs
        self._deploys: DataLoader[str, DeployRecord] = DataLoader(self._load_deploys, cache=False)
        self._moves: DataLoader[str, _Moves] = DataLoader(self._load_moves, cache=False)
        self._pipelines: DataLoader[str, Pipeline] = DataLoader(self._load_pipelines, cache=False)

    async def deploy(self, deploy_id: str) -> DeployRecord:
        """The deploy of an entry as it stands."""
        return await self._deploys.load(deploy_id)

    async def pipeline(self, deploy: DeployRecord) -> Pipeline:
        """The transition graph that the deploy follows."""
        return await self._pipelines.load(deploy.pipeline)

    async def standing(self, deploy: DeployRecord) -> Standing:
        """How the deploy and its phases stand at the entry that `deploy` has come to."""
        moves, graphs = await self._moves.load(deploy.id)
        return fold(graphs[deploy.pipeline], deploy, [move for move in moves if move.sequence <= deploy.sequence])

    async def entries_of(self, deploy: DeployRecord, first: int | None, after: str | None) -> Page[EntryRecord]:
        """The deploy's entries up to the one it has come to, oldest first."""
        return await self._store.read(lambda connection: history.entries_of(connection, deploy, first, after))

    async def _load_deploys(self, ids: list[str]) -> list[DeployRecord]:
        found = await self._store.read(lambda connection: history.deploys_by_id(connection, ids))
        return [found[deploy_id] for deploy_id in ids]

    async def _load_pipelines(self, names: list[str]) -> list[Pipeline]:
        graphs = await self._store.read(self._graphs.at)
        return [graphs[name] for name in names]

    async def _load_moves(self, ids: list[str]) -> list[_Moves]:
        async def look(connection: AsyncConnection) -> list[_Moves]:
            found, graphs = await history.moves_of(connection, ids), await self._graphs.at(connection)
            return [(found[deploy_id], graphs) for deploy_id in ids]

        return await self._store.read(look)


@dataclass
class Context(BaseContext):
    """The context of an operation over HTTP, or of all operations of a socket."""

    services: Services
    identity: Identity
    connection_params: object = None  # as a socket's first message gave them
    reader: LogReader = field(init=False)

    def __post_init__(self) -> None:
        super().__init__()
        self.reader = LogReader(self.services)
