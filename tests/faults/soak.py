"""Faults for a long time, by `make soak`: rounds like the runs of the tests, and docs/soak.md of what was seen.

A round has a seed of its own, the first one's plus its number, so that a round which fails can be had alone.
"""

import argparse
import asyncio
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults import page
from tests.faults.cluster import Cluster, cluster
from tests.faults.history import Answer
from tests.faults.oracle import ALSO_OF_A_SOAK, judge, told
from tests.faults.plan import Fault, Kind, Pace, plan
from tests.faults.run import Run, Size, delays, run
from tests.support.postgres import MISSING, VERSIONS, running

ROUND = 120.0  # seconds
NODES = 3
# Frozen for longer than the database lets a transaction stand idle, and than anybody here waits for anything.
PACE = Pace(down=(0.5, 8), frozen=(15, 45), silent=(1, 12), stalled=(25, 40))
SIZE = Size(deploys=40, pause=2.0, patience=5.0)
# How much more a node that is never ended may hold at the end than after the first round: a share of that, or so many
# MiB where that is more.
MORE_BY_SHARE = 0.3
MORE = 40
# As they are unless somebody sets them; the tests' own way of starting a node would have it look but once an hour.
SETTINGS = {"poll_seconds": "2"}

MEMORY_STAYS = (
    "The memory of the node that is never ended has grown since the first round by no more than "
    f"{MORE_BY_SHARE:.0%} or {MORE} MiB."
)


@dataclass
class Seen:
    """What all rounds together have seen."""

    seed: int
    wanted: float
    database: str
    began: float = field(default_factory=time.monotonic)
    rounds: int = 0
    faults: Counter[Kind] = field(default_factory=Counter)
    answers: Counter[Answer] = field(default_factory=Counter)
    deploys: int = 0
    entries: int = 0
    events: int = 0
    away: int = 0
    viewers: int = 0
    connections: int = 0
    problems: Counter[str] = field(default_factory=Counter)
    delays: list[float] = field(default_factory=list)
    until_answered: float = 0.0
    until_caught_up: float = 0.0

    def add(self, made: Run) -> None:
        """What one round has seen."""
        self.rounds += 1
        self.faults += made.faults
        self.answers += made.answers
        told = next(iter(made.history.told.values()))
        self.deploys += len(told)
        self.entries += sum(len(deploy.log) for deploy in told.values())
        self.events += made.events
        self.away += len(made.history.away)
        self.viewers += made.viewers
        self.connections += made.connections
        self.delays += delays(made.history)
        self.until_answered = max(self.until_answered, made.until_answered)
        self.until_caught_up = max(self.until_caught_up, made.until_caught_up)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began


def say(*words: object) -> None:
    """To the terminal, or to whatever keeps what is said."""
    print(time.strftime("%H:%M:%S"), *words, flush=True)


async def soak(seed: int, seconds: float, postgres_version: int | None) -> bool:
    """Whether everything held. The page tells in either case."""
    rounds = max(1, round(seconds / ROUND))
    length = min(seconds, ROUND)
    again = "" if postgres_version else " --sqlite"
    async with AsyncExitStack() as stack:
        postgres = await stack.enter_async_context(running(postgres_version)) if postgres_version else None
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        database = await postgres.database() if postgres else Path(folder) / "phaseline.db"
        made = await stack.enter_async_context(cluster(database, NODES, postgres, SETTINGS))
        seen = Seen(seed, seconds, f"PostgreSQL {postgres_version}" if postgres else "SQLite")
        for number in range(rounds):
            planned = plan(seed + number, length, NODES, PACE, of_the_database=postgres is not None)
            say(f"round {number + 1} of {rounds}, seed {seed + number}")
            print(*planned, sep="\n")
            one = await run(made, seed + number, planned, SIZE, _began)
            seen.add(one)
            say(one.summary)
            for node in made.nodes:
                held = f"{node.memory[-1][1] // 1024} MiB" if node.memory else "unknown"
                started = f"started {node.starts} times, within {node.longest_start:.1f} s"
                say(f"{node.name}: memory {held}, {started}, {node.cut_off} viewers cut off")
            if problems := judge(one.history, *ALSO_OF_A_SOAK):
                seen.problems += Counter({check: len(found) for check, found in problems.items()})
                print(told(problems))
                say(f'NOT AS IT SHOULD BE. Again: make soak ARGS="--seed {seed + number} --seconds {length:g}{again}"')
        if grown := list(_grown(made)):
            seen.problems[MEMORY_STAYS] += len(grown)
            say("; ".join(grown))
        page.write(seen, made, also=[MEMORY_STAYS])
    return not seen.problems


def _grown(made: Cluster) -> Iterator[str]:
    """The nodes, of those that were never ended, that have not kept to what `MEMORY_STAYS` says."""
    for node in made.nodes:
        if node.starts == 1 and node.memory:
            (_, first), (_, last) = node.memory[0], node.memory[-1]
            if last > first + max(MORE_BY_SHARE * first, MORE * 1024):
                yield f"{node.name} held {first // 1024} MiB after the first round, and {last // 1024} MiB at the end"


def _began(fault: Fault) -> None:
    say(fault)


def main() -> None:
    """Read the arguments, and end with 1 where something did not hold."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="how long, in rounds of two minutes")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31), help="what the plans follow from")
    parser.add_argument("--sqlite", action="store_true", help="nodes that share a file, in place of PostgreSQL")
    given = parser.parse_args()
    if not VERSIONS and not given.sqlite:
        sys.exit(MISSING)
    version = None if given.sqlite else VERSIONS[-1]
    sys.exit(0 if asyncio.run(soak(given.seed, given.seconds, version)) else 1)


if __name__ == "__main__":
    main()
