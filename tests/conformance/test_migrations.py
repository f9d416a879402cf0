"""The migrations: what they make, that it is what the code says, and the way back."""

import asyncio
import os
import re
import uuid
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from phaseline import revisions
from phaseline.inspection import inspect
from phaseline.store import Store
from phaseline_schema.environments import WhenBusy
from phaseline_schema.pipelines import PIPELINES
from phaseline_schema.pipelines.console import CONSOLE
from phaseline_schema.records import AuditKind, Source
from phaseline_schema.refusals import EnvironmentBusy
from phaseline_schema.tables import metadata
from tests.conformance.conftest import Nodes, on_one_of_each
from tests.conformance.stores import Store as Kind
from tests.conformance.stores import on_newest_postgresql, waits
from tests.support import logs, model
from tests.support.application import in_this_process
from tests.support.caller import Caller
from tests.support.consistency import assert_consistent
from tests.support.database import address, migrate
from tests.support.postgres import Postgres
from tests.support.raw import Raw, connected, unguarded
from tests.support.server import PHASELINE, serving
from tests.support.verbs import Verbs

# 300 deploys of 70 entries.
MANY_DEPLOYS = """
    WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 300)
    INSERT INTO deploys (id, environment, ref, pipeline, status, attempt, sequence, started_by, started_at, updated_at)
    SELECT 'd' || n, 'production', 'main', 'console', 'queued', 1, 70, 'anonymous', :at, :at FROM counted
"""
MANY_ENTRIES = """
    WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 70)
    INSERT INTO audit_entries (deploy_id, sequence, kind, pipeline, environment, from_status, to_status, attempt,
                               actor, refusal, recorded_at)
    SELECT id, n, CASE WHEN n = 1 THEN 'DEPLOY_STARTED' ELSE 'CALLBACK_REFUSED' END, pipeline, environment,
           CASE WHEN n > 1 THEN 'queued' END, 'queued', 1, 'anonymous', CASE WHEN n > 1 THEN 'FORBIDDEN' END, started_at
    FROM counted, deploys ORDER BY n, id
"""

Rows = set[tuple[Any, ...]]


async def _rows(database: Path | str, query: str) -> Rows:
    async with connected(database) as raw:
        return set(await raw.execute(query))


PHASES = "SELECT pipeline, key, label, position FROM pipeline_phases"
STATUSES = "SELECT pipeline, key, label, phase, outcome FROM pipeline_statuses"
ASSERTIONS = "SELECT pipeline, status, phase, state FROM pipeline_assertions"
TRANSITIONS = "SELECT pipeline, from_status, to_status, why, new_attempt FROM pipeline_transitions"
REPORTED_BY = """
    SELECT pipeline, from_status, to_status, reported_by FROM pipeline_transitions WHERE reported_by IS NOT NULL
"""
# As every revision has it.
LOG = """
    SELECT id, deploy_id, sequence, kind, pipeline, environment, from_status, to_status, attempt, actor, refusal,
           message, run_id, run_url, recorded_at, edge_from, edge_to FROM audit_entries
"""
DIGESTS = "SELECT id, digest FROM audit_entries"
SOURCES = "SELECT source FROM audit_entries"
RUNS = "SELECT id, run_status, run_conclusion FROM audit_entries WHERE run_status IS NOT NULL"
COUNTER = "SELECT seq FROM sqlite_sequence WHERE name = 'audit_entries'"
NEWEST = "0006"

