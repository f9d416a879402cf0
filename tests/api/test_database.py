"""What the database refuses by itself, from a writer that knows nothing of phaseline."""

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from phaseline.store import Store
from tests.support.database import migrate

NOW = "2026-11-23 09:30:00.000000"
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
    {"kind": "DEPLOY_STARTED", "from_status": None, "to_status": "queued", "attempt": 1},
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
ENTRY = {
    "deploy_id": "d",
    "pipeline": "console",
    "environment": "production",
    "actor": "anonymous",
    "recorded_at": NOW,
}


class Writer:
    """A connection that sets nothing; rows go in as they are given."""

    def __init__(self, database: Path) -> None:
        self.connection = sqlite3.connect(database, isolation_level=None)

    def execute(self, statement: str, **values: Any) -> list[Any]:
        return self.connection.execute(statement, values).fetchall()

    def insert(self, table: str, row: dict[str, Any], how: str = "INSERT") -> None:
        names = ", ".join(row)
        places = ", ".join(f":{name}" for name in row)
        self.execute(f"{how} INTO {table} ({names}) VALUES ({places})", **row)

    def append(self, **entry: Any) -> None:
        """An entry, and its deploy moved after it."""
        self.insert("audit_entries", ENTRY | entry)
        if entry["kind"] == "TRANSITION":
            self.execute("UPDATE deploys SET status = :to_status, attempt = :attempt, sequence = :sequence", **entry)
        elif entry["kind"] == "CALLBACK_REFUSED":
            self.execute("UPDATE deploys SET sequence = :sequence", **entry)


