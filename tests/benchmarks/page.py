"""The figures for people: a table on the terminal, and docs/benchmarks.md."""

import os
import platform
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from string import Template

from rich.table import Column, Table

from phaseline.settings import Settings
from tests.benchmarks import parts
from tests.benchmarks.commits import MANY, Commits
from tests.benchmarks.fan_out import FanOut
from tests.benchmarks.figures import HEADINGS, Comparison, spread
from tests.benchmarks.parts import Parts

_PACKAGES = "strawberry-graphql graphql-core fastapi uvicorn uvloop websockets sqlalchemy aiosqlite".split()


@dataclass(frozen=True)
class Results:
    """What a run has found, and how long its rounds were."""

    rounds: int
    callbacks: int
    events: int
    commits: Commits
    fan_out: list[FanOut]
    parts: Parts

    @property
    def comparisons(self) -> list[Comparison]:
        """All of them."""
        return [*self.commits.comparisons, *(one.comparison for one in self.fan_out)]


def load() -> str:
    """How much else the machine was doing during the last minute."""
    return f"{os.getloadavg()[0]:.1f}"


def table(results: Results) -> Table:
    """For the terminal."""
    numbers = [Column(heading, justify="right" if heading in HEADINGS[2::2] else "left") for heading in HEADINGS]
    made = Table(*numbers, title=f"Medians of {results.rounds} rounds (least–most)")
    for comparison in results.comparisons:
        made.add_row(*comparison.row)
    return made


def circumstances(results: Results, load_before: str) -> str:
    """What the figures depend on, in a paragraph. Neither the machine's name nor any path is in it."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}; {platform.system()} on {platform.machine()}, {cores} cores, load average "
        f"before the run {load_before}; one write of 4 KiB through to the disk takes "
        f"{spread(results.commits.disk)} ms. phaseline {version('phaseline')}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {packages}."
    )


def text(results: Results, load_before: str) -> str:
    """The page, from page.md beside this file."""
    template = Template(Path(__file__).with_name("page.md").read_text())
    commits = results.commits
    most = results.fan_out[-1]
    poll = float(Settings.model_fields["poll_seconds"].default)
    return template.substitute(
        rounds=results.rounds,
        callbacks=results.callbacks,
        events=results.events,
        many=MANY,
        table=_markdown(results.comparisons),
        circumstances=circumstances(results, load_before),
        alone=f"{1000 / median(commits.alone):.1f}",
        bare=f"{1000 / median(commits.bare):.2f}",
        disk=f"{median(commits.disk):.2f}",
        verb=f"{results.parts.callback:.1f}",
        read=f"{results.parts.read:.1f}",
        at_once=parts.AT_ONCE,
        poll=f"{poll:g}",
        together=f"{1000 / median(commits.together):.1f}",
        reading=spread(commits.reading),
        reading_each=f"{1000 / median(commits.reading):.1f}",
        viewers=most.viewers,
        each_viewer=f"{median(most.ours) / most.viewers:.2f}",
        each_peer=f"{median(most.theirs) / most.viewers:.2f}",
    )


def _markdown(comparisons: list[Comparison]) -> str:
    lines = [HEADINGS, tuple("---" for _ in HEADINGS), *(comparison.row for comparison in comparisons)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
