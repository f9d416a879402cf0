"""What the figures depend on: the machine, what else it does, and versions. Neither its name nor any path is in it."""

import json
import os
import platform
import sqlite3
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks.figures import spread
from tests.benchmarks.peers import HERE, NODE
from tests.support import postgres

_PACKAGES = "strawberry-graphql graphql-core fastapi uvicorn uvloop websockets sqlalchemy asyncpg picows".split()


@dataclass(frozen=True)
class Circumstances:
    """As they were before the run."""

    load: float

    @classmethod
    def now(cls) -> "Circumstances":
        """How much else the machine was doing during the last minute."""
        return cls(os.getloadavg()[0])

    def sentence(self, disk: Sequence[float]) -> str:
        """In a paragraph."""
        python = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
        node = ", ".join(f"{name} {number}" for name, number in _of_node().items())
        return (
            f"{datetime.now(UTC):%Y-%m-%d}; {platform.system()} on {_processor()}, "
            f"{len(os.sched_getaffinity(0))} cores, {_memory()} GiB of memory, load average before {self.load:.1f}; "
            f"one write of 4 KiB through to the disk takes {spread(disk)} ms. phaseline {version('phaseline')}, "
            f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, PostgreSQL {postgres.VERSIONS[-1]}, "
            f"{python}. Node {_node()}, {node}."
        )


def _of_node() -> dict[str, str]:
    """What the peer on Node is locked to."""
    locked = json.loads((HERE / "node" / "package-lock.json").read_text())["packages"]
    return {name: locked[f"node_modules/{name}"]["version"] for name in locked[""]["dependencies"]}


def _node() -> str:
    return subprocess.run([NODE, "--version"], capture_output=True, check=True, text=True).stdout.strip().lstrip("v")


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line for line in lines if line.startswith("model name")]
    return names[0].split(":", 1)[1].strip() if names else platform.machine()


def _memory() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
