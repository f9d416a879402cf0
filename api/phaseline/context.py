"""What an operation is given: who calls, and the parts of the server that it may use."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection
from strawberry.dataloader import DataLoader
from strawberry.fastapi import BaseContext

from phaseline import history
from phaseline.callers.leases import Leases
from phaseline.databases.kind import Work
from phaseline.dispatching import outbox
from phaseline.dispatching.choosing import Choosing
from phaseline.dispatching.steering import Steering
from phaseline.environments.file import EnvironmentsFile
from phaseline.feed import Feed
from phaseline.github.client import GitHub
from phaseline.graph import GraphCache, Graphs
from phaseline.groups import Groups, Wanted
from phaseline.identity import Identity
from phaseline.occupancy import OccupancyReader
from phaseline.places import Places
from phaseline.rates import Rates
from phaseline.standings import Event
from phaseline.store import Store
from phaseline.tails import Tails
from phaseline_schema.dispatches import DispatchRecord
from phaseline_schema.phases import Standing, fold
from phaseline_schema.pipeline import Pipeline
from phaseline_schema.records import DeployRecord, EntryRecord
from phaseline_schema.refusals import DeployNotFound, OperationTimeout, Refusal
from phaseline_schema.types.reader import Page

# Told of every deploy that was started, after its commit.
OnStarted = Callable[[DeployRecord], Awaitable[None]]

Result = TypeVar("Result")

# What is folded of a deploy, and the graphs as they were when that was read.
_Folded = tuple[list[EntryRecord], Graphs]


@dataclass(frozen=True)
class Services:
    """The parts of the server that live as long as it does.

    `viewers`: places for sockets and streams by caller; `unknown`: for sockets by address, until it is known who calls;
    `followers`: for subscriptions by caller. `operation_seconds`: how long what an operation reads may take.
    `checking`: the turn of who checks a log. `environments`: those there are; None: whatever people name is one.
    `github`: None where it is not called. `dispatch_soon`: is told that there may be a run to be asked for.
    """

    store: Store
    feed: Feed
    tails: Tails
    graphs: GraphCache
    leases: Leases
    rates: Rates
    viewers: Places
    unknown: Places
    followers: Places
    operation_seconds: float
    steering: Steering
    choosing: Choosing
    groups: Groups = field(default_factory=Groups)
    checking: asyncio.Lock = field(default_factory=asyncio.Lock)
    introspection: bool = True
    on_started: OnStarted | None = None
    environments: EnvironmentsFile | None = None
    github: GitHub | None = None
    dispatch_soon: Callable[[], None] = lambda: None


class LogReader:
    """Reads the log for one operation. What its fields ask for at the same time is read in one transaction, and by one
    statement for all deploys: so their number depends on the operation's depth, and not on what the log holds.

    All must be read within so many seconds of the first, waiting included; None: however long it takes. Nothing is kept
    between reads: a subscription lives long, and the log moves on.
    """

    def __init__(self, services: Services, seconds: float | None) -> None:
        self._services = services
        self._seconds = seconds
        self._until: float | None = None

    async def read(self, work: Work[Result]) -> Result:
        """What `work` finds, beside whatever else is read at the same time. Raises OperationTimeout."""
        found: Result = await self._together.load(work)
        return found

    async def graphs(self) -> Graphs:
        """Every transition graph by name."""
        return await self._graphs.load(None)

    async def find(self, deploy_id: str) -> DeployRecord | None:
        """A deploy as it stands, if there is one."""
        return await self._deploys.load(deploy_id)

    async def deploy(self, deploy_id: str) -> DeployRecord:
        """The deploy of an entry as it stands."""
        found = await self.find(deploy_id)
        if found is None:
            raise DeployNotFound
        return found

    async def dispatch(self, deploy_id: str) -> DispatchRecord | None:
        """What has become of asking GitHub for the deploy's run, as of now; None where it is not asked."""
        return await self._dispatches.load(deploy_id)

    async def pipeline(self, deploy: DeployRecord) -> Pipeline:
        """The transition graph that the deploy follows."""
        return (await self.graphs())[deploy.pipeline]

    async def standing(self, deploy: DeployRecord) -> Standing:
        """How the deploy and its phases stand at the entry that `deploy` has come to."""
        entries, graphs = await self._folded.load(deploy.id)
        return fold(graphs[deploy.pipeline], deploy, [entry for entry in entries if entry.sequence <= deploy.sequence])

    async def entries_of(self, deploy: DeployRecord, first: int | None, after: str | None) -> Page[EntryRecord]:
        """The deploy's entries up to the one it has come to, oldest first. Raises BadUserInput."""
        return history.page_of(deploy, after, await self._parts.load(history.part_of(deploy, first, after)))

    # Each is made when it is first needed: most operations need one of them, or none.

    @cached_property
    def occupancy(self) -> OccupancyReader:
        """Who has environments to itself, and who waits for them."""
        return OccupancyReader(self.read)

    @cached_property
    def _together(self) -> DataLoader[Work[Any], Any]:
        return DataLoader(self._read_together, cache=False)

    @cached_property
    def _graphs(self) -> DataLoader[None, Graphs]:
        return DataLoader(self._load_graphs, cache=False)

    @cached_property
    def _deploys(self) -> DataLoader[str, DeployRecord | None]:
        return DataLoader(self._load_deploys, cache=False)

    @cached_property
    def _folded(self) -> DataLoader[str, _Folded]:
        return DataLoader(self._load_folded, cache=False)

    @cached_property
    def _dispatches(self) -> DataLoader[str, DispatchRecord | None]:
        return DataLoader(self._load_dispatches, cache=False)

    @cached_property
    def _parts(self) -> DataLoader[history.Part, list[EntryRecord]]:
        return DataLoader(self._load_parts, cache=False)

    async def _load_graphs(self, asked: list[None]) -> list[Graphs]:
        return [await self.read(self._services.graphs.at)] * len(asked)

    async def _load_deploys(self, ids: list[str]) -> list[DeployRecord | None]:
        found = await self.read(lambda connection: history.deploys_by_id(connection, set(ids)))
        return [found.get(deploy_id) for deploy_id in ids]

    async def _load_dispatches(self, ids: list[str]) -> list[DispatchRecord | None]:
        found = await self.read(lambda connection: outbox.of_deploys(connection, set(ids)))
        return [found.get(deploy_id) for deploy_id in ids]

    async def _load_folded(self, ids: list[str]) -> list[_Folded]:
        async def look(connection: AsyncConnection) -> list[_Folded]:
            found, graphs = await history.folded_of(connection, set(ids)), await self._services.graphs.at(connection)
            return [(found[deploy_id], graphs) for deploy_id in ids]

        return await self.read(look)

    async def _load_parts(self, parts: list[history.Part]) -> list[list[EntryRecord]]:
        return await self.read(lambda connection: history.entries_in(connection, parts))

    async def _read_together(self, works: list[Work[Any]]) -> list[Any]:
        if self._seconds is not None and self._until is None:
            self._until = asyncio.get_running_loop().time() + self._seconds
        limit = asyncio.timeout_at(self._until)
        try:
            async with limit:
                return await self._services.store.read_in_turn(lambda connection: _each(connection, works))
        except TimeoutError:
            if self._seconds is not None and limit.expired():
                raise OperationTimeout(self._seconds) from None
            raise


