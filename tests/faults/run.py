"""One run: callers report and viewers follow while the plan is carried out, until all is well and everybody has all."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from random import Random

from tests.faults.callers import Caller
from tests.faults.cluster import Cluster
from tests.faults.history import Answer, Away, Follow, History, Spell, Told
from tests.faults.intruders import Intruder
from tests.faults.plan import Fault, Kind
from tests.faults.viewers import IdleViewer, SocketViewer, StreamViewer, Viewer, entry_of, stand_of
from tests.support.caller import Caller as Reader
from tests.support.consistency import assert_consistent

# How long everybody may take to be done when nothing goes wrong any more, in seconds: also on a busy machine.
_PATIENCE = 120.0

# How many deploys are followed over one socket.
_MANY = 12

# How many at most, with both kinds of entries: a socket has room for a hundred operations.
_MOST = 50


@dataclass(frozen=True, slots=True)
class Size:
    """How much is going on. `pause` is the longest that a caller waits between two callbacks, in seconds."""

    deploys: int
    pause: float
    patience: float  # of a caller for its answer and of a viewer for a sign of life, in seconds


@dataclass
class Run:
    """What has been seen, and how long things took when all was well again, in seconds."""

    seed: int
    plan: list[Fault]
    history: History = field(default_factory=History)
    connections: int = 0
    viewers: int = 0
    until_answered: float = 0.0
    until_caught_up: float = 0.0

    @property
    def answers(self) -> Counter[Answer]:
        """How many sendings got which answer."""
        return Counter(sending.answer for sending in self.history.sendings)

    @property
    def summary(self) -> str:
        """What happened, in short."""
        answers = ", ".join(f"{count} × {answer}" for answer, count in self.answers.most_common())
        return (
            f"{answers}; {self.viewers} viewers, {self.connections} connections, {self.events} events; "
            f"answered after {self.until_answered:.1f} s, caught up after {self.until_caught_up:.1f} s"
        )

    @property
    def faults(self) -> Counter[Kind]:
        """How many of each kind there were."""
        return Counter(fault.kind for fault in self.plan)

    @property
    def events(self) -> int:
        """How many events viewers were sent."""
        return sum(len(stretch.events) for follow in self.history.follows for stretch in follow.stretches)


async def run(
    cluster: Cluster, seed: int, plan: list[Fault], size: Size, begun: Callable[[Fault], None] | None = None
) -> Run:
    """Carry out a plan, telling `begun` of each fault. The seed decides who does what as well."""
    made = Run(seed, plan)
    history = made.history
    random = Random(f"run {seed}")
    environment = f"run-{seed}-{time.time_ns():x}"
    stopping = asyncio.Event()
    async with AsyncExitStack() as stack:

        def caller(name: str) -> Caller:
            making = Caller(
                name, environment, lambda: cluster.addresses("callers"), size.patience, history, _of(random)
            )
            stack.push_async_callback(making.close)
            return making

        callers = [caller(f"caller {number}") for number in range(size.deploys)]
        deploys = await asyncio.gather(*(each.start() for each in callers))
        walks = [
            asyncio.create_task(each.walk(deploy, size.pause, stopping), name=each.name)
            for each, deploy in zip(callers, deploys, strict=True)
        ]
        # Every third deploy is reported on by two at once, who know nothing of each other.
        for number, deploy in enumerate(deploys[::3]):
            rival = caller(f"rival {number}")
            walks.append(asyncio.create_task(rival.walk(deploy, size.pause, stopping), name=rival.name))
        intruder = Intruder(
            *("intruder", environment, lambda: cluster.addresses("callers"), size.patience, history, _of(random)),
            deploys=deploys,
        )
        stack.push_async_callback(intruder.close)
        walks.append(asyncio.create_task(intruder.intrude(size.pause, stopping), name=intruder.name))
        idle = IdleViewer(
            "idle",
            [Follow("idle", deploy, everything) for deploy in deploys[:_MOST] for everything in (True, False)],
            lambda: [node.url for node in cluster.nodes],
            size.patience,
            _of(random),
        )
        viewers = [idle, *_viewers(cluster, deploys, size, random)]
        made.viewers = len(viewers)
        history.follows = [follow for viewer in viewers for follow in viewer.follows]
        watching = [asyncio.create_task(viewer.watch()) for viewer in viewers]
        try:
            await _carry_out(plan, cluster, idle, history, begun)
            for node in cluster.nodes:
                await node.ready()
            well = time.monotonic()
            stopping.set()
            done, late = await asyncio.wait(walks, timeout=_PATIENCE)
            history.unanswered = [task.get_name() for task in late]
            for task in done:
                task.result()  # a caller ends otherwise only by a mistake of its own
            made.until_answered = time.monotonic() - well
            history.told = await _tell(cluster, environment)
            await _catch_up(history, watching)
            made.until_caught_up = time.monotonic() - well
        finally:
            for task in (*walks, *watching):
                task.cancel()
            await asyncio.gather(*walks, *watching, return_exceptions=True)
    history.rows = await _hold_against_the_rows(cluster, next(iter(history.told.values())))
    made.connections = sum(viewer.connections for viewer in viewers)
    for node in cluster.nodes:
        node.note_memory()
        history.logged += node.complaints()
        history.away += node.said_away()
    history.away += _told_away(history, idle)
    return made


def _of(random: Random) -> Random:
    """A source of its own, so that what others draw does not change what it gives."""
    return Random(random.random())


def _viewers(cluster: Cluster, deploys: list[str], size: Size, random: Random) -> list[Viewer]:
    """One that follows many deploys, and one or two for each deploy."""

    def viewer(kind: type[Viewer], name: str, *follows: tuple[str, bool]) -> Viewer:
        following = [Follow(name, deploy, everything) for deploy, everything in follows]
        return kind(name, following, lambda: cluster.addresses("viewers"), size.patience, _of(random))

    viewers = [viewer(SocketViewer, "board", *((deploy, False) for deploy in deploys[:_MANY]))]
    for number, deploy in enumerate(deploys):
        viewers.append(viewer(SocketViewer, f"viewer {number}", (deploy, True), (deploy, False)))
        if number % 3 == 0:
            viewers.append(viewer(StreamViewer, f"stream {number}", (deploy, random.random() < 0.5)))
    return viewers


async def _carry_out(
    plan: list[Fault], cluster: Cluster, idle: Viewer, history: History, begun: Callable[[Fault], None] | None
) -> None:
    began = time.monotonic()

    async def suffer(fault: Fault) -> None:
        await asyncio.sleep(began + fault.at - time.monotonic())
        if begun is not None:
            begun(fault)
        since = time.monotonic()
        await cluster.suffer(fault, idle)
        history.spells.append(Spell(fault.kind, since, time.monotonic()))

    async with asyncio.TaskGroup() as going_wrong:
        for fault in plan:
            going_wrong.create_task(suffer(fault))


def _told_away(history: History, idle: Viewer) -> list[Away]:
    """Callers and viewers who were told so. The idle one reads late, and cannot say when it was told."""
    callers = [
        Away(sending.run, "a caller was answered so", sending.sent, sending.answered)
        for sending in history.sendings
        if sending.answer is Answer.UNAVAILABLE
    ]
    viewers = [
        Away(follow.viewer, "a viewer was told so", at, at)
        for follow in history.follows
        for at in follow.away
        if follow.viewer != idle.name
    ]
    return callers + viewers


def delays(history: History) -> list[float]:
    """How long after a callback's answer each viewer that followed already had its entry, in seconds, least first."""
    answered = {
        (sending.deploy, sending.sequence): sending.answered
        for sending in history.sendings
        if sending.answer is Answer.ACCEPTED
    }
    found = []
    for follow in history.follows:
        came: dict[int, float] = {}
        for stretch in follow.stretches:
            for event in stretch.events:
                came.setdefault(event.entry.sequence, event.came)
        for sequence, when in came.items():
            known = answered.get((follow.deploy, sequence))
            if known is not None and follow.stretches[0].asked < known:
                found.append(max(0.0, when - known))
    return sorted(found)


