"""A run of measurements, in a folder that is gone afterwards."""

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import uvloop
from rich.console import Console
from rich.table import Column, Table

from tests.benchmarks.crowd import many_files
from tests.benchmarks.figures import HEADINGS, Comparison

ROOT = Path(__file__).resolve().parents[2]

Result = TypeVar("Result")
Tell = Callable[[str], None]

# Wide enough for a table, where nothing tells how wide.
console = Console(width=None if sys.stdout.isatty() else 170)


def run(measure: Callable[[Path, Tell], Awaitable[Result]]) -> Result:
    """What it finds, given the folder and whom to tell how far it has come."""
    many_files()
    cache = ROOT / ".cache"  # a disk, where the system's own place for such files may be memory
    cache.mkdir(exist_ok=True)

    async def measured(directory: Path) -> Result:
        with console.status("starting") as status:
            return await measure(directory, status.update)

    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir=cache) as directory,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        return runner.run(measured(Path(directory)))


def show(comparisons: list[Comparison]) -> None:
    """On the terminal."""
    numbers = ("phaseline", "theirs", "ratio")
    table = Table(*(Column(heading, justify="right" if heading in numbers else "left") for heading in HEADINGS))
    for comparison in comparisons:
        table.add_row(*(cell.replace("**", "") for cell in comparison.row))
    console.print(table)
