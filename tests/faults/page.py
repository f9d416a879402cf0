"""What a soak has seen, for people: docs/soak.md, from page.md beside this file."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from string import Template
from typing import TYPE_CHECKING

from tests.faults.oracle import ALSO_OF_A_SOAK, CHECKS
from tests.faults.plan import Kind

if TYPE_CHECKING:
    from tests.faults.cluster import Cluster
    from tests.faults.soak import Seen

PAGE = Path(__file__).resolve().parents[2] / "docs" / "soak.md"
_PACKAGES = "strawberry-graphql graphql-core fastapi uvicorn uvloop websockets sqlalchemy asyncpg".split()


def write(seen: Seen, cluster: Cluster, also: list[str]) -> None:
    """Write it. `also` is what is checked but by the oracle."""
    PAGE.write_text(text(seen, cluster, also))


def text(seen: Seen, cluster: Cluster, also: list[str]) -> str:
    """The page."""
    template = Template(Path(__file__).with_name("page.md").read_text())
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return template.substitute(
        day=f"{datetime.now(UTC):%Y-%m-%d}",
        database=seen.database,
        seed=seen.seed,
        wanted=f"{seen.wanted:g}",
        minutes=f"{seen.seconds / 60:.0f}",
        rounds=seen.rounds,
        nodes=len(cluster.nodes),
        machine=f"{platform.system()} on {platform.machine()}, {cores} cores, {memory / 2**30:.0f} GiB of memory",
        packages=", ".join(f"{name} {version(name)}" for name in _PACKAGES),
        python=platform.python_version(),
        phaseline=version("phaseline"),
        faults=_table("what went wrong", {f"{kind.value}": seen.faults[kind] for kind in Kind if seen.faults[kind]}),
        answers=_table(
            "a callback, each time it was sent", {answer.value: count for answer, count in seen.answers.most_common()}
        ),
        sendings=f"{seen.answers.total():,}",
        deploys=f"{seen.deploys:,}",
        entries=f"{seen.entries:,}",
        away=f"{seen.away:,}",
        events=f"{seen.events:,}",
        viewers=f"{seen.viewers:,}",
        connections=f"{seen.connections:,}",
        reconnections=f"{seen.connections - seen.viewers:,}",
        cut_off=f"{sum(node.cut_off for node in cluster.nodes):,}",
        measured=f"{len(seen.delays):,}",
        middle=f"{1000 * median(seen.delays):.0f}",
        most=f"{1000 * _share(sorted(seen.delays), 0.99):.0f}",
        longest=f"{max(seen.delays):.1f}",
        until_answered=f"{seen.until_answered:.1f}",
        until_caught_up=f"{seen.until_caught_up:.1f}",
        memory=_memory(cluster),
        outcome=_outcome(seen),
        checks="\n".join(f"- {check}" for check in [*(check.__doc__ for check in (*CHECKS, *ALSO_OF_A_SOAK)), *also]),
    )


def _outcome(seen: Seen) -> str:
    if not seen.problems:
        return (
            "Everything that is checked (below) held after every round, and all nodes became ready without any start\n"
            "but those that the plans had."
        )
    return "**Not everything held.**\n\n" + _table("what did not hold", dict(seen.problems))


def _share(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _table(heading: str, counts: dict[str, int]) -> str:
    rows = "\n".join(f"| {what} | {count:,} |" for what, count in counts.items())
    return f"| {heading} | times |\n|---|---|\n{rows}"


def _memory(cluster: Cluster) -> str:
    """Each node's memory at the end of each round, in MiB."""
    rows = []
    for node in cluster.nodes:
        held = [f"{kib // 1024}" for _, kib in node.memory]
        rows.append(f"| {node.name} | {node.starts} | {', '.join(held)} |")
    heading = "| node | processes, one after the other | MiB held at the end of each round |\n|---|---|---|\n"
    return heading + "\n".join(rows)
