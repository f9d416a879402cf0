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
from phaseline.store import Store as Reading
from tests.conformance.conftest import on_one_of_each
from tests.conformance.stores import Store
from tests.support import bulk
from tests.support.database import address

pytestmark = on_one_of_each

WHERE = Where({"production": "octo-org/console", "staging": "octo-org/console"}, "https://issuer.example")
WORKS = {
    "of a run": partial(whose.of_run, where=WHERE, repository="octo-org/console", run_id="17"),
    "in progress": partial(whose.in_progress, where=WHERE),
    "of deploys": partial(whose.of_deploys, where=WHERE, ids={"a", "b"}),
}

# By which columns entries may be reached: what is common to many deploys is none of them.
_LED = re.compile(r"\b(deploy_id|run_id|recorded_at)\)?(::\w+)? ?[=>]|deploy_id\)?::text = ANY")


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
    """What is sent to the log while the block runs."""
    found: list[tuple[str, Any]] = []

    def executed(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "FROM audit_entries" in statement or "FROM deploys" in statement:
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
        assert not [line for line in plan if "Seq Scan on audit_entries" in line or "SCAN audit_entries" in line], plan
        entered = [line for line in plan if "Index Cond: " in line or line.startswith("SEARCH audit_entries")]
        assert all(_LED.search(line) or "deploy_runs" in line for line in entered), plan
