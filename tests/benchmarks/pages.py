"""The first and the thousandth page of both lists with each filter, of a short history and of a long one."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer

from tests.benchmarks import running
from tests.benchmarks.callers import Callers, calling
from tests.benchmarks.cluster import durable
from tests.benchmarks.commits import DATABASES
from tests.benchmarks.figures import Better, Comparison
from tests.benchmarks.filters import Listing, listings
from tests.benchmarks.ours import serving_ours
from tests.support import bulk

SIZE = 10
PAGE = 1000
WANTED = 1.5

# The most that one request may ask for, on the way to a page far back.
_STRIDE = 200

# How often a page is asked for in a round; the median counts.
TIMES = 9


@dataclass
class Pages:
    """Milliseconds a round, of the long history and of the short one, by list and page."""

    database: str
    short: int
    long: int
    found: dict[str, tuple[list[float], list[float]]] = field(default_factory=dict)

    @property
    def comparisons(self) -> list[Comparison]:
        """Each with itself."""
        where, peer = DATABASES[self.database], f"itself at {self.short:,}"
        return [
            Comparison(f"ms, {where}, {self.long:,} entries: {what}", peer, long, short, WANTED, Better.GROWTH)
            for what, (long, short) in self.found.items()
        ]


async def measure(
    database: str, entries: tuple[int, int], rounds: int, directory: Path, tell: Callable[[str], None]
) -> Pages:
    """Rounds of both histories, in turn."""
    found = Pages(database, *entries)
    async with AsyncExitStack() as stack:
        histories = []
        at = await stack.enter_async_context(_databases(database, directory))
        for size in entries:
            tell(f"writing {size:,} entries ({DATABASES[database]})")
            where = await at(f"history_{size}")
            await bulk.fill(where, size)
            served = await stack.enter_async_context(serving_ours(where, directory / f"pages-{database}-{size}.log"))
            histories.append(served.url)
        for number in range(rounds):
            await _round(found, histories, number, lambda what: tell(f"pages on {DATABASES[database]}: {what}"))
    return found


@asynccontextmanager
async def _databases(database: str, directory: Path) -> AsyncIterator[Callable[[str], Any]]:
    """What makes a database of a name."""
    if database == "postgresql":
        async with durable() as cluster:
            yield cluster.database
        return

    async def file(name: str) -> Path:
        return directory / f"{name}.db"

    yield file


async def _round(found: Pages, histories: list[str], number: int, tell: Callable[[str], None]) -> None:
    lists = []
    for url in histories:
        async with calling(url) as callers:
            lists.append(await listings(callers))
    for short, long in zip(*lists, strict=True):
        tell(f"{short.field}, {short.words}, round {number + 1}")
        async with calling(histories[0]) as few, calling(histories[1]) as many:
            far, back = await _cursor(few, short, (PAGE - 1) * SIZE)
            for page, skipped, cursor in (("first page", 0, None), (f"page {back // SIZE + 1:,}", back, far)):
                if page != "first page" and skipped == 0:
                    continue
                other = None if skipped == 0 else (await _cursor(many, long, skipped))[0]
                name = f"{short.field}, {short.words}, {page}"
                taken = found.found.setdefault(name, ([], []))
                taken[1].append(await _milliseconds(few, short, cursor))
                taken[0].append(await _milliseconds(many, long, other))


async def _cursor(callers: Callers, listing: Listing, rows: int) -> tuple[str | None, int]:
    """The cursor after so many rows, or, where there are not so many, before the last page; and after how many."""
    cursor, passed = None, 0
    while passed < rows:
        stride = min(_STRIDE, rows - passed)
        page = (await callers.send(listing.query, first=stride, after=cursor, filter=listing.filter))[listing.field]
        if not page["pageInfo"]["hasNextPage"]:
            return await _cursor(callers, listing, max(0, (passed + len(page["edges"]) - 1) // SIZE * SIZE))
        cursor, passed = page["pageInfo"]["endCursor"], passed + stride
    return cursor, passed


async def _milliseconds(callers: Callers, listing: Listing, cursor: str | None) -> float:
    variables = {"first": SIZE, "after": cursor, "filter": listing.filter}
    return median([await callers.milliseconds(listing.query, **variables) for _ in range(TIMES)])


def main(
    short: int = 10_000,
    long: int = 200_000,
    rounds: int = 3,
    database: Annotated[str, typer.Option(help="sqlite, postgresql; separated by commas.")] = "sqlite",
) -> None:
    """Measure pages."""
    for name in database.split(","):
        running.show(running.run(partial(measure, name, (short, long), rounds)).comparisons)


if __name__ == "__main__":
    typer.run(main)
