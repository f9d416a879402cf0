"""`make bench`: measure, print, and write the page with its picture."""

from functools import partial
from typing import Annotated

import typer

from tests.benchmarks import page, picture, results, running
from tests.benchmarks.circumstances import Circumstances
from tests.benchmarks.figures import figure, spread
from tests.benchmarks.plans import PLANS


def bench(
    plan: Annotated[str, typer.Option(help=f"How much is measured: {', '.join(PLANS)}.")] = "full",
    write: Annotated[bool, typer.Option("--page/--no-page", help="Write docs/benchmarks.md and its picture.")] = True,
) -> None:
    """Measure phaseline and its peers side by side."""
    before = Circumstances.now()
    found = running.run(partial(results.measure, PLANS[plan]))
    running.show(found.table)
    stated = f"{figure(found.modal.size)} kB, first stepper after {spread(found.modal.stepped)} ms"
    running.console.print(f"The modal: {stated}.", highlight=False)
    running.console.print(before.sentence(found.commits[0].disk), highlight=False)
    if write:
        docs = running.ROOT / "docs"
        (docs / "benchmarks.md").write_text(page.text(found, before))
        (docs / "benchmarks.svg").write_text(picture.svg(found.table))
        running.console.print("docs/benchmarks.md and docs/benchmarks.svg are written anew.", highlight=False)


if __name__ == "__main__":
    typer.run(bench)
