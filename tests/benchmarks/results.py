"""All that a run finds, kind by kind."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from statistics import median

from tests.benchmarks import commits, fan_out, modal, moving, pages, storm
from tests.benchmarks.commits import Commits
from tests.benchmarks.figures import Comparison
from tests.benchmarks.modal import Modal
from tests.benchmarks.pages import Pages
from tests.benchmarks.peers import OURS, TITLES
from tests.benchmarks.plans import Plan
from tests.benchmarks.storm import OWN


@dataclass(frozen=True)
class Results:
    """Comparisons in the order of the table, every page of the lists, and what is only stated."""

    plan: Plan
    feed: list[Comparison]
    commits: list[Commits]
    pages: list[Pages]
    modal: Modal

    @property
    def table(self) -> list[Comparison]:
        """The lines of the table; of the pages, the worst of each list."""
        made = [comparison for one in self.commits for comparison in one.comparisons]
        return [*self.feed, *made, *(worst for one in self.pages for worst in worst_of(one.comparisons))]

    @property
    def every_page(self) -> list[Comparison]:
        """All of them."""
        return [comparison for one in self.pages for comparison in one.comparisons]


def worst_of(comparisons: list[Comparison]) -> list[Comparison]:
    """Of each list the page that has grown most."""
    return [max(group, key=lambda one: median(one.ratios)) for _, group in groupby(comparisons, key=_list_of)]


def _list_of(comparison: Comparison) -> str:
    return comparison.what.split(": ")[1].split(",")[0]


async def measure(plan: Plan, directory: Path, tell: Callable[[str], None]) -> Results:
    """Everything, one kind after the other."""
    told = await fan_out.measure(plan.viewers, plan.rounds, plan.events, [*TITLES], directory, tell)
    moved = await moving.measure(plan.deploys, plan.viewers_each, plan.steps, plan.long_rounds, directory, tell)
    came = await storm.measure(plan.storm, plan.long_rounds, [OURS, OWN, "node"], directory, tell)
    feed = [comparison for one in told for comparison in one.comparisons]
    feed += [*moved.comparisons, *came.comparisons]
    committed = [
        await commits.measure(database, plan.rounds, plan.callbacks, directory, tell) for database in commits.DATABASES
    ]
    databases = [*commits.DATABASES] if plan.postgresql_pages else ["sqlite"]
    read = [await pages.measure(database, plan.entries, plan.rounds, directory, tell) for database in databases]
    return Results(plan, feed, committed, read, await modal.measure(plan.rounds, directory, tell))
