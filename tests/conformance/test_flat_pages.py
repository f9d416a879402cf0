"""Pages of a history as years leave it: they hold what they should, and an index leads to them by every filter."""

import itertools
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import Engine

from phaseline import history
from phaseline.store import Store as Reading
from phaseline_schema.pipeline import Outcome
from phaseline_schema.records import AuditKind, Source
from phaseline_schema.types.inputs import AuditFilter, DeployFilter
from tests.conformance.conftest import on_one_of_each
from tests.conformance.stores import Store
from tests.support import bulk, logs, model
from tests.support.consistency import contradictions, source_of
from tests.support.database import address
from tests.support.invented import COMMON_ACTOR, RARE_ACTOR, RARE_ENVIRONMENT
from tests.support.logs import Log

ENTRIES = 12_000
SIZE = 200

# By which column a filter leads to rows, where it is named otherwise.
_COLUMNS = {"outcome": "pipeline"}


@pytest.fixture(scope="module")
async def filled(store: Store) -> Path | str:
    """A database that holds such a history."""
    database = await store.empty()
    await bulk.fill(database, ENTRIES)
    return database


@pytest.fixture(scope="module")
async def every_log(filled: Path | str) -> dict[str, Log]:
    """What lies in it, read past phaseline."""
    return await logs.read(filled)


@pytest.fixture(scope="module")
async def reading(filled: Path | str) -> AsyncIterator[Reading]:
    """The store upon it."""
    store = Reading(address(filled))
    yield store
    await store.close()


