"""The migrations: what they make, that it is what the code says, and the way back."""

import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine

from phaseline import revisions
from phaseline_schema.pipelines import PIPELINES
from phaseline_schema.pipelines.console import CONSOLE
from phaseline_schema.tables import metadata
from tests.support import model
from tests.support.application import in_this_process
from tests.support.database import migrate

Rows = set[tuple[Any, ...]]


def _rows(database: Path, query: str) -> Rows:
    connection = sqlite3.connect(database)
    try:
        return set(connection.execute(query))
    finally:
        connection.close()


PHASES = "SELECT pipeline, key, label, position FROM pipeline_phases"
STATUSES = "SELECT pipeline, key, label, phase, outcome FROM pipeline_statuses"
ASSERTIONS = "SELECT pipeline, status, phase, state FROM pipeline_assertions"
TRANSITIONS = "SELECT pipeline, from_status, to_status, why, new_attempt FROM pipeline_transitions"
LOG = "SELECT * FROM audit_entries"


async def test_the_first_revision_holds_the_older_graph(database: Path) -> None:
    await migrate(database, "0001")
    assert {row[1] for row in _rows(database, STATUSES)} == set(model.OLDER)
    legal = {
        (origin, target) for origin in model.OLDER for target in model.OLDER if model.is_legal(origin, 1, target, 1)
    }
    assert {row[1:3] for row in _rows(database, TRANSITIONS)} == legal


async def test_the_newest_revision_holds_the_rows_of_the_code(database: Path) -> None:
    await migrate(database, "head")
    every = PIPELINES.values()
    assert _rows(database, PHASES) == {
        (pipeline.name, phase.key, phase.label, place)
        for pipeline in every
        for place, phase in enumerate(pipeline.phases, start=1)
    }
    assert _rows(database, STATUSES) == {
        (pipeline.name, status.key, status.label, status.phase, status.outcome.value)
        for pipeline in every
        for status in pipeline.statuses
    }
    assert _rows(database, ASSERTIONS) == {
        (pipeline.name, status.key, phase, state.value)
        for pipeline in every
        for status in pipeline.statuses
        for phase, state in status.asserts.items()
    }
    assert _rows(database, TRANSITIONS) == {
        (pipeline.name, edge.origin, edge.target, edge.why, edge.new_attempt)
        for pipeline in every
        for edge in pipeline.transitions
    }


async def test_the_newest_revision_adds_rows_and_changes_none_that_were_there(database: Path) -> None:
    await migrate(database, "0001")
    before = {query: _rows(database, query) for query in (PHASES, STATUSES, ASSERTIONS, TRANSITIONS)}
    await migrate(database, "0002")
    assert all(rows <= _rows(database, query) for query, rows in before.items())


def _definitions(database: Path) -> Rows:
    """Tables and indexes as they are written down, without regard to space, quotes or order of lines."""
    found = _rows(database, "SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'index')")
    return {
        (name, tuple(sorted(re.sub(r"[\s\"]+", " ", line).strip(" ,)(") for line in sql.splitlines())))
        for name, sql in found
        if sql and name not in ("alembic_version", "sqlite_sequence")
    }


async def test_the_migrations_make_the_tables_that_the_code_speaks_of(database: Path, tmp_path: Path) -> None:
    await migrate(database, "head")
    created = tmp_path / "created.db"
    engine = create_engine(f"sqlite:///{created}")
    metadata.create_all(engine)
    engine.dispose()
    assert _definitions(database) == _definitions(created)

    def differences(connection: Connection) -> Any:
        options = {"compare_type": True, "compare_server_default": True}
        return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)

    engine = create_engine(f"sqlite:///{database}")
    with engine.connect() as connection:
        assert differences(connection) == []
    engine.dispose()


async def _fill(database: Path, *statuses: str) -> None:
    """A deploy and its callbacks, along whatever graph the database holds."""
    async with in_this_process(database, accept_revision="0001") as caller:
        deploy = await caller.start()
        await caller.walk(deploy["id"], *statuses)
        await caller.report(deploy["id"], "queued")


async def test_older_moves_survive_the_way_up_and_down_and_up(database: Path) -> None:
    await migrate(database, "0001")
    await _fill(database, "building", "deploying", "succeeded")
    log, transitions = _rows(database, LOG), _rows(database, TRANSITIONS)
    assert len(log) == 5
    await migrate(database, "0002")
    await _fill(database, "building", "failed")
    longer = _rows(database, LOG)
    assert log < longer
    await migrate(database, "0001")
    assert _rows(database, TRANSITIONS) == transitions
    assert _rows(database, LOG) == longer
    await migrate(database, "head")
    assert _rows(database, LOG) == longer
    await _fill(database, *model.GATES, "building")


@pytest.mark.parametrize("walk", [("smoke_running",), ("building", "cancelled")])
async def test_a_log_with_newer_moves_does_not_go_down(database: Path, walk: tuple[str, ...]) -> None:
    await _fill(database, *walk)
    before = {query: _rows(database, query) for query in (LOG, STATUSES, TRANSITIONS)}
    for revision in ("0001", "base"):
        with pytest.raises(revisions.WouldLose, match="1 audit entries took transitions"):
            await migrate(database, revision)
        assert {query: _rows(database, query) for query in before} == before
    assert _rows(database, "SELECT version_num FROM alembic_version") == {("0002",)}


async def test_a_log_with_entries_is_not_dropped_and_stays_at_its_revision(database: Path) -> None:
    await _fill(database, "building")
    log = _rows(database, LOG)
    with pytest.raises(revisions.WouldLose, match="3 entries"):
        await migrate(database, "base")
    assert _rows(database, LOG) == log
    assert _rows(database, "SELECT version_num FROM alembic_version") == {("0002",)}
    assert len(_rows(database, TRANSITIONS)) == len(CONSOLE.transitions)


async def test_without_entries_the_way_leads_down_to_nothing_and_up_again(database: Path) -> None:
    await migrate(database, "head")
    before = _definitions(database)
    await migrate(database, "base")
    assert not _definitions(database)
    assert not _rows(database, "SELECT name FROM sqlite_master WHERE type = 'trigger'")
    await migrate(database, "head")
    assert _definitions(database) == before


async def test_a_revision_that_does_not_exist_is_refused_by_name(database: Path) -> None:
    with pytest.raises(revisions.WrongRevision, match=r"'0003'; there are: 0001, 0002"):
        await migrate(database, "0003")
    assert not _rows(database, "SELECT name FROM sqlite_master")
