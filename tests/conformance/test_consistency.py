"""That `assert_consistent` finds what it is there to find: in a doctored database, and in what a node tells."""

import copy
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support import logs, model
from tests.support.caller import Caller
from tests.support.consistency import assert_consistent, misstatements
from tests.support.database import drop
from tests.support.logs import Log
from tests.support.server import Server, serving

RUN = "https://ci.example/runs/1"


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server whose log holds one deploy: refused once, failed, and run again."""
    async with (
        serving(tmp_path_factory.mktemp("consistency") / "phaseline.db") as running,
        Caller(running.url) as caller,
    ):
        deploy = await caller.start()
        await caller.walk(deploy["id"], *model.GATES)
        assert (await caller.report(deploy["id"], "succeeded")).code == "ILLEGAL_TRANSITION"
        await caller.report(deploy["id"], "building", runUrl=RUN, message="here we go")
        await caller.walk(deploy["id"], "failed")
        await caller.report(deploy["id"], "building", 2, runUrl=RUN)
        yield running


DOCTORED = {
    "a row that is gone": ("DELETE FROM deploys", "it has no row"),
    "a log that is gone": ("DELETE FROM audit_entries", "it has no entries"),
    "an entry that is gone": ("DELETE FROM audit_entries WHERE sequence = 3", "numbered [1, 2, 4"),
    "an entry that is there twice": (
        "UPDATE audit_entries SET sequence = 2 WHERE sequence = 3",
        "numbered [1, 2, 2, 4",
    ),
    "an entry of elsewhere": ("UPDATE audit_entries SET environment = 'x' WHERE sequence = 2", "its environment is"),
    "another start": ("UPDATE audit_entries SET attempt = 2 WHERE sequence = 1", "it starts as"),
    "an entry that begins elsewhere": (
        "UPDATE audit_entries SET from_status = 'queued' WHERE sequence = 5",
        "entry 5 (freeze_passed, attempt 1) begins at queued",
    ),
    "a move that the graph does not have": (
        "UPDATE audit_entries SET to_status = 'deploying' WHERE sequence = 3",
        "entry 3 (deploying, attempt 1) is a TRANSITION with None, and should have {'ILLEGAL_TRANSITION'}",
    ),
    "a move of an attempt that was over": (
        "UPDATE audit_entries SET attempt = 1 WHERE sequence = 9",
        "entry 9 (building, attempt 1) is a TRANSITION",
    ),
    "a callback that was accepted twice": (
        "UPDATE audit_entries SET to_status = 'smoke_running' WHERE sequence = 3",
        "entry 3 (smoke_running, attempt 1) repeats",
    ),
    "a refusal of what is legal": (
        "UPDATE audit_entries SET kind = 'CALLBACK_REFUSED', refusal = 'ILLEGAL_TRANSITION' WHERE sequence = 9",
        "entry 9 (building, attempt 2) is a CALLBACK_REFUSED",
    ),
    "a refusal for another reason": (
        "UPDATE audit_entries SET refusal = 'STALE_ATTEMPT' WHERE sequence = 6",
        "should have {'ILLEGAL_TRANSITION'}",
    ),
    "an entry that says something else": (
        "UPDATE audit_entries SET message = 'here we went' WHERE sequence = 7",
        "the digest of entry 7 is not that of its content",
    ),
    "a deploy of something else": ("UPDATE deploys SET ref = 'other'", "the digest of entry 1 is not"),
    "an entry with another's digest": (
        "UPDATE audit_entries SET digest = (SELECT digest FROM audit_entries WHERE sequence = 2) WHERE sequence = 4",
        "the digest of entry 4 is not",
    ),
    "entries out of order": (
        "UPDATE audit_entries SET id = 11 - id WHERE sequence IN (5, 6)",
        "its entries have the ids [1, 2, 3, 4, 6, 5",
    ),
    "a refusal that is none": (
        "UPDATE audit_entries SET kind = 'TRANSITION' WHERE sequence = 6",
        "entry 6 (succeeded, attempt 1) is a TRANSITION with ILLEGAL_TRANSITION",
    ),
    **{
        f"a row with another {column}": (f"UPDATE deploys SET {column} = {value}", f"its {column} is")
        for column, value in (
            ("status", "'deploying'"),
            ("attempt", "1"),
            ("sequence", "8"),
            ("updated_at", "started_at"),
            ("finished_at", "updated_at"),
            ("run_url", "NULL"),
        )
    },
}


@pytest.mark.parametrize(("statement", "problem"), DOCTORED.values(), ids=DOCTORED.keys())
async def test_a_doctored_database_is_found_out(server: Server, tmp_path: Path, statement: str, problem: str) -> None:
    doctored = tmp_path / "doctored.db"
    with closing(sqlite3.connect(server.database)) as true, closing(sqlite3.connect(doctored)) as copied:
        true.backup(copied)
    await assert_consistent(doctored)
    _doctor(doctored, statement)
    with pytest.raises(AssertionError) as found:
        await assert_consistent(doctored)
    assert problem in str(found.value)


def _doctor(database: Path, statement: str) -> None:
    """Execute what the database would not have."""
    drop(database, "trigger")
    drop(database, "index")
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        # The table's own promise that a sequence comes once cannot be dropped, but for a table without promises.
        connection.execute("CREATE TABLE loose AS SELECT * FROM audit_entries")
        connection.execute("DROP TABLE audit_entries")
        connection.execute("ALTER TABLE loose RENAME TO audit_entries")
        connection.execute(statement)


def _entry(log: Log, sequence: int) -> dict[str, Any]:
    return log.entries[sequence - 1]


async def test_what_a_node_tells_otherwise_is_found_out(server: Server) -> None:
    """It is the log that is doctored here, after the node was asked to tell of the true one."""
    (true,) = (await logs.read(server.database)).values()
    assert not await misstatements(server.url, {true.id: true})
    assert true.row is not None
    for change, told in (
        (lambda log: log.row.update(ref="other"), "the deploy, phaseChanged, auditEntryAdded"),
        (lambda log: _entry(log, 7).update(message="other"), "its entries, phaseChanged, auditEntryAdded"),
        (lambda log: _entry(log, 6).update(actor="other"), "its entries, auditEntryAdded"),
        # When a phase began is told of the deploy, from then on.
        (
            lambda log: _entry(log, 2).update(recorded_at=true.row["started_at"]),
            "the deploy, its entries, phaseChanged, auditEntryAdded",
        ),
    ):
        log = copy.deepcopy(true)
        change(log)
        found = await misstatements(server.url, {log.id: log})
        assert [problem.split(": ")[1].split(" is told")[0] for problem in found] == told.split(", ")
