"""The figures for people: docs/benchmarks.md, from page.md beside this file."""

from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from string import Template

from tests.benchmarks import commits, crowd, modal, moving, pages, storm
from tests.benchmarks.circumstances import Circumstances
from tests.benchmarks.figures import HEADINGS, figure, spread
from tests.benchmarks.ours import LIFTED
from tests.benchmarks.results import Results

_LONG = ("work", "phaseline", "itself", "ratio")


def text(results: Results, circumstances: Circumstances) -> str:
    """The page."""
    plan = results.plan
    template = Template(Path(__file__).with_name("page.md").read_text())
    return template.substitute(
        table=_markdown(HEADINGS, (one.row for one in results.table)),
        every_page=_markdown(_LONG, ((one.what, *one.row[1:2], *one.row[3:5]) for one in results.every_page)),
        size=figure(results.modal.size),
        most=modal.MOST,
        fits="reached" if results.modal.size <= modal.MOST else "**not reached**",
        stepped=spread(results.modal.stepped),
        circumstances=circumstances.sentence(results.commits[0].disk),
        lifted=", ".join(f"`PHASELINE_{name}`" for name in LIFTED),
        rounds=plan.rounds,
        events=plan.events,
        deploys=plan.deploys,
        viewers_each=plan.viewers_each,
        steps=plan.steps,
        callers=min(moving.MANY, plan.deploys),
        pace=moving.PACE,
        storm=f"{plan.storm:,}",
        long_rounds=plan.long_rounds,
        at_once=crowd.AT_ONCE,
        rest=storm.REST,
        callbacks=plan.callbacks,
        many=commits.MANY,
        pool=commits.POOL,
        page_size=pages.SIZE,
        page=f"{pages.PAGE:,}",
        times=pages.TIMES,
        picows=version("picows"),
    )


def _markdown(headings: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
    headings = tuple(headings)
    lines = [headings, tuple("---" for _ in headings), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
