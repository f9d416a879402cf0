"""What goes wrong, and when: a function of the seed and of nothing else."""

from dataclasses import dataclass
from enum import StrEnum
from random import Random


class Kind(StrEnum):
    """What can go wrong; the value tells people."""

    KILL = "a node is killed, and started again"
    END = "a node is told to end, and started again"
    FREEZE = "a node is frozen, for longer than anybody waits for it"
    FEED = "the database ends the connections that listen"
    CONNECTIONS = "the database ends all connections"
    CRASH = "the database stops as if it had crashed, and starts again"
    PAUSE = "the database answers nothing, with all connections open"
    RESET = "connections are reset"
    CLOSE = "connections are closed"
    DELAY = "everything sent takes its time"
    SILENCE = "connections carry nothing, and are not closed"
    CURTAIL = "answers end after some bytes, or before the first"
    STALL = "a viewer stops reading"


OF_NODES = (Kind.KILL, Kind.END, Kind.FREEZE)
OF_THE_DATABASE = (Kind.FEED, Kind.CONNECTIONS, Kind.CRASH, Kind.PAUSE)
OF_WIRES = (Kind.RESET, Kind.CLOSE, Kind.DELAY, Kind.SILENCE, Kind.CURTAIL)
WIRES = ("callers", "viewers")


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things last, in seconds, each from the least to the most."""

    down: tuple[float, float]
    frozen: tuple[float, float]
    silent: tuple[float, float]
    stalled: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong `at` so many seconds from the beginning, for `lasts` seconds.

    `whom` is the number of a node, or the name of a wire; `limit` is how many bytes of an answer pass.
    """

    at: float
    kind: Kind
    whom: str = ""
    lasts: float = 0.0
    limit: int = 0

    def __str__(self) -> str:
        of_whom = f" [{self.whom}]" if self.whom else ""
        length = f", for {self.lasts:.1f} s" if self.lasts else ""
        bytes_ = f", {self.limit} bytes" if self.kind is Kind.CURTAIL else ""
        return f"{self.at:7.2f} s  {self.kind.name}{of_whom}: {self.kind.value}{length}{bytes_}"


def plan(seed: int, seconds: float, nodes: int, pace: Pace, *, of_the_database: bool = True) -> list[Fault]:
    """Every kind of fault once, and the wires' once for each wire, in any order, within these seconds.

    Of three nodes or more the last is never ended, so that its memory can be watched.
    """
    random = Random(f"plan {seed}")
    wanted = [(kind, "node") for kind in OF_NODES]
    wanted += [(kind, wire) for kind in OF_WIRES for wire in WIRES]
    wanted += [(kind, "") for kind in OF_THE_DATABASE if of_the_database]
    wanted += [(Kind.STALL, "")]
    random.shuffle(wanted)
    between = seconds / len(wanted)
    return [
        _fault(random, kind, whom, nodes, pace, (place + random.random()) * between)
        for place, (kind, whom) in enumerate(wanted)
    ]


def _fault(random: Random, kind: Kind, whom: str, nodes: int, pace: Pace, at: float) -> Fault:
    if kind in OF_NODES:
        mortal = nodes if kind is Kind.FREEZE or nodes < 3 else nodes - 1
        whom = str(random.randrange(mortal))
    lengths = {
        Kind.KILL: pace.down,
        Kind.FREEZE: pace.frozen,
        Kind.CRASH: pace.down,
        Kind.PAUSE: pace.silent,
        Kind.DELAY: pace.silent,
        Kind.SILENCE: pace.silent,
        Kind.CURTAIL: pace.down,
        Kind.STALL: pace.stalled,
    }
    lasts = round(random.uniform(*lengths[kind]), 2) if kind in lengths else 0.0
    limit = random.choice([0, 1, 60, 200, 500, 2000]) if kind is Kind.CURTAIL else 0
    return Fault(round(at, 2), kind, whom, lasts, limit)