WHOLE_SECOND = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
START = """
    INSERT INTO deploys (id, environment, ref, pipeline, status, attempt, sequence, started_by, started_at, updated_at)
    VALUES (:id, :environment, :ref, 'console', 'queued', 1, 1, 'anonymous', :at, :at)
"""
APPEND = """
    INSERT INTO audit_entries (deploy_id, sequence, kind, pipeline, environment, from_status, to_status, attempt,
                               actor, refusal, message, recorded_at)
    SELECT id, :sequence, :kind, pipeline, environment, :origin, :status, 1, 'anonymous', :refusal, :message, :at
    FROM deploys WHERE id = :deploy_id
"""
MOVE = """
    UPDATE deploys SET status = :status, sequence = :sequence, updated_at = :at, finished_at = :ended WHERE id = :id
"""


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
    assert await _rows(database, REPORTED_BY) == {
        (pipeline.name, edge.origin, edge.target, edge.reported_by.value)
        for pipeline in every
        for edge in pipeline.transitions
        if edge.reported_by
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
    found: dict[str, list[str]] = defaultdict(list)
    for name, definition in await _rows(database, _WRITTEN_DOWN if isinstance(database, Path) else _CATALOGUED):
        if not name.startswith(("alembic_version", "sqlite_sequence")):
            # An index is catalogued twice, and by one name.
            found[name] += [re.sub(r"[\s\"]+", " ", line).strip(" ,)(") for line in _lines(definition)]
    return {name: sorted(lines) for name, lines in found.items()}


def _lines(definition: str) -> list[str]:
    """What SQLite adds to a table it writes behind the last line."""
    added = re.sub(r", (\w+ VARCHAR\(\d+\))(?=[,)]| CONSTRAINT)", r"\n\1", definition)
    return [line for line in added.splitlines() if line.strip(" ,)(")]


def _is_guard(name: str, definition: list[str]) -> bool:
    """Whether it is a trigger, or a function that one calls: of these the code's tables do not speak."""
    return name.startswith("phaseline_") or any(re.search("CREATE (CONSTRAINT )?TRIGGER", line) for line in definition)


# PostgreSQL writes the expression down in its own way; that it is the same one is seen by the definitions.
@pytest.mark.filterwarnings("ignore:Computed default on audit_entries.edge_:UserWarning")
async def test_the_migrations_make_the_tables_that_the_code_speaks_of(database: Path | str, store: Kind) -> None:
    await migrate(database, "head")
    created = await store.empty()
    new, migrated = Store(address(created)), Store(address(database))
    async with new.writing() as connection:
        await connection.run_sync(metadata.create_all)
    await new.close()
    made = await _definitions(database)
    assert {name: made[name] for name in made if not _is_guard(name, made[name])} == await _definitions(created)

    def differences(connection: Connection) -> Any:
        options = {"compare_type": True, "compare_server_default": True}
        return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)

    async with migrated.reading() as connection:
        assert await connection.run_sync(differences) == []
    await migrated.close()


async def _fill(database: Path | str, *statuses: str) -> None:
    """A deploy and its callbacks, the last of them refused."""
    async with in_this_process(database) as caller:
        deploy = await caller.start()
        await caller.walk(deploy["id"], *statuses)
        await caller.report(deploy["id"], "queued")


async def _fill_older(database: Path | str, *statuses: str) -> None:
    """The same where entries have no digests, as servers of then have written it, with all that an entry may hold."""
    deploy_id = str(uuid.uuid4())
    moves = list(zip((None, model.START, *statuses), (model.START, *statuses, "queued"), strict=True))
    async with connected(database) as raw:
        await raw.begin()
        row = {"id": deploy_id, "environment": 'Ünter "den" \\ ☃', "ref": "main 👩\u200d🚀", "at": WHOLE_SECOND}
        await raw.execute(START, **row)
        for sequence, (origin, status) in enumerate(moves, start=1):
            refused = sequence == len(moves)
            kind = "DEPLOY_STARTED" if origin is None else "CALLBACK_REFUSED" if refused else "TRANSITION"
            at = WHOLE_SECOND if sequence == 1 else WHOLE_SECOND + timedelta(microseconds=sequence)
            entry = {"deploy_id": deploy_id, "sequence": sequence, "kind": kind, "origin": origin, "status": status}
            more = {"refusal": "ILLEGAL_TRANSITION" if refused else None, "message": f"\u2028<{sequence}>", "at": at}
            await raw.execute(APPEND, **entry, **more)
            if refused:
                await raw.execute(
                    "UPDATE deploys SET sequence = :sequence WHERE id = :id", sequence=sequence, id=deploy_id
                )
            elif origin is not None:
                ended = at if status in model.ENDS else None
                await raw.execute(MOVE, id=deploy_id, sequence=sequence, status=status, at=at, ended=ended)
        await raw.commit()


async def _digests(database: Path | str) -> list[str]:
    """In the order of their entries, each of which has to have the one that it should."""
    await assert_consistent(database, was_older=True)
    return [entry["digest"] for log in (await logs.read(database)).values() for entry in log.entries]


async def test_older_moves_survive_the_way_up_and_down_and_up(database: Path | str) -> None:
    await migrate(database, "0001")
    await _fill_older(database, "building", "deploying", "succeeded")
    log, transitions = await _rows(database, LOG), await _rows(database, TRANSITIONS)
    assert len(log) == 5
    await migrate(database, "0002")
    await _fill_older(database, "building", "failed")
    longer = await _rows(database, LOG)
    assert log < longer
    await migrate(database, "0001")
    assert await _rows(database, TRANSITIONS) == transitions
    assert await _rows(database, LOG) == longer
    await migrate(database, "head")
    assert await _rows(database, LOG) == longer
    await _fill(database, *model.GATES, "building")
    await assert_consistent(database, was_older=True)


