"""What a run is run against: nodes, the database they share, and a wire for callers and one for viewers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.nodes import Node
from tests.faults.plan import WIRES, Fault, Kind
from tests.faults.viewers import Viewer
from tests.support.postgres import Postgres
from tests.support.wire import Wire, wire_to

# How long everything takes that is sent over a wire with a delay, in seconds.
_DELAY = 0.3


@dataclass
class Cluster:
    """All of it. `postgres` is None where the nodes share a file."""

    nodes: list[Node]
    wires: dict[str, Wire]
    database: Path | str
    postgres: Postgres | None
    _database: asyncio.Lock = field(default_factory=asyncio.Lock)

    def addresses(self, wire: str) -> list[str]:
        """Where whoever uses this wire may turn to: every node, and the wire as often as all of them."""
        return [node.url for node in self.nodes] + [self.wires[wire].url] * len(self.nodes)

    async def suffer(self, fault: Fault, idle: Viewer) -> None:
        """Let this go wrong, and put it right. What befalls one node, or the database, comes one after the other."""
        match fault.kind:
            case Kind.KILL:
                await self.nodes[int(fault.whom)].kill(fault.lasts)
            case Kind.END:
                await self.nodes[int(fault.whom)].end()
            case Kind.FREEZE:
                await self.nodes[int(fault.whom)].freeze(fault.lasts)
            case Kind.FEED | Kind.CONNECTIONS | Kind.CRASH | Kind.PAUSE:
                async with self._database:
                    await self._suffer_of_the_database(fault)
            case Kind.STALL:
                await idle.idle(fault.lasts)
            case _:
                await _suffer_on(self.wires[fault.whom], fault)

    async def _suffer_of_the_database(self, fault: Fault) -> None:
        assert self.postgres is not None
        match fault.kind:
            case Kind.FEED:
                await self.postgres.terminate("phaseline feed%")
            case Kind.CONNECTIONS:
                await self.postgres.terminate("phaseline%")
            case Kind.CRASH:
                await self.postgres.stop("immediate")
                await asyncio.sleep(fault.lasts)
                await self.postgres.start()
            case Kind.PAUSE:
                await self.postgres.pause()
                await asyncio.sleep(fault.lasts)
                self.postgres.resume()


async def _suffer_on(wire: Wire, fault: Fault) -> None:
    match fault.kind:
        case Kind.RESET | Kind.CLOSE:
            wire.cut(reset=fault.kind is Kind.RESET)
        case Kind.DELAY:
            wire.delay = _DELAY
            await asyncio.sleep(fault.lasts)
            wire.delay = 0.0
        case Kind.SILENCE:
            wire.fall_silent()
            await asyncio.sleep(fault.lasts)
            # What callers have sent arrives late, when they have sent it again. Viewers have to find out by
            # themselves that nothing comes any more.
            if fault.whom == "callers":
                wire.carry_on()
            else:
                wire.carry_on_for_new_connections()
        case Kind.CURTAIL:
            wire.answer_limit = fault.limit
            await asyncio.sleep(fault.lasts)
            wire.answer_limit = None


@asynccontextmanager
async def cluster(
    database: Path | str, nodes: int, postgres: Postgres | None, settings: dict[str, str]
) -> AsyncIterator[Cluster]:
    """So many nodes on this database, for the length of a block."""
    made = [Node(f"node {number}", database, settings) for number in range(nodes)]
    async with AsyncExitStack() as stack:
        for node in made:
            await node.start()  # one after the other: the first one migrates
            stack.push_async_callback(node.close)
        wires = {name: await stack.enter_async_context(wire_to(*(node.url for node in made))) for name in WIRES}
        yield Cluster(made, wires, database, postgres)
