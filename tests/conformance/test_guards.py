"""What the database refuses by itself, from a writer that knows nothing of phaseline.

On SQLite its connection does not hold to foreign keys, which is how SQLite opens one: no guard hangs on them.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.conftest import Nodes
from tests.conformance.stores import SQLITE, Store, on_postgresql, waits
from tests.support.database import migrate
from tests.support.postgres import Postgres
from tests.support.raw import MOVED, Raw, Refused, connected

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
DEPLOY: dict[str, Any] = {
    "id": "d",
    "environment": "production",
    "ref": "main",
    "pipeline": "console",
    "status": "queued",
    "attempt": 1,
    "sequence": 1,
    "started_by": "anonymous",
    "started_at": NOW,
    "updated_at": NOW,
}
# The log of `d`: it has failed once, and its re-run is building and has had one callback refused.
LOG: tuple[dict[str, Any], ...] = (
    {"kind": "DEPLOY_STARTED", "from_status": None, "to_status": "queued", "attempt": 1, "source": "OPERATOR"},
    {"kind": "TRANSITION", "from_status": "queued", "to_status": "building", "attempt": 1},
    {"kind": "TRANSITION", "from_status": "building", "to_status": "failed", "attempt": 1},
    {"kind": "TRANSITION", "from_status": "failed", "to_status": "building", "attempt": 2},
    {"kind": "CALLBACK_REFUSED", "from_status": "building", "to_status": "queued", "attempt": 2, "refusal": "X"},
)
NEXT: dict[str, Any] = {
    "sequence": 6,
    "kind": "TRANSITION",
    "from_status": "building",
    "to_status": "deploying",
    "attempt": 2,
}
# In its place, what moves nothing.
ASIDE: dict[str, Any] = {
    "kind": "RUN_REPORTED",
    "to_status": "building",
    "source": "GITHUB",
    "run_id": "1",
    "run_status": "in_progress",
}
OF_CALLBACK = {"from_status": "queued", "source": "CALLBACK"}
ENTRY = {
    "deploy_id": "d",
    "pipeline": "console",
    "environment": "production",
    "actor": "anonymous",
    "source": "CALLBACK",
    "recorded_at": NOW,
    "digest": "0" * 64,  # the database cannot tell whether it is the right one
}

NOT_NULL = "(?i)not.null"


class Writer:
    """Rows go in as they are given."""

    def __init__(self, raw: Raw, kind: str) -> None:
        self.execute = raw.execute
        # Every way in which a row may come in.
        self.ways = ["insert", "upsert", *(["replace"] if kind == SQLITE else [])]

    async def insert(self, table: str, row: dict[str, Any], way: str = "insert") -> None:
        names = ", ".join(row)
        places = ", ".join(f":{name}" for name in row)
        verb = "INSERT OR REPLACE" if way == "replace" else "INSERT"
        instead = ", ".join(f"{name} = excluded.{name}" for name in row)
        conflict = f" ON CONFLICT (id) DO UPDATE SET {instead}" if way == "upsert" else ""
        await self.execute(f"{verb} INTO {table} ({names}) VALUES ({places}){conflict}", **row)

    async def append(self, **entry: Any) -> None:
        """An entry, and its deploy moved after it."""
        await self.insert("audit_entries", ENTRY | entry)
        if entry["kind"] == "TRANSITION":
            await self.execute(f"UPDATE deploys SET sequence = :sequence, attempt = :attempt {MOVED}", **entry)
        elif entry["kind"] != "DEPLOY_STARTED":
            await self.execute("UPDATE deploys SET sequence = :sequence", **entry)

    async def content(self) -> list[Any]:
        return [await self.execute(f"SELECT * FROM {table} ORDER BY 1, 2") for table in ("deploys", "audit_entries")]


@pytest.fixture(scope="module")
async def filled(store: Store) -> AsyncIterator[tuple[Path | str, Raw]]:
    """A database that holds the log above."""
    database = await store.empty()
    await migrate(database)
    async with connected(database) as raw:
        writer = Writer(raw, store.kind)
        await raw.begin()
        await writer.insert("deploys", DEPLOY)
        for sequence, entry in enumerate(LOG, start=1):
            await writer.append(sequence=sequence, **entry)
        await raw.commit()
        yield database, raw


@pytest.fixture
async def writer(store: Store, filled: tuple[Path | str, Raw]) -> AsyncIterator[Writer]:
    """A writer whose every statement is undone after the test."""
    _, raw = filled
    await raw.begin()
    yield Writer(raw, store.kind)
    await raw.roll_back()


# Where two guards stand in the way, which of them is met first is up to the database.
ENTRIES_REFUSED = {
    "an edge that does not exist": ({"to_status": "health_checking"}, "no such edge"),
    "an edge that is GitHub's, of a callback": ({"to_status": "succeeded"}, "no such edge"),
    "an edge that is an operator's, of a callback": ({"to_status": "abandoned"}, "no such edge"),
    "an edge that is an operator's, of GitHub": ({"to_status": "abandoned", "source": "GITHUB"}, "no such edge"),
    "an edge that is a callback's, of an operator": ({"source": "OPERATOR"}, "no such edge"),
    "an edge that is GitHub's, of an operator": ({"to_status": "succeeded", "source": "OPERATOR"}, "no such edge"),
    "a move of the console's own": ({"source": "CONSOLE"}, "no such edge"),
    "no source": ({"source": None}, "an audit entry has a source"),
    "a source that does not exist": ({"source": "NOBODY"}, "no such edge"),
    "a refusal that is GitHub's": (
        {"kind": "CALLBACK_REFUSED", "refusal": "X", "source": "GITHUB"},
        "ck_audit_entries_source",
    ),
    "a run that a callback tells of": (ASIDE | {"source": "CALLBACK"}, "ck_audit_entries_(source|run)"),
    "a request that is GitHub's": (ASIDE | {"kind": "CANCEL_REQUESTED"}, "ck_audit_entries_source"),
    "a failure that is an operator's": (
        {"kind": "REQUEST_FAILED", "to_status": "building", "source": "OPERATOR"},
        "ck_audit_entries_source",
    ),
    "what an operator cancels in the middle": ({"to_status": "cancelled", "source": "OPERATOR"}, "no such edge"),
    "a run that moves the deploy": (ASIDE | {"to_status": "deploying"}, "ck_audit_entries_moves_nothing"),
    "a run of an older attempt": (ASIDE | {"attempt": 1}, "of the attempt that the deploy is in"),
    "a request for a later attempt": (
        {"kind": "RERUN_REQUESTED", "to_status": "building", "source": "OPERATOR", "attempt": 3},
        "of the attempt that the deploy is in",
    ),
    "a run that is not told of": (ASIDE | {"run_status": None}, "ck_audit_entries_run"),
    "a run without an id": (ASIDE | {"run_id": None}, "ck_audit_entries_run"),
    "a conclusion of no run": ({"run_conclusion": "success"}, "ck_audit_entries_run"),
    "a run's status of a callback": ({"run_status": "queued", "run_id": "1"}, "ck_audit_entries_run"),
    "a status that does not exist": ({"to_status": "paused"}, "no such edge"),
    "an edge from where the deploy does not stand": (
        {"from_status": "queued", "to_status": "smoke_running"},
        "where the entry before it left",
    ),
    "an older attempt": ({"to_status": "failed", "attempt": 1}, "never replaced|no such edge"),
    "an older attempt that says something new": ({"attempt": 1}, "no such edge"),
    "attempt 0": ({"attempt": 0}, "no such edge"),
    "a gap": ({"sequence": 7}, "without a gap"),
    "a repeat of a sequence": ({"sequence": 5}, "without a gap"),
    "sequence 0": ({"sequence": 0}, "without a gap"),
    "another environment than the deploy's": ({"environment": "staging"}, "environment and pipeline"),
    "another pipeline than the deploy's": ({"pipeline": "canary"}, "environment and pipeline"),
    "a deploy that does not exist": ({"deploy_id": "e", "sequence": 1}, "environment and pipeline"),
    "a second start": (
        {
            "kind": "DEPLOY_STARTED",
            "from_status": None,
            "to_status": "building",
            "attempt": 1,
            "source": "OPERATOR",
        },
        "ck_audit_entries_starts_first",
    ),
    "a transition from nowhere": ({"from_status": None}, "where the entry before it left|no such edge"),
    "a refusal without its code": ({"kind": "CALLBACK_REFUSED"}, "ck_audit_entries_refusal"),
    "a transition with the code of a refusal": ({"refusal": "STALE_ATTEMPT"}, "ck_audit_entries_refusal"),
    "a refusal that begins elsewhere": (
        {"kind": "CALLBACK_REFUSED", "refusal": "X", "from_status": "queued"},
        "where the entry before it left",
    ),
    "a kind that does not exist": ({"kind": "TRANSITIONED"}, "ck_audit_entries_kind"),
    "an id that is taken": ({"id": 1}, "never replaced|never changed|pk_audit_entries"),
    "no actor": ({"actor": None}, NOT_NULL),
    "no time": ({"recorded_at": None}, NOT_NULL),
    "no digest": ({"digest": None}, "an audit entry has a digest"),
    "a digest that is none": ({"digest": "0" * 63}, "ck_audit_entries_digest"),
}


@pytest.mark.parametrize(("wrong", "why"), ENTRIES_REFUSED.values(), ids=ENTRIES_REFUSED.keys())
async def test_the_database_refuses_an_entry_with(writer: Writer, wrong: dict[str, Any], why: str) -> None:
    before = await writer.content()
    for way in writer.ways:
        # An upsert speaks of the id, so there has to be one.
        fresh = {"id": 1_000_000} if way == "upsert" else {}
        with pytest.raises(Refused, match=why):
            await writer.insert("audit_entries", ENTRY | NEXT | fresh | wrong, way)
        assert await writer.content() == before
    await writer.append(**NEXT)
    assert await writer.execute("SELECT status, sequence FROM deploys") == [("deploying", 6)]


DEPLOYS_REFUSED = {
    "one that is there": ({"id": "d"}, "never replaced|where its audit entries say|pk_deploys"),
    "one that starts in the middle of the graph": ({"status": "deploying"}, "no transition leads to"),
    "one that starts at its end": ({"status": "succeeded"}, "no transition leads to"),
    "one that starts with entry 2": ({"sequence": 2}, "entry 1 of attempt 1"),
    "one that starts in attempt 2": ({"attempt": 2}, "entry 1 of attempt 1"),
    "one without a ref": ({"ref": None}, NOT_NULL),
}


@pytest.mark.parametrize(("wrong", "why"), DEPLOYS_REFUSED.values(), ids=DEPLOYS_REFUSED.keys())
async def test_the_database_refuses_a_deploy(writer: Writer, wrong: dict[str, Any], why: str) -> None:
    before = await writer.content()
    for way in writer.ways:
        with pytest.raises(Refused, match=why):
            await writer.insert("deploys", DEPLOY | {"id": "e"} | wrong, way)
        assert await writer.content() == before


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"attempt": 2}, "starts in attempt 1"),
        ({"to_status": "building"}, "where the entry before it left"),
        (OF_CALLBACK | {"kind": "CALLBACK_REFUSED", "refusal": "X"}, "ck_audit_entries_starts_first"),
        (OF_CALLBACK | {"kind": "TRANSITION", "to_status": "building"}, "ck_audit_entries_starts_first"),
    ],
)
async def test_the_first_entry_is_the_start_of_the_deploy(writer: Writer, wrong: dict[str, Any], why: str) -> None:
    first = {"deploy_id": "e", "sequence": 1, **LOG[0]}
    await writer.insert("deploys", DEPLOY | {"id": "e"})
    with pytest.raises(Refused, match=why):
        await writer.insert("audit_entries", ENTRY | first | wrong)
    await writer.insert("audit_entries", ENTRY | first)


STATEMENTS_REFUSED = {
    "UPDATE audit_entries SET message = 'never happened'": "never changed",
    "UPDATE audit_entries SET sequence = sequence + 10": "never changed",
    "UPDATE audit_entries SET actor = actor": "never changed",
    "UPDATE audit_entries SET digest = NULL": "never changed",
    "DELETE FROM audit_entries": "never deleted",
    "DELETE FROM audit_entries WHERE kind = 'CALLBACK_REFUSED'": "never deleted",
    "DELETE FROM deploys": "never deleted",
    "UPDATE deploys SET status = 'succeeded'": "where its audit entries say",
    "UPDATE deploys SET status = 'queued'": "where its audit entries say",
    "UPDATE deploys SET attempt = 1": "where its audit entries say",
    "UPDATE deploys SET attempt = 3": "where its audit entries say",
    "UPDATE deploys SET sequence = 4": "where its audit entries say",
    "UPDATE deploys SET sequence = 6": "where its audit entries say",
    "UPDATE deploys SET updated_at = '2026-11-23 10:00:00'": "where its audit entries say",
    "UPDATE deploys SET finished_at = updated_at": "where its audit entries say",
    "UPDATE deploys SET run_url = 'https://example.org/run'": "where its audit entries say",
    "UPDATE deploys SET id = 'e'": "never changed",
    "UPDATE deploys SET ref = 'other'": "never changed",
    "UPDATE deploys SET environment = 'staging'": "never changed",
    "UPDATE deploys SET pipeline = 'canary'": "never changed",
    "UPDATE deploys SET started_by = 'somebody'": "never changed",
    "UPDATE deploys SET commit_sha = 'abc'": "never changed",
    "UPDATE deploys SET request_id = 'abc'": "never changed",
    "UPDATE deploys SET started_at = '2026-11-23 09:30:00.000001'": "never changed",
}
ON_SQLITE_ALONE = {
    "UPDATE OR REPLACE audit_entries SET id = 1 WHERE id = 2": "never changed",
    "UPDATE OR REPLACE deploys SET id = 'e'": "never changed",
}
ON_POSTGRESQL_ALONE = {
    "TRUNCATE audit_entries": "never deleted",
    "TRUNCATE deploys, audit_entries, used_id_tokens, deploy_runs, environment_holds, environment_queue, dispatches": (
        "never deleted"
    ),
    "TRUNCATE deploys CASCADE": "never deleted",
    "TRUNCATE pipeline_statuses CASCADE": "never deleted",
}


async def test_the_database_refuses_to(writer: Writer, store: Store) -> None:
    before = await writer.content()
    alone = ON_SQLITE_ALONE if store.kind == SQLITE else ON_POSTGRESQL_ALONE
    for statement, why in (STATEMENTS_REFUSED | alone).items():
        with pytest.raises(Refused, match=why):
            await writer.execute(statement)
        assert await writer.content() == before, statement


@pytest.mark.parametrize(
    "given",
    [
        {"source": "GITHUB"},
        {"source": "GITHUB", "to_status": "succeeded", "run_id": "1", "run_status": "completed", "attempt": 3},
        {"source": "GITHUB", "to_status": "failed", "run_conclusion": "stale", "run_status": "x", "run_id": "1"},
        {"source": "OPERATOR", "to_status": "abandoned"},
        ASIDE,
        ASIDE | {"attempt": 7, "run_conclusion": "success"},
        {"kind": "DISPATCH_UNCLEAR", "to_status": "building", "source": "CONSOLE"},
        {"kind": "CANCEL_REQUESTED", "to_status": "building", "source": "OPERATOR"},
        {"kind": "RERUN_REQUESTED", "to_status": "building", "source": "OPERATOR"},
        {"kind": "REQUEST_FAILED", "to_status": "building", "source": "GITHUB"},
        {"kind": "REQUEST_FAILED", "to_status": "building", "source": "CONSOLE"},
    ],
    ids=lambda given: " ".join(map(str, given.values())),
)
async def test_every_source_may_record_what_is_its_own(writer: Writer, given: dict[str, Any]) -> None:
    await writer.append(**NEXT | given)
    target = given.get("to_status", "deploying")
    assert await writer.execute("SELECT status, sequence FROM deploys") == [(target, 6)]


DISPATCH = {"repository": "o/r", "workflow": "w", "ref": "refs/heads/main", "updated_at": NOW}
QUEUED: dict[str, Any] = {"deploy_id": "e", "environment": "production", "place": 1}
WITHDRAWN = {
    "deploy_id": "e",
    "sequence": 2,
    "kind": "TRANSITION",
    "from_status": "queued",
    "to_status": "cancelled",
    "attempt": 1,
    "source": "OPERATOR",
}


@pytest.mark.parametrize("is_queued", [False, True], ids=["not in the queue", "in the queue"])
@pytest.mark.parametrize(
    "state", [None, "waiting", "pending", "sending", "sent", "unclear", "refused", "withdrawn", "unheard-of"]
)
async def test_an_operator_cancels_what_was_not_sent_and_nothing_else(
    writer: Writer, state: str | None, is_queued: bool
) -> None:
    await writer.insert("deploys", DEPLOY | {"id": "e"})
    await writer.insert("audit_entries", ENTRY | LOG[0] | {"deploy_id": "e", "sequence": 1})
    if is_queued:
        await writer.insert("environment_queue", QUEUED)
    if state is not None:
        await writer.insert("dispatches", DISPATCH | {"deploy_id": "e", "state": state})
    if state in ("waiting", "pending") or (state is None and is_queued):
        await writer.insert("audit_entries", ENTRY | WITHDRAWN)
        return
    with pytest.raises(Refused, match="no such edge"):
        await writer.insert("audit_entries", ENTRY | WITHDRAWN)


@pytest.mark.parametrize("wrong", [{"to_status": "failed"}, {"source": "CONSOLE"}], ids=str)
async def test_where_nothing_was_sent_the_way_to_the_end_of_what_was_cancelled_is_an_operator_s_alone(
    writer: Writer, wrong: dict[str, Any]
) -> None:
    await writer.insert("deploys", DEPLOY | {"id": "e"})
    await writer.insert("audit_entries", ENTRY | LOG[0] | {"deploy_id": "e", "sequence": 1})
    await writer.insert("environment_queue", QUEUED)
    with pytest.raises(Refused, match="no such edge"):
        await writer.insert("audit_entries", ENTRY | WITHDRAWN | wrong)
    await writer.insert("audit_entries", ENTRY | WITHDRAWN)


async def test_an_environment_has_one_deploy_and_a_deploy_one_environment(writer: Writer) -> None:
    for deploy_id in ("e", "f"):
        await writer.insert("deploys", DEPLOY | {"id": deploy_id})
    hold = {"environment": "production", "deploy_id": "e", "since": NOW}
    await writer.insert("environment_holds", hold)
    for wrong in ({"deploy_id": "f"}, {"environment": "staging"}):
        with pytest.raises(Refused):
            await writer.insert("environment_holds", hold | wrong)
    await writer.insert("environment_holds", hold | {"environment": "staging", "deploy_id": "f"})


async def test_github_tells_the_page_of_the_attempt_that_the_deploy_is_in_and_of_no_other(writer: Writer) -> None:
    page = "https://ci.example/2"
    moved = "UPDATE deploys SET sequence = :sequence, run_url = :page"
    await writer.insert("audit_entries", ENTRY | NEXT | ASIDE | {"attempt": 3, "run_url": "https://ci.example/3"})
    with pytest.raises(Refused, match="where its audit entries say"):
        await writer.execute(moved, sequence=6, page="https://ci.example/3")
    await writer.execute(moved, sequence=6, page=None)
    await writer.insert("audit_entries", ENTRY | NEXT | ASIDE | {"sequence": 7, "run_url": page})
    with pytest.raises(Refused, match="where its audit entries say"):
        await writer.execute(moved, sequence=7, page=None)
    await writer.execute(moved, sequence=7, page=page)
    # What was told of the attempt before the deploy was in it is not its page.
    await writer.insert("audit_entries", ENTRY | NEXT | {"sequence": 8, "attempt": 3})
    await writer.execute(f"UPDATE deploys SET sequence = 8, attempt = 3, run_url = NULL {MOVED}", to_status="deploying")


async def test_the_same_request_of_the_same_caller_starts_one_deploy(writer: Writer) -> None:
    request = {"request_id": "r", "started_by": "maria"}
    await writer.insert("deploys", DEPLOY | {"id": "e"} | request)
    with pytest.raises(Refused, match=r"uq_deploys_request|started_by, deploys\.request_id"):
        await writer.insert("deploys", DEPLOY | {"id": "f"} | request)
    await writer.insert("deploys", DEPLOY | {"id": "f"} | request | {"started_by": "tom"})


async def test_an_entry_waits_until_the_deploy_has_moved_after_the_one_before(writer: Writer) -> None:
    """Or two entries could leave the same status, and the log would tell of a move that never was."""
    await writer.insert("audit_entries", ENTRY | NEXT)
    with pytest.raises(Refused, match="where the entry before it left"):
        await writer.insert("audit_entries", ENTRY | NEXT | {"sequence": 7, "to_status": "failed"})


@pytest.mark.parametrize("attempt", [1, 2])
async def test_only_a_higher_attempt_leaves_an_end(writer: Writer, attempt: int) -> None:
    await writer.append(**NEXT | {"to_status": "failed"})
    again = NEXT | {"sequence": 7, "from_status": "failed", "to_status": "smoke_running"}
    with pytest.raises(Refused, match="no such edge"):
        await writer.append(**again | {"attempt": attempt})
    await writer.append(**again | {"attempt": 3})


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM pipeline_transitions",
        "DELETE FROM pipeline_statuses",
        "UPDATE pipeline_transitions SET to_status = 'queued' WHERE from_status = 'building' AND to_status = 'failed'",
    ],
)
async def test_rows_of_the_graph_that_the_log_has_used_stay(
    filled: tuple[Path | str, Raw], store: Store, statement: str
) -> None:
    database, _ = filled
    async with connected(database) as raw:
        if store.kind == SQLITE:
            await raw.execute("PRAGMA foreign_keys = ON")
        await raw.begin()
        before = await raw.execute("SELECT * FROM pipeline_transitions")
        with pytest.raises(Refused):
            await raw.execute(statement)
        assert await raw.execute("SELECT * FROM pipeline_transitions") == before
        await raw.roll_back()


@on_postgresql
@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
async def test_of_two_writers_that_append_to_one_deploy_at_once_one_loses(
    nodes: Nodes, postgres: Postgres, isolation: str
) -> None:
    """Whatever each had read before the other committed."""
    caller, _ = nodes.callers
    deploy = await caller.start()
    next_entry = ENTRY | NEXT | {"deploy_id": deploy["id"], "sequence": 2, "from_status": "queued", "attempt": 1}
    async with connected(nodes.database) as first, connected(nodes.database) as second:
        await first.execute(f"SET default_transaction_isolation = '{isolation}'")
        await second.execute(f"SET default_transaction_isolation = '{isolation}'")
        await second.begin()
        assert await second.execute("SELECT sequence FROM deploys WHERE id = :id", id=deploy["id"]) == [(1,)]
        await first.begin()
        await Writer(first, "").insert("audit_entries", next_entry | {"to_status": "building"})
        late = asyncio.create_task(Writer(second, "").insert("audit_entries", next_entry | {"to_status": "failed"}))
        await waits(postgres, nodes.database, "INSERT INTO audit_entries")
        moved = "UPDATE deploys SET status = 'building', sequence = 2, updated_at = :now WHERE id = :id"
        await first.execute(moved, id=deploy["id"], now=NOW)
        await first.commit()
        with pytest.raises(Exception, match=r"without a gap|could not serialize"):
            await late
        await second.roll_back()
    assert [entry["toStatus"] for entry in await caller.entries(deploy["id"])] == ["queued", "building"]


@on_postgresql
async def test_an_entry_and_what_it_makes_of_its_deploy_are_committed_together_or_not_at_all(
    filled: tuple[Path | str, Raw], store: Store
) -> None:
    """Or the row would not be where the log is, and every later callback would fail."""
    _, raw = filled
    writer = Writer(raw, store.kind)
    before = await writer.content()
    for table, row in (("audit_entries", ENTRY | NEXT), ("deploys", DEPLOY | {"id": "e"})):
        with pytest.raises(Refused, match="is recorded together with"):
            await writer.insert(table, row)
    assert await writer.content() == before


@on_postgresql
async def test_temporary_tables_of_the_same_names_are_not_looked_at(writer: Writer) -> None:
    """They come before all others where nothing else is said, and anybody may make some."""
    for table in ("deploys", "audit_entries", "pipeline_transitions"):
        await writer.execute(f"CREATE TEMPORARY TABLE {table} AS SELECT * FROM public.{table}")
    await writer.execute("UPDATE pg_temp.deploys SET status = 'health_checking', sequence = 9")
    entry = ENTRY | NEXT | {"sequence": 10, "from_status": "health_checking", "to_status": "succeeded"}
    with pytest.raises(Refused, match="without a gap"):
        await writer.insert("public.audit_entries", entry)