@pytest.fixture(scope="module")
async def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that holds the log above; tests get copies of it."""
    database = tmp_path_factory.mktemp("filled") / "phaseline.db"
    await migrate(database)
    writer = Writer(database)
    writer.insert("deploys", DEPLOY)
    for sequence, entry in enumerate(LOG, start=1):
        writer.append(sequence=sequence, **entry)
    writer.connection.close()
    return database


@pytest.fixture(params=[True, False], ids=["foreign keys on", "foreign keys off"])
def writer(filled: Path, database: Path, request: pytest.FixtureRequest) -> Iterator[Writer]:
    """Every guard holds either way, so none depends on what a writer sets."""
    shutil.copy(filled, database)
    writer = Writer(database)
    writer.execute(f"PRAGMA foreign_keys = {request.param}")
    yield writer
    writer.connection.close()


def _content(writer: Writer) -> list[Any]:
    return [writer.execute(f"SELECT * FROM {table} ORDER BY 1, 2") for table in ("deploys", "audit_entries")]


ENTRIES_REFUSED = {
    "an edge that does not exist": ({"to_status": "succeeded"}, "no such edge"),
    "a status that does not exist": ({"to_status": "paused"}, "no such edge"),
    "an edge from where the deploy does not stand": (
        {"from_status": "queued", "to_status": "smoke_running"},
        "where the entry before it left",
    ),
    "an older attempt": ({"to_status": "failed", "attempt": 1}, "never replaced"),
    "an older attempt that says something new": ({"attempt": 1}, "no such edge"),
    "attempt 0": ({"attempt": 0}, "no such edge"),
    "a gap": ({"sequence": 7}, "without a gap"),
    "a repeat of a sequence": ({"sequence": 5}, "without a gap"),
    "sequence 0": ({"sequence": 0}, "without a gap"),
    "another environment than the deploy's": ({"environment": "staging"}, "environment and pipeline"),
    "another pipeline than the deploy's": ({"pipeline": "canary"}, "environment and pipeline"),
    "a deploy that does not exist": ({"deploy_id": "e", "sequence": 1}, "environment and pipeline"),
    "a second start": (
        {"kind": "DEPLOY_STARTED", "from_status": None, "to_status": "building", "attempt": 1},
        "ck_audit_entries_starts_first",
    ),
    "a transition from nowhere": ({"from_status": None}, "where the entry before it left"),
    "a refusal without its code": ({"kind": "CALLBACK_REFUSED"}, "ck_audit_entries_refusal"),
    "a transition with the code of a refusal": ({"refusal": "STALE_ATTEMPT"}, "ck_audit_entries_refusal"),
    "a refusal that begins elsewhere": (
        {"kind": "CALLBACK_REFUSED", "refusal": "X", "from_status": "queued"},
        "where the entry before it left",
    ),
    "a kind that does not exist": ({"kind": "TRANSITIONED"}, "ck_audit_entries_kind"),
    "an id that is taken": ({"id": 1}, "never replaced"),
    "no actor": ({"actor": None}, "NOT NULL"),
    "no time": ({"recorded_at": None}, "NOT NULL"),
}


@pytest.mark.parametrize("how", ["INSERT", "INSERT OR REPLACE"])
@pytest.mark.parametrize(("wrong", "why"), ENTRIES_REFUSED.values(), ids=ENTRIES_REFUSED.keys())
def test_the_database_refuses_an_entry_with(writer: Writer, wrong: dict[str, Any], why: str, how: str) -> None:
    before = _content(writer)
    with pytest.raises(sqlite3.IntegrityError, match=why):
        writer.insert("audit_entries", ENTRY | NEXT | wrong, how)
    assert _content(writer) == before
    writer.append(**NEXT)
    assert writer.execute("SELECT status, sequence FROM deploys") == [("deploying", 6)]


DEPLOYS_REFUSED = {
    "one that is there": ({"id": "d"}, "never replaced"),
    "one that starts in the middle of the graph": ({"status": "deploying"}, "no transition leads to"),
    "one that starts at its end": ({"status": "succeeded"}, "no transition leads to"),
    "one that starts with entry 2": ({"sequence": 2}, "entry 1 of attempt 1"),
    "one that starts in attempt 2": ({"attempt": 2}, "entry 1 of attempt 1"),
    "one without a ref": ({"ref": None}, "NOT NULL"),
}


@pytest.mark.parametrize("how", ["INSERT", "INSERT OR REPLACE"])
@pytest.mark.parametrize(("wrong", "why"), DEPLOYS_REFUSED.values(), ids=DEPLOYS_REFUSED.keys())
def test_the_database_refuses_a_deploy(writer: Writer, wrong: dict[str, Any], why: str, how: str) -> None:
    before = _content(writer)
    with pytest.raises(sqlite3.IntegrityError, match=why):
        writer.insert("deploys", DEPLOY | {"id": "e"} | wrong, how)
    assert _content(writer) == before


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"attempt": 2}, "starts in attempt 1"),
        ({"to_status": "building"}, "where the entry before it left"),
        ({"kind": "CALLBACK_REFUSED", "refusal": "X", "from_status": "queued"}, "ck_audit_entries_starts_first"),
        ({"kind": "TRANSITION", "from_status": "queued", "to_status": "building"}, "ck_audit_entries_starts_first"),
    ],
)
def test_the_first_entry_is_the_start_of_the_deploy(writer: Writer, wrong: dict[str, Any], why: str) -> None:
    first = {"deploy_id": "e", "sequence": 1, **LOG[0]}
    writer.insert("deploys", DEPLOY | {"id": "e"})
    with pytest.raises(sqlite3.IntegrityError, match=why):
        writer.insert("audit_entries", ENTRY | first | wrong)
    writer.insert("audit_entries", ENTRY | first)


STATEMENTS_REFUSED = {
    "UPDATE audit_entries SET message = 'never happened'": "never changed",
    "UPDATE audit_entries SET sequence = sequence + 10": "never changed",
    "UPDATE OR REPLACE audit_entries SET id = 1 WHERE id = 2": "never changed",
    "UPDATE audit_entries SET actor = actor": "never changed",
    "DELETE FROM audit_entries": "never deleted",
    "DELETE FROM audit_entries WHERE kind = 'CALLBACK_REFUSED'": "never deleted",
    "DELETE FROM deploys": "never deleted",
    "UPDATE deploys SET status = 'succeeded'": "where its audit entries say",
    "UPDATE deploys SET status = 'queued'": "where its audit entries say",
    "UPDATE deploys SET attempt = 1": "where its audit entries say",
    "UPDATE deploys SET attempt = 3": "where its audit entries say",
    "UPDATE deploys SET sequence = 4": "where its audit entries say",
    "UPDATE deploys SET sequence = 6": "where its audit entries say",
    "UPDATE deploys SET ref = 'other'": "never changed",
    "UPDATE deploys SET environment = 'staging'": "never changed",
    "UPDATE deploys SET started_by = 'somebody'": "never changed",
    f"UPDATE deploys SET started_at = '{NOW[:-1]}1'": "never changed",
    "UPDATE OR REPLACE deploys SET id = 'e'": "never changed",
}


@pytest.mark.parametrize(("statement", "why"), STATEMENTS_REFUSED.items())
def test_the_database_refuses_to(writer: Writer, statement: str, why: str) -> None:
    before = _content(writer)
    with pytest.raises(sqlite3.IntegrityError, match=why):
        writer.execute(statement)
    assert _content(writer) == before


def test_an_entry_waits_until_the_deploy_has_moved_after_the_one_before(writer: Writer) -> None:
    """Or two entries could leave the same status, and the log would tell of a move that never was."""
    writer.insert("audit_entries", ENTRY | NEXT)
    with pytest.raises(sqlite3.IntegrityError, match="where the entry before it left"):
        writer.insert("audit_entries", ENTRY | NEXT | {"sequence": 7, "to_status": "failed"})


@pytest.mark.parametrize("attempt", [1, 2])
def test_only_a_higher_attempt_leaves_an_end(writer: Writer, attempt: int) -> None:
    writer.append(**NEXT | {"to_status": "failed"})
    again = NEXT | {"sequence": 7, "from_status": "failed", "to_status": "smoke_running"}
    with pytest.raises(sqlite3.IntegrityError, match="no such edge"):
        writer.append(**again | {"attempt": attempt})
    writer.append(**again | {"attempt": 3})


@pytest.mark.parametrize("writer", [True], indirect=True, ids=["foreign keys on"])
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM pipeline_transitions",
        "DELETE FROM pipeline_statuses",
        "UPDATE pipeline_transitions SET to_status = 'cancelled' WHERE from_status = 'failed'",
    ],
)
def test_rows_of_the_graph_that_the_log_has_used_stay(writer: Writer, statement: str) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        writer.execute(statement)


async def test_the_server_s_own_connections_are_durable_and_hold_to_foreign_keys(database: Path) -> None:
    store = Store(f"sqlite+aiosqlite:///{database}")
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}
    for opened in (store.reading, store.writing):
        async with opened() as connection:
            found = {name: (await connection.execute(text(f"PRAGMA {name}"))).scalar() for name in wanted}
        assert found == wanted
    await store.close()


async def test_of_two_writers_the_second_sees_what_the_first_has_written(database: Path) -> None:
    """A transaction that writes holds the lock from its first read on."""
    store = Store(f"sqlite+aiosqlite:///{database}")
    async with store.writing() as connection:
        await connection.execute(text("SELECT 1"))
        other = sqlite3.connect(database, timeout=0, isolation_level=None)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()
    await store.close()