async def test_entries_without_digests_are_given_those_that_they_would_have_had(
    database: Path | str,
) -> None:
    """The way down forgets them, and the way up makes the same again."""
    await migrate(database, "0002")
    for _ in range(8):
        await _fill_older(database, *model.GATES, "building", "failed")
    log = await _rows(database, LOG)
    await migrate(database, NEWEST)
    digests = await _digests(database)
    assert len(set(digests)) == len(log) == 8 * 8
    await _holds(database)
    definitions = await _definitions(database)
    await migrate(database, "0002")
    assert await _rows(database, LOG) == log
    await _fill_older(database, "building")
    await migrate(database, NEWEST)
    assert set(digests) < set(await _digests(database))
    assert await _definitions(database) == definitions
    await _holds(database)


async def test_older_entries_stay_what_they_were_when_sources_come_and_go(database: Path | str, store: Kind) -> None:
    await migrate(database, "0002")
    await _fill_older(database, *model.GATES, "building", "failed")
    await _fill_older(database, "building")
    await migrate(database, "0004")
    if isinstance(database, Path):  # as where an entry has been given an id, and was undone
        async with connected(database) as raw:
            await raw.execute("UPDATE sqlite_sequence SET seq = seq + 5 WHERE name = 'audit_entries'")
    watched = (LOG, DIGESTS, *([COUNTER] if isinstance(database, Path) else []))
    before = {query: await _rows(database, query) for query in watched}
    older = await _definitions(database)
    for _ in range(2):
        await migrate(database, NEWEST)
        assert {query: await _rows(database, query) for query in watched} == before
        assert await _rows(database, "SELECT source, run_status, run_conclusion FROM audit_entries") == {(None,) * 3}
        assert await _rows(database, "SELECT revision FROM oldest_server") == {(NEWEST,)}
        await _holds(database)
        await migrate(database, "0004")
        assert {query: await _rows(database, query) for query in watched} == before
        assert await _rows(database, "SELECT revision FROM oldest_server") == {("0003",)}
        assert await _definitions(database) == older
    await migrate(database, NEWEST)
    newer = await _definitions(database)
    await _fill(database, "building", "cancelled")
    await _holds(database)
    assert before[LOG] < await _rows(database, LOG)
    assert {row[0] for row in await _rows(database, SOURCES)} == {None, "CALLBACK", "OPERATOR"}
    with pytest.raises(revisions.WouldLose, match="4 audit entries have a source"):
        await migrate(database, "0004")
    assert await _definitions(database) == newer
    await _holds(database)


async def test_a_deploy_that_was_under_way_goes_on_when_sources_have_come(database: Path | str) -> None:
    await migrate(database, "0002")
    await _fill_older(database, "building")
    await migrate(database)
    ((deploy_id,),) = await _rows(database, "SELECT id FROM deploys")
    async with in_this_process(database) as caller:
        await caller.walk(deploy_id, "deploying", "health_checking", "succeeded")
        sources = [entry["source"] for entry in await caller.entries(deploy_id)]
    assert sources == ["OPERATOR", "CALLBACK", "CALLBACK", "CALLBACK", "CALLBACK", "CALLBACK"]
    await _holds(database)
    await assert_consistent(database, was_older=True)


async def _holds(database: Path | str) -> None:
    found: list[Any] = []
    store = Store(address(database))
    try:
        inspection = await inspect(store, lambda *fault: found.append(fault))
    finally:
        await store.close()
    assert inspection.deploys
    assert not found


@on_one_of_each
async def test_a_long_log_is_given_its_digests_batch_by_batch_and_no_time_out_ends_it(
    database: Path | str,
) -> None:
    """Some deploys begin in one batch and end in the next."""
    await migrate(database, "0002")
    async with connected(database) as raw, unguarded(raw):
        await raw.execute(MANY_DEPLOYS, at=WHOLE_SECOND)
        await raw.execute(MANY_ENTRIES)
    await migrate(database, NEWEST)
    await _holds(database)
    assert await _rows(database, "SELECT count(*), count(DISTINCT digest) FROM audit_entries") == {(21_000, 21_000)}


