"""The migrations: what they make, that it is what the code says, and the way back."""

import asyncio
import os
import re
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from phaseline import revisions
from phaseline_schema.pipelines import PIPELINES
from phaseline_schema.pipelines.console import CONSOLE
from phaseline_schema.tables import metadata
from tests.conformance.conftest import Nodes
from tests.conformance.stores import Store, on_newest_postgresql, waits
from tests.support import model
from tests.support.application import in_this_process
from tests.support.caller import Caller
from tests.support.database import address, migrate
from tests.support.postgres import Postgres
from tests.support.raw import Raw, connected
from tests.support.server import PHASELINE, serving

Rows = set[tuple[Any, ...]]


async def _rows(database: Path | str, query: str) -> Rows:
    async with connected(database) as raw:
        return set(await raw.execute(query))


PHASES = "SELECT pipeline, key, label, position FROM pipeline_phases"
STATUSES = "SELECT pipeline, key, label, phase, outcome FROM pipeline_statuses"
ASSERTIONS = "SELECT pipeline, status, phase, state FROM pipeline_assertions"
TRANSITIONS = "SELECT pipeline, from_status, to_status, why, new_attempt FROM pipeline_transitions"
LOG = "SELECT * FROM audit_entries"


async def test_the_first_revision_holds_the_older_graph(database: Path | str) -> None:
    await migrate(database, "0001")
    assert {row[1] for row in await _rows(database, STATUSES)} == set(model.OLDER)
    legal = {
        (origin, target) for origin in model.OLDER for target in model.OLDER if model.is_legal(origin, 1, target, 1)
    }
    assert {row[1:3] for row in await _rows(database, TRANSITIONS)} == legal


async def test_the_newest_revision_holds_the_rows_of_the_code(database: Path | str) -> None:
    await migrate(database, "head")
    every = PIPELINES.values()
    assert await _rows(database, PHASES) == {
        (pipeline.name, phase.key, phase.label, place)
        for pipeline in every
        for place, phase in enumerate(pipeline.phases, start=1)
    }
    assert await _rows(database, STATUSES) == {
        (pipeline.name, status.key, status.label, status.phase, status.outcome.value)
        for pipeline in every
        for status in pipeline.statuses
    }
    assert await _rows(database, ASSERTIONS) == {
        (pipeline.name, status.key, phase, state.value)
        for pipeline in every
        for status in pipeline.statuses
        for phase, state in status.asserts.items()
    }
    assert await _rows(database, TRANSITIONS) == {
        (pipeline.name, edge.origin, edge.target, edge.why, edge.new_attempt)
        for pipeline in every
        for edge in pipeline.transitions
    }


async def test_the_newest_revision_adds_rows_and_changes_none_that_were_there(database: Path | str) -> None:
    await migrate(database, "0001")
    before = {query: await _rows(database, query) for query in (PHASES, STATUSES, ASSERTIONS, TRANSITIONS)}
    await migrate(database, "0002")
    for query, rows in before.items():
        assert rows <= await _rows(database, query)


_WRITTEN_DOWN = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"
_CATALOGUED = """
    SELECT oid::regclass::text, '' FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 't'
    UNION ALL
    SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL
    SELECT table_name || '.' || column_name, concat_ws(', ', data_type, character_maximum_length, is_nullable,
                                                       column_default, generation_expression, collation_name)
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL
    SELECT proname::text, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL
    SELECT tgname::text, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
"""


async def _definitions(database: Path | str) -> dict[str, Any]:
    """All that the database is made of, without regard to space, quotes or order of lines."""
    found = await _rows(database, _WRITTEN_DOWN if isinstance(database, Path) else _CATALOGUED)
    return {
        name: sorted(re.sub(r"[\s\"]+", " ", line).strip(" ,)(") for line in definition.splitlines())
        for name, definition in found
        if not name.startswith(("alembic_version", "sqlite_sequence"))
    }


def _is_guard(name: str, definition: list[str]) -> bool:
    """Whether it is a trigger, or a function that one calls: of these the code's tables do not speak."""
    return name.startswith("phaseline_") or any(re.search("CREATE (CONSTRAINT )?TRIGGER", line) for line in definition)


# PostgreSQL writes the expression down in its own way; that it is the same one is seen by the definitions.
@pytest.mark.filterwarnings("ignore:Computed default on audit_entries.edge_:UserWarning")
async def test_the_migrations_make_the_tables_that_the_code_speaks_of(database: Path | str, store: Store) -> None:
    await migrate(database, "head")
    created = await store.empty()
    engine = create_async_engine(address(created))
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await engine.dispose()
    made = await _definitions(database)
    assert {name: made[name] for name in made if not _is_guard(name, made[name])} == await _definitions(created)

    def differences(connection: Connection) -> Any:
        options = {"compare_type": True, "compare_server_default": True}
        return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)

    engine = create_async_engine(address(database))
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def _fill(database: Path | str, *statuses: str) -> None:
    """A deploy and its callbacks, along whatever graph the database holds."""
    async with in_this_process(database, accept_revision="0001") as caller:
        deploy = await caller.start()
        await caller.walk(deploy["id"], *statuses)
        await caller.report(deploy["id"], "queued")