async def _tell(cluster: Cluster, environment: str) -> dict[str, dict[str, Told]]:
    """What each node tells, once nothing changes any more: what was sent last may be recorded after its caller left."""
    first, *others = cluster.nodes
    async with asyncio.timeout(_PATIENCE):
        while True:
            told = {node.name: await _told_by(node.url, environment) for node in (first, *others)}
            if await _told_by(first.url, environment) == told[first.name]:
                return told


_DEPLOYS = (
    "query ($environment: String!, $after: String) { "
    "deploys(first: 200, after: $after, filter: {environment: $environment}) "
    "{ edges { node { id sequence attempt status { key } phases { key state attempt } } } "
    "pageInfo { hasNextPage endCursor } } }"
)


async def _told_by(url: str, environment: str) -> dict[str, Told]:
    found: dict[str, Told] = {}
    after = None
    async with Reader(url) as reader:
        while True:
            page = (await reader.send(_DEPLOYS, environment=environment, after=after)).data["deploys"]
            for edge in page["edges"]:
                deploy = edge["node"]
                log = [entry_of(entry) for entry in await reader.entries(deploy["id"])]
                found[deploy["id"]] = Told(deploy["id"], stand_of(deploy), log)
            if not page["pageInfo"]["hasNextPage"]:
                return found
            after = page["pageInfo"]["endCursor"]


async def _hold_against_the_rows(cluster: Cluster, deploys: Collection[str]) -> list[str]:
    """What is wrong with the rows of these deploys, and with what nodes tell of them."""
    try:
        await assert_consistent(cluster.database, *(node.url for node in cluster.nodes), only=deploys)
    except AssertionError as error:  # to be told with all else that is wrong, and with the seed
        return [str(error)]
    return []


async def _catch_up(history: History, watching: list[asyncio.Task[None]]) -> None:
    """Wait until every viewer has what is told; who has not by then is for the oracle to name."""
    told = next(iter(history.told.values()))

    def behind(follow: Follow) -> bool:
        log = told[follow.deploy].log if follow.deploy in told else []
        newest = max((entry.sequence for entry in log if follow.everything or entry.accepted), default=0)
        return (follow.last or 0) < newest

    until = time.monotonic() + _PATIENCE
    while any(behind(follow) for follow in history.follows) and time.monotonic() < until:
        for task in watching:
            if task.done():
                task.result()  # a viewer ends only by a mistake of its own
        await asyncio.sleep(0.05)