async def _waiting(verbs: Verbs) -> tuple[str, str]:
    """A deploy that has an environment, and one that waits for it; GitHub is to be asked for the runs of both."""
    one, other = [(await verbs.start("kept")).deploy.id for _ in range(2)]
    return one, other


async def test_what_one_deploy_at_a_time_needs_comes_and_goes_with_all_that_was_recorded(database: Path | str) -> None:
    await migrate(database, "0002")
    await _fill_older(database, "building", "failed")
    await migrate(database, NEWEST)
    newest = await _definitions(database)
    verbs = Verbs(database)
    deploy_id = (await verbs.start("kept")).deploy.id
    await verbs.hear(deploy_id, "waiting")
    await verbs.note(deploy_id, AuditKind.CANCEL_REQUESTED, Source.OPERATOR, "the wrong ref")
    await verbs.store.close()
    before = {query: await _rows(database, query) for query in (LOG, DIGESTS, SOURCES, RUNS)}
    assert len(before[RUNS]) == 1
    for _ in range(2):
        await migrate(database, "0005")
        assert {query: await _rows(database, query) for query in before} == before
        assert await _rows(database, "SELECT revision FROM oldest_server") == {("0005",)}
        assert await _rows(database, "SELECT * FROM environment_holds") == set()
        await migrate(database, NEWEST)
        assert {query: await _rows(database, query) for query in before} == before
        assert await _definitions(database) == newest
        await _holds(database)


async def test_what_only_newer_servers_know_of_does_not_go_down(database: Path | str) -> None:
    await migrate(database)
    verbs = Verbs(database)
    first, second = await _waiting(verbs)
    for left, then in ((2, second), (1, first)):
        with pytest.raises(revisions.WouldLose, match=f"{left} deploys wait for their environment or for GitHub"):
            await migrate(database, "0005")
        await verbs.call_back(then, "building")
    await migrate(database, "0005")
    await migrate(database, NEWEST)
    # The first to ask finds out again whose the environment is.
    with pytest.raises(EnvironmentBusy):
        await verbs.start("kept", WhenBusy.REFUSE)
    for deploy_id in (first, second):
        await verbs.call_back(deploy_id, "failed")
    _, waiting = await _waiting(verbs)
    await verbs.withdraw(waiting)
    await verbs.note(first, AuditKind.REQUEST_FAILED, Source.GITHUB, "there is nothing to run again")
    before = await _definitions(database), {query: await _rows(database, query) for query in (LOG, DIGESTS)}
    with pytest.raises(revisions.WouldLose, match="2 audit entries say what revision 0005 cannot keep"):
        await migrate(database, "0005")
    assert (await _definitions(database), {query: await _rows(database, query) for query in before[1]}) == before
    await verbs.store.close()
    await _holds(database)


async def test_what_was_never_learned_of_a_deploy_that_has_ended_keeps_nothing_from_going_down(
    database: Path | str,
) -> None:
    await migrate(database)
    verbs = Verbs(database)
    deploy_id = (await verbs.start("kept")).deploy.id
    async with connected(database) as raw:
        await raw.execute("UPDATE dispatches SET state = 'unclear'")
    with pytest.raises(revisions.WouldLose, match="1 deploys wait for their environment or for GitHub"):
        await migrate(database, "0005")
    await verbs.abandon(deploy_id)
    await verbs.store.close()
    await migrate(database, "0005")
    await migrate(database, NEWEST)
    assert await _rows(database, "SELECT state FROM dispatches") == {("unclear",)}


async def test_a_database_of_the_revision_before_is_given_what_finds_the_deploys_of_runs(database: Path | str) -> None:
    await migrate(database, "0005")
    assert "ix_audit_entries_run_id" not in str(await _definitions(database))
    await migrate(database, NEWEST)
    assert "ix_audit_entries_run_id" in str(await _definitions(database))


@pytest.mark.parametrize("walk", [("smoke_running",), ("building", "cancelled")])
async def test_a_log_with_newer_moves_does_not_go_down(database: Path | str, walk: tuple[str, ...]) -> None:
    await _fill(database, *walk)
    before = {query: await _rows(database, query) for query in (LOG, STATUSES, TRANSITIONS, DIGESTS)}
    for revision in ("0001", "base"):
        with pytest.raises(revisions.WouldLose, match=f"{len(walk) + 2} audit entries have a source"):
            await migrate(database, revision)
        assert {query: await _rows(database, query) for query in before} == before
    assert await _rows(database, "SELECT version_num FROM alembic_version") == {(NEWEST,)}