async def _each(connection: AsyncConnection, works: Iterable[Work[Any]]) -> list[Any]:
    return [await _found(connection, work) for work in works]


async def _found(connection: AsyncConnection, work: Work[Any]) -> Any:
    try:
        return await work(connection)
    except Refusal as refusal:  # of this one, and not of what is read beside it
        return refusal


@dataclass
class Context(BaseContext):
    """The context of an operation over HTTP, or of a socket, whose operations each have one of their own.

    `caller_now`: who has a socket's proof as of now, where that can be taken back while the socket is open.
    `events`: what a subscription is given, where it is not the log as it comes.
    """

    services: Services
    identity: Identity
    caller_now: Callable[[], Awaitable[Identity]] | None = None
    events: Callable[[Wanted], AsyncGenerator[Event, None]] | None = None
    reader: LogReader = field(init=False)

    def __post_init__(self) -> None:
        super().__init__()

    @property
    def choices(self) -> Choosing:
        """What GitHub can be asked before a deploy is started."""
        return self.services.choosing

    def of_caller(self, identity: Identity) -> Self:
        """The same as of somebody else."""
        own = copy(self)
        own.identity = identity
        return own

    def of_group(self, events: Callable[[Wanted], AsyncGenerator[Event, None]]) -> Self:
        """The same for an operation that is given these events."""
        own = copy(self)
        own.events, own.caller_now = events, None
        return own

    def of_operation(self, seconds: float | None) -> Self:
        """The same with a reader of its own, which has so many seconds."""
        own = copy(self)
        own.reader = LogReader(self.services, seconds)
        return own