def _times(every_log: dict[str, Log]) -> tuple[datetime, datetime]:
    times = sorted(entry["recorded_at"] for log in every_log.values() for entry in log.entries)
    return times[len(times) // 3], times[len(times) // 2]


def _choices(options: dict[str, tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    """One value of each filter, alone and with every other one."""
    for count in range(3):
        for names in itertools.combinations(options, count):
            for values in itertools.product(*(options[name] for name in names)):
                yield dict(zip(names, values, strict=True))


def _of_entries(every_log: dict[str, Log]) -> list[AuditFilter]:
    early, late = _times(every_log)
    longest = max(every_log.values(), key=lambda log: len(log.entries))
    options: dict[str, tuple[Any, ...]] = {
        "deploy_id": (longest.id,),
        "environment": ("production", RARE_ENVIRONMENT),
        "actor": (COMMON_ACTOR, RARE_ACTOR, "nobody"),
        "to_status": ("cancelled", "paused"),
        "kind": tuple(AuditKind),
        "source": tuple(Source),
        "recorded_after": (early,),
        "recorded_before": (late,),
    }
    return [AuditFilter(**given) for given in _choices(options)]


def _of_deploys(every_log: dict[str, Log]) -> list[DeployFilter]:
    early, late = _times(every_log)
    options: dict[str, tuple[Any, ...]] = {
        "environment": ("production", RARE_ENVIRONMENT),
        "outcome": tuple(Outcome),
        "started_after": (early,),
        "started_before": (late,),
    }
    return [DeployFilter(**given) for given in _choices(options)]


def _is_wanted(row: dict[str, Any], wanted: AuditFilter | DeployFilter) -> bool:
    for name, value in vars(wanted).items():
        if value is None:
            continue
        column, _, border = name.rpartition("_")
        if border in ("after", "before"):
            at = row[f"{column}_at"]
            if not (at > value if border == "after" else at < value):
                return False
        elif name == "source":
            if source_of(row) != value:
                return False
        elif (model.outcome(row["status"]) if name == "outcome" else row[name]) != value:
            return False
    return True


async def _walked(reading: Reading, page: Any, wanted: Any, most: int) -> list[Any]:
    """The ids of so many pages, by cursor."""
    found: list[Any] = []
    after = None
    for _ in range(most):
        got = await reading.read(partial(page, wanted=wanted, first=SIZE, after=after))
        found += [row.id for _, row in got.rows]
        if not got.has_next:
            break
        after = got.rows[-1][0]
    return found


@on_one_of_each
async def test_an_invented_history_is_one_that_could_have_been(every_log: dict[str, Log]) -> None:
    assert sum(len(log.entries) for log in every_log.values()) == ENTRIES
    assert not contradictions(every_log)


@on_one_of_each
async def test_pages_hold_what_a_look_at_every_row_finds(reading: Reading, every_log: dict[str, Log]) -> None:
    entries = sorted(
        (entry for log in every_log.values() for entry in log.entries),
        key=lambda entry: (entry["recorded_at"], entry["id"]),
        reverse=True,
    )
    deploys = sorted(
        (log.row for log in every_log.values() if log.row), key=lambda row: (row["started_at"], row["id"]), reverse=True
    )
    most = 4
    for page, rows, filters in (
        (history.entries_page, entries, _of_entries(every_log)),
        (history.deploys_page, deploys, _of_deploys(every_log)),
    ):
        for wanted in filters:
            expected = [row["id"] for row in rows if _is_wanted(row, wanted)][: most * SIZE]
            assert await _walked(reading, page, wanted, most) == expected, wanted


async def _plan(reading: Reading, page: Any, wanted: Any, after: str | None) -> str:
    """How the database finds a page: told of the statement that was sent for it."""
    sent: list[tuple[str, Any]] = []

    def executed(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if " LIMIT " in statement.replace("\n", " "):
            sent.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", executed)
    try:
        async with reading.reading() as connection:
            await page(connection, wanted, 50, after)
    finally:
        event.remove(Engine, "before_cursor_execute", executed)
    statement, parameters = sent[-1]
    async with reading.reading() as connection:
        if connection.dialect.name == "sqlite":
            rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            return "\n".join(str([*row][-1]) for row in rows)
        await connection.execute(text("SET LOCAL enable_seqscan = off"))
        await connection.execute(text("SET LOCAL enable_bitmapscan = off"))
        # Whether it can do without, and not whether that pays for so few rows.
        await connection.execute(text("SET LOCAL enable_sort = off"))
        await connection.execute(text("SET LOCAL enable_incremental_sort = off"))
        found = await connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
        return "\n".join(str(row[0]) for row in found)


def _unled(plan: str, wanted: AuditFilter | DeployFilter, *, is_further: bool) -> set[str]:
    """What of a filter, or of a place in the list, is in no condition by which an index is entered.

    One value leads to entries, and by the others they are picked; of deploys, each leads there. PostgreSQL knows which
    values are common, and may walk through the list for one of which every few rows are.
    """
    entered = "\n".join(line for line in plan.splitlines() if "Index Cond: " in line or line.startswith("SEARCH "))
    given = {name: value for name, value in vars(wanted).items() if value is not None}
    values = {name for name in given if not name.endswith(("_after", "_before"))}
    led = {name for name in values if re.search(rf"\b{_COLUMNS.get(name, name)}\)?(::\w+)? ?=", entered)}
    missing = values - led
    if "SEARCH " not in plan and "SCAN " not in plan:
        missing = {name for name in missing if name == "deploy_id" or given[name] in (RARE_ACTOR, RARE_ENVIRONMENT)}
    if isinstance(wanted, AuditFilter) and led:
        missing &= {"deploy_id"}
    place = r"\bsequence ?<" if "deploy_id" in given else r"_at\b.* ?<"
    is_bounded = is_further or ("deploy_id" not in given and any(name.endswith("_before") for name in given))
    return missing | ({"the place"} if is_bounded and not re.search(place, entered) else set())


_SORTED = ("TEMP B-TREE", "Sort")


def _has_parts(wanted: AuditFilter | DeployFilter) -> bool:
    """Whether a page is put together of two that are no longer than it: of a source there are entries without one."""
    others = {name: value for name, value in vars(wanted).items() if value is not None and "recorded" not in name}
    return [*others.items()] in ([("source", Source.CALLBACK)], [("source", Source.OPERATOR)])


@on_one_of_each
async def test_an_index_leads_to_every_page_in_its_order(reading: Reading, every_log: dict[str, Log]) -> None:
    lists: tuple[tuple[Any, Sequence[Any]], ...] = (
        (history.entries_page, _of_entries(every_log)),
        (history.deploys_page, _of_deploys(every_log)),
    )
    for page, filters in lists:
        for wanted in filters:
            first = await reading.read(partial(page, wanted=wanted, first=50, after=None))
            for after in (None, *(cursor for cursor, _ in first.rows[-1:])):
                plan = await _plan(reading, page, wanted, after)
                assert not _unled(plan, wanted, is_further=after is not None), (wanted, after, plan)
                for whole in (
                    *_SORTED * (not _has_parts(wanted)),
                    "Seq Scan",
                    "SCAN audit_entries\n",
                    "SCAN deploys\n",
                ):
                    assert whole not in f"{plan}\n", (wanted, after, plan)