async def test_older_moves_survive_the_way_up_and_down_and_up(database: Path | str) -> None:
    await migrate(database, "0001")
    await _fill(database, "building", "deploying", "succeeded")
    log, transitions = await _rows(database, LOG), await _rows(database, TRANSITIONS)
    assert len(log) == 5
    await migrate(database, "0002")
    await _fill(database, "building", "failed")
    longer = await _rows(database, LOG)
    assert log < longer
    await migrate(database, "0001")
    assert await _rows(database, TRANSITIONS) == transitions
    assert await _rows(database, LOG) == longer
    await migrate(database, "head")
    assert await _rows(database, LOG) == longer
    await _fill(database, *model.GATES, "building")


@pytest.mark.parametrize("walk", [("smoke_running",), ("building", "cancelled")])
async def test_a_log_with_newer_moves_does_not_go_down(database: Path | str, walk: tuple[str, ...]) -> None:
    await _fill(database, *walk)
    before = {query: await _rows(database, query) for query in (LOG, STATUSES, TRANSITIONS)}
    for revision in ("0001", "base"):
        with pytest.raises(revisions.WouldLose, match="1 audit entries took transitions"):
            await migrate(database, revision)
        assert {query: await _rows(database, query) for query in before} == before
    assert await _rows(database, "SELECT version_num FROM alembic_version") == {("0002",)}


async def test_a_log_with_entries_is_not_dropped_and_stays_at_its_revision(database: Path | str) -> None:
    await _fill(database, "building")
    log = await _rows(database, LOG)
    with pytest.raises(revisions.WouldLose, match="3 entries"):
        await migrate(database, "base")
    assert await _rows(database, LOG) == log
    assert await _rows(database, "SELECT version_num FROM alembic_version") == {("0002",)}
    assert len(await _rows(database, TRANSITIONS)) == len(CONSOLE.transitions)


async def test_without_entries_the_way_leads_down_to_nothing_and_up_again(database: Path | str) -> None:
    await migrate(database, "head")
    before = await _definitions(database)
    await migrate(database, "base")
    assert not await _definitions(database)
    await migrate(database, "head")
    assert await _definitions(database) == before


async def test_a_revision_that_does_not_exist_is_refused_by_name(database: Path | str) -> None:
    with pytest.raises(revisions.WrongRevision, match=r"'0003'; there are: 0001, 0002"):
        await migrate(database, "0003")
    assert not await _definitions(database)


async def test_two_nodes_that_start_at_once_on_an_empty_database_both_serve_what_one_of_them_made(
    nodes: Nodes, raw: Raw
) -> None:
    for caller in nodes.callers:
        assert (await caller.http.get("/readyz")).json() == {"status": "ok", "revision": "0002"}
    assert await raw.execute("SELECT version_num FROM alembic_version") == [("0002",)]
    assert await raw.execute("SELECT count(*) FROM pipeline_transitions") == [(len(CONSOLE.transitions),)]


async def _by_command(database: Path | str, to: str) -> asyncio.subprocess.Process:
    """`phaseline migrate`, started."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "PHASELINE_DATABASE_URL": address(database)}
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        PHASELINE, "migrate", "--to", to, env=environment, stdout=pipe, stderr=pipe
    )


@on_newest_postgresql
@pytest.mark.parametrize(
    ("at", "to", "held"),
    [("0001", "head", "LOCK TABLE pipeline_statuses IN SHARE MODE"), ("0002", "base", "SELECT count(*) FROM deploys")],
    ids=["up", "down"],
)
async def test_a_migration_that_cannot_have_its_locks_gives_up_in_one_line_and_servers_go_on(
    database: str, postgres: Postgres, at: str, to: str, held: str
) -> None:
    """Somebody's transaction stands in its way, and everybody else's queue up behind it."""
    await migrate(database, at)
    before = await _definitions(database), await _rows(database, TRANSITIONS)
    async with (
        serving(database, accept_revision="0001") as server,
        Caller(server.url) as caller,
        connected(database) as old,
    ):
        await old.begin()
        await old.execute(held)
        migrating = await _by_command(database, to)
        await waits(postgres, database, "")
        answers = await asyncio.gather(
            *(caller.send("{ deploys { edges { node { id } } } }") for _ in range(3)),
            *(caller.send("{ auditEntries { edges { node { id } } } }") for _ in range(3)),
        )
        assert {answer.status for answer in answers} == {200}
        assert (await caller.http.get("/readyz")).status_code == 200
        _, said = await migrating.communicate()
        assert migrating.returncode == 2
        assert said.decode().startswith("phaseline: ")
        assert len(said.decode().splitlines()) == 1, said
        assert (await _definitions(database), await _rows(database, TRANSITIONS)) == before
        await old.roll_back()
        assert await (await _by_command(database, "head")).wait() == 0
        deploy = await caller.start()
        await caller.walk(deploy["id"], *model.GATES, "building")