async def test_a_log_with_entries_is_not_dropped_and_stays_at_its_revision(database: Path | str) -> None:
    await _fill(database, "building")
    log = await _rows(database, LOG)
    with pytest.raises(revisions.WouldLose, match="3 audit entries have a source"):
        await migrate(database, "base")
    assert await _rows(database, LOG) == log
    assert await _rows(database, "SELECT version_num FROM alembic_version") == {(NEWEST,)}
    assert len(await _rows(database, TRANSITIONS)) == len(CONSOLE.transitions)


async def test_without_entries_the_way_leads_down_to_nothing_and_up_again(database: Path | str) -> None:
    await migrate(database, "head")
    before = await _definitions(database)
    await migrate(database, "base")
    assert not await _definitions(database)
    await migrate(database, "head")
    assert await _definitions(database) == before


async def test_a_revision_that_does_not_exist_is_refused_by_name(database: Path | str) -> None:
    with pytest.raises(revisions.WrongRevision, match=r"'0007'; there are: 0001, 0002, 0003, 0004, 0005, 0006"):
        await migrate(database, "0007")
    assert not await _definitions(database)


async def test_two_nodes_that_start_at_once_on_an_empty_database_both_serve_what_one_of_them_made(
    nodes: Nodes, raw: Raw
) -> None:
    for caller in nodes.callers:
        assert (await caller.http.get("/readyz")).json() == {"status": "ok", "revision": NEWEST}
    assert await raw.execute("SELECT version_num FROM alembic_version") == [(NEWEST,)]
    assert await raw.execute("SELECT count(*) FROM pipeline_transitions") == [(len(CONSOLE.transitions),)]


async def _by_command(database: Path | str, to: str) -> asyncio.subprocess.Process:
    """`phaseline migrate`, started."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "PHASELINE_DATABASE_URL": address(database)}
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        PHASELINE, "migrate", "--to", to, env=environment, stdout=pipe, stderr=pipe
    )


@on_newest_postgresql
async def test_a_migration_that_cannot_have_its_locks_gives_up_in_one_line_and_servers_go_on(
    database: str, postgres: Postgres
) -> None:
    """Somebody's transaction stands in its way, and everybody else's queue up behind it."""
    await migrate(database)
    before = await _definitions(database), await _rows(database, TRANSITIONS)
    async with serving(database) as server, Caller(server.url) as caller, connected(database) as old:
        await old.begin()
        await old.execute("SELECT count(*) FROM deploys")
        migrating = await _by_command(database, "base")
        await waits(postgres, database, "")
        answers = await asyncio.gather(
            *(caller.send("{ deploys { edges { node { id } } } }") for _ in range(3)),
            *(caller.send("{ auditEntries { edges { node { id } } } }") for _ in range(3)),
        )
        assert {answer.status for answer in answers} == {200}
        assert (await caller.http.get("/readyz")).status_code == 200
        await _gives_up(migrating)
        assert (await _definitions(database), await _rows(database, TRANSITIONS)) == before
        await old.roll_back()
        assert await (await _by_command(database, "head")).wait() == 0
        deploy = await caller.start()
        await caller.walk(deploy["id"], *model.GATES, "building")


@on_newest_postgresql
async def test_digests_are_not_waited_for_for_long_by_those_who_use_the_log(database: str, postgres: Postgres) -> None:
    """Servers of the version before read and write on when the migration has given up, which is soon."""
    await migrate(database, "0002")
    await _fill_older(database, "building")
    before = await _definitions(database), await _rows(database, LOG)
    async with connected(database) as old, connected(database) as server:
        await old.begin()
        await old.execute("SELECT count(*) FROM audit_entries")
        migrating = await _by_command(database, "0003")
        await waits(postgres, database, "ALTER TABLE audit_entries")
        await server.execute("SET lock_timeout = 2000")  # as nodes have it
        assert await server.execute("SELECT count(*) FROM audit_entries") == [(3,)]
        await _gives_up(migrating)
        await old.roll_back()
    assert (await _definitions(database), await _rows(database, LOG)) == before
    assert await (await _by_command(database, "head")).wait() == 0
    await _holds(database)


async def _gives_up(migrating: asyncio.subprocess.Process) -> None:
    _, said = await migrating.communicate()
    assert migrating.returncode == 2
    assert said.decode().startswith("phaseline: ")
    assert len(said.decode().splitlines()) == 1, said
