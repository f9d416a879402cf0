"""Whose a run is, is found in a log as years leave it without reading more than the deploys' own entries."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import Engine

from phaseline.accounting import whose
from phaseline.accounting.whose import Where
from phaseline.github.webhooks import Delivered
from phaseline.store import Store as Reading
from tests.conformance.conftest import on_one_of_each
from tests.conformance.stores import Store
from tests.support import bulk
from tests.support.database import address

pytestmark = on_one_of_each

WHERE = Where({"production": "octo-org/console", "staging": "octo-org/console"}, "https://issuer.example")
DELIVERED = Delivered(
    event="workflow_run",
    action="requested",
    repository="octo-org/console",
    repository_id=1,
    run_id="17",
    attempt=1,
    status="queued",
    conclusion=None,
    name="Deploy (console deploy 00000000-0000-4000-8000-000000000000)",
    head_sha=None,
    url=None,
    trigger="workflow_dispatch",
)
WORKS = {
    "of a delivery": partial(whose.of_delivery, where=WHERE, delivered=DELIVERED),
    "of a run": partial(whose.of_run, where=WHERE, repository="octo-org/console", run_id="17"),
    "in progress": partial(whose.in_progress, where=WHERE),
    "of deploys": partial(whose.of_deploys, where=WHERE, ids={"a", "b"}),
}

# By which columns entries may be reached: what is common to many deploys is none of them.
_LED = re.compile(r"\b(deploy_id|run_id|recorded_at)\)?(::\w+)? ?[=>]|deploy_id\)?::text = ANY")

# What a part of a plan of PostgreSQL's reads: a table, or an index, which is named after its table.
_SCANNED = re.compile(r"Scan\b.* on (\w+)")


@pytest.fixture(scope="module")
async def reading(store: Store) -> AsyncIterator[Reading]:
    """The store upon such a log."""
    database: Path | str = await store.empty()
    await bulk.fill(database, 12_000)
    reading = Reading(address(database))
    yield reading
    await reading.close()


@contextmanager
def _sent() -> Iterator[list[tuple[str, Any]]]:
    """What is asked of these tables while the block runs."""
    found: list[tuple[str, Any]] = []

    def executed(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if any(f"FROM {table}" in statement for table in ("audit_entries", "deploys", "dispatches")):
            found.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", executed)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", executed)


@pytest.mark.parametrize("work", WORKS.values(), ids=WORKS)
async def test_entries_are_reached_by_their_deploy_their_run_or_their_time(reading: Reading, work: Any) -> None:
    with _sent() as sent:
        await reading.read(work)
    assert sent
    for statement, parameters in sent:
        async with reading.reading() as connection:
            is_sqlite = connection.dialect.name == "sqlite"
            if not is_sqlite:
                await connection.execute(text("SET LOCAL enable_seqscan = off"))
            rows = await connection.exec_driver_sql(f"EXPLAIN {'QUERY PLAN ' * is_sqlite}{statement}", parameters)
            plan = [str([*row][-1]) for row in rows]
        whole = [f"{scan} {table}" for scan in ("Seq Scan on", "SCAN") for table in ("audit_entries", "dispatches")]
        assert not [line for line in plan if any(scan in line for scan in whole)], plan
        assert all(_LED.search(line) for line in _entering(plan)), plan


def _entering(plan: list[str]) -> Iterator[str]:
    """The lines that say how entries are reached; but for those that are accounts of re-runs, which are few."""
    reached = ""
    for line in plan:
        if "ix_audit_entries_run_again" in line:
            reached = "few"
            continue
        if scanned := _SCANNED.search(line):
            reached = scanned[1]
        if line.startswith("SEARCH audit_entries") or ("Index Cond: " in line and "audit_entries" in reached):
            yield line
