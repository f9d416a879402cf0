"""The first and the thousandth page of both lists with each filter, of a short history and of a long one."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from tests.benchmarks import running
from tests.benchmarks.callers import Callers, calling
from tests.benchmarks.cluster import durable
from tests.benchmarks.commits import DATABASES
from tests.benchmarks.figures import Better, Comparison
from tests.benchmarks.filters import Listing, cursor_after, listings, rows_on
from tests.benchmarks.ours import serving_ours
from tests.support import bulk

SIZE = 10
PAGE = 1000
WANTED = 1.5

# How often a page is asked for in a round; the median counts.
TIMES = 9


class Wanted(NamedTuple):
    """A page of both histories: the list, and the cursor before it."""

    name: str
    short: tuple[Listing, str | None]
    long: tuple[Listing, str | None]


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
        tell(f"looking for page {PAGE:,} ({DATABASES[database]})")
        wanted = await _wanted(*histories)
        for number in range(1, rounds + 1):
            tell(f"pages on {DATABASES[database]}, round {number} of {rounds}")
            await _round(found, wanted, *histories)
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


async def _wanted(short: str, long: str) -> list[Wanted]:
    """The pages to ask for: the first of each list, and the thousandth, or the last whole one that there is.

    Raises RuntimeError where one is not whole: a page of fewer rows takes less time.
    """
    wanted = []
    async with calling(short) as few, calling(long) as many:
        for mine, theirs in zip(await listings(few, SIZE), await listings(many, SIZE), strict=True):
            what = f"{mine.field}, {mine.words}"
            wanted.append(Wanted(f"{what}, first page", (mine, None), (theirs, None)))
            near, rows_before = await cursor_after(few, mine, (PAGE - 1) * SIZE, SIZE)
            far, many_before = await cursor_after(many, theirs, (PAGE - 1) * SIZE, SIZE)
            if many_before:
                pages = f"page {_page(many_before)}, of the short one {_page(rows_before)}"
                wanted.append(Wanted(f"{what}, {pages}", (mine, near), (theirs, far)))
        for one in wanted:
            held = (
                await rows_on(few, one.short[0], SIZE, one.short[1]),
                await rows_on(many, one.long[0], SIZE, one.long[1]),
            )
            if held != (SIZE, SIZE):
                raise RuntimeError(f"{one.name}: {held} rows")
    return wanted


def _page(rows_before: int) -> str:
    return f"{rows_before // SIZE + 1:,}"


async def _round(found: Pages, wanted: list[Wanted], short: str, long: str) -> None:
    async with calling(short) as few, calling(long) as many:
        for one in wanted:
            of_long, of_short = found.found.setdefault(one.name, ([], []))
            of_short.append(await _milliseconds(few, *one.short))
            of_long.append(await _milliseconds(many, *one.long))


async def _milliseconds(callers: Callers, listing: Listing, cursor: str | None) -> float:
    variables = {"first": SIZE, "after": cursor, "filter": listing.filter}
    return await callers.milliseconds(listing.query, TIMES, **variables)


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
