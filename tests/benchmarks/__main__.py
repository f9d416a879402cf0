"""`make bench`: measure, print, and write the page."""

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from tests.benchmarks import commits, fan_out, page, parts
from tests.benchmarks.page import Results

_ROOT = Path(__file__).resolve().parents[2]


def bench(
    rounds: Annotated[int, typer.Option(min=1, help="How often each is measured, in turn with its peer.")] = 5,
    callbacks: Annotated[int, typer.Option(min=32, help="How many callbacks a round has.")] = 192,
    viewers: Annotated[list[int] | None, typer.Option(help="How many viewers; may be given again. [100, 500]")] = None,
    events: Annotated[int, typer.Option(min=1, help="How many events a round has.")] = 2,
    write: Annotated[bool, typer.Option("--page/--no-page", help="Write docs/benchmarks.md.")] = True,
) -> None:
    """Measure phaseline and its peers side by side."""
    console = Console()
    callbacks -= callbacks % commits.MANY  # as many for every caller
    cache = _ROOT / ".cache"  # a disk, where the system's own place for such files may be memory
    cache.mkdir(exist_ok=True)

    async def measure(directory: Path) -> Results:
        with console.status("starting") as status:
            committed = await commits.measure(rounds, callbacks, directory, status.update)
            told = await fan_out.measure(rounds, viewers or [100, 500], events, directory, status.update)
            parted = await parts.measure(directory / "parts.db")
        return Results(rounds, callbacks, events, committed, told, parted)

    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir=cache) as directory,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        load = page.load()
        results = runner.run(measure(Path(directory)))
    console.print(page.table(results))
    console.print(page.circumstances(results, load), highlight=False)
    if write:
        (_ROOT / "docs/benchmarks.md").write_text(page.text(results, load))
        console.print("docs/benchmarks.md is written anew.", highlight=False)


if __name__ == "__main__":
    typer.run(bench)
