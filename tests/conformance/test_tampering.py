"""Whatever is changed in the database past phaseline, guards switched off, `phaseline audit verify` finds and names.

Each tampering is done in a transaction that is undone, and looked at from inside of it. Nothing but the guards of the
tables was taken away before; test_audit.py has what is done to a database with all of them, by the command itself.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import accounts
from phaseline.graph import GraphCache
from phaseline.inspection import look
from phaseline.store import Store
from phaseline_schema.audit import checkpoints
from phaseline_schema.audit.checkpoints import Checkpoint
from phaseline_schema.audit.findings import Fault, FaultKind
from phaseline_schema.records import AuditKind, RunReport
from phaseline_schema.tables import audit_entries, deploys
from tests.conformance.conftest import on_one_of_each
from tests.conformance.stores import Store as Kind
from tests.support import chain, model
from tests.support.application import in_this_process
from tests.support.changes import Change, of_row
from tests.support.database import address
from tests.support.loose import loosen

RUN = "https://ci.example/runs/1"

pytestmark = on_one_of_each

Found = list[tuple[str | None, Fault]]


def _beside_the_guards(found: Found) -> Found:
    """That they are gone is found each time, and is for test_guarding.py."""
    assert len([fault for _, fault in found if fault.kind is FaultKind.GUARD]) == 1
    return [(of, fault) for of, fault in found if fault.kind is not FaultKind.GUARD]


class _Undo(Exception):
    """Ends a transaction of which nothing is to be kept."""


@asynccontextmanager
async def undone(store: Store) -> AsyncIterator[AsyncConnection]:
    """A connection of it, whose transaction is undone in the end."""
    with suppress(_Undo):
        async with store.writing() as connection:
            yield connection
            raise _Undo


@dataclass
class Log:
    """A database without guards, its deploys by how long their logs are, and a checkpoint of all."""

    store: Store
    is_sqlite: bool
    long: str = ""
    short: str = ""
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    checkpoint: Checkpoint | None = None

    @asynccontextmanager
    async def tampered(self, *statements: str | Change, **values: Any) -> AsyncIterator[AsyncConnection]:
        """A connection to it after these statements, which are undone in the end."""
        async with undone(self.store) as connection:
            for statement in statements:
                if isinstance(statement, Change):
                    given = {"the_id": statement.id, **statement.value}
                    await connection.execute(text(statement.statement), given)
                else:
                    # A driver that is given too much complains.
                    names = {name: value for name, value in values.items() if f":{name}" in statement}
                    await connection.execute(text(statement), names)
            yield connection

    async def faults(self, connection: AsyncConnection, *, with_checkpoint: bool = False) -> Found:
        """What is found in it."""
        found: Found = []
        kept = self.checkpoint if with_checkpoint else None
        await look(self.store.database, connection, lambda *fault: found.append(fault), checkpoint=kept)
        return _beside_the_guards(found)

    async def after(self, *statements: str | Change, with_checkpoint: bool = False, **values: Any) -> Found:
        """What is found after these statements."""
        async with self.tampered(*statements, **values) as connection:
            return await self.faults(connection, with_checkpoint=with_checkpoint)


@pytest.fixture(scope="module")
async def log(store: Kind) -> AsyncIterator[Log]:
    """It holds every kind of entry, and in some entry something in every column."""
    database = await store.empty()
    async with in_this_process(database) as caller:
        started = [(await caller.start(ref=ref, note="from here"))["id"] for ref in ("main", "other")]
        long, short = started
        await caller.walk(long, *model.GATES)
        assert (await caller.report(long, "succeeded", message="too early", runId="17", runUrl=RUN)).status == 422
        await caller.report(long, "building", runUrl=RUN, runId="17", message="here we go")
        await caller.walk(long, "failed")
        await caller.report(long, "building", 2, runUrl=f"{RUN}/2", runId="17")
        await caller.walk(short, "building", "cancelled")
        await _told_by_github(database, long)
    await loosen(database)
    made = Log(Store(address(database)), isinstance(database, str) is False, long, short)
    async with made.store.reading() as connection:
        for table in (deploys, audit_entries):
            rows = await connection.execute(text(f"SELECT * FROM {table.name} ORDER BY id"))
            made.rows[table.name] = [dict(row._mapping) for row in rows]
        found: Found = []
        heads = await look(made.store.database, connection, lambda *fault: found.append(fault), keep_heads=True)
        assert _beside_the_guards(found) == []
        made.checkpoint = checkpoints.of(heads.heads)
    assert {leaf.deploy_id: leaf.sequence for leaf in made.checkpoint.leaves} == {long: 10, short: 3}
    yield made
    await made.store.close()


def _entries(log: Log, deploy_id: str) -> list[dict[str, Any]]:
    rows = [row for row in log.rows["audit_entries"] if row["deploy_id"] == deploy_id]
    return sorted(rows, key=lambda row: int(row["sequence"]))


def _named(found: Found, deploy_id: str) -> list[int | None]:
    return [fault.sequence for of, fault in found if of == deploy_id]


async def test_a_log_that_nobody_touched_holds(log: Log) -> None:
    assert await log.after() == []
    assert await log.after(with_checkpoint=True) == []


def _changes(log: Log, table: Table, column: str) -> list[Change]:
    """Of every deploy's row, and of five entries: the first, a refusal and a transition that are full, the last two."""
    rows = log.rows[table.name]
    entries = _entries(log, log.long)
    changed = rows if table is deploys else [entries[0], entries[5], entries[6], entries[8], entries[9]]
    changes = [change for row in changed for change in of_row(table, row, rows, log.is_sqlite)]
    return [change for change in changes if change.column == column]


@pytest.mark.parametrize("column", [column.name for column in audit_entries.columns])
async def test_a_change_of_one_field_of_an_entry_is_found_and_the_entry_is_named(log: Log, column: str) -> None:
    changes = _changes(log, audit_entries, column)
    assert len(changes) > 8
    for change in changes:
        (entry,) = (row for row in log.rows["audit_entries"] if row["id"] == change.id)
        found = await log.after(change)
        named = _named(found, entry["deploy_id"])
        assert len(named) == 1, (change, found)
        assert named[0] is not None, (change, found)
        # What now stands elsewhere is missing where it stood, or one too many where it stands now.
        assert named[0] <= entry["sequence"] if column == "sequence" else named[0] == entry["sequence"], (change, found)


# What its caller has called the request is no part of the log: no digest is over it.
@pytest.mark.parametrize("column", [column.name for column in deploys.columns if column.name != "request_id"])
async def test_a_change_of_one_field_of_a_deploys_row_is_found_and_the_deploy_is_named(log: Log, column: str) -> None:
    changes = _changes(log, deploys, column)
    assert len(changes) > 3
    for change in changes:
        found = await log.after(change)
        assert len(_named(found, change.id)) == 1, (change, found)


async def test_an_entry_that_is_gone_is_named(log: Log) -> None:
    for deploy_id, length in ((log.long, 10), (log.short, 3)):
        for sequence in range(1, length + 1):
            gone = "DELETE FROM audit_entries WHERE deploy_id = :of AND sequence = :at"
            found = await log.after(gone, of=deploy_id, at=sequence)
            assert [(of, fault.kind, fault.sequence) for of, fault in found] == [
                (deploy_id, FaultKind.MISSING, sequence)
            ]


# Each takes the place of the deploy's id for `:of`.
GONE = {
    "the whole log": ("DELETE FROM audit_entries WHERE deploy_id = :of",),
    "the row": ("DELETE FROM deploys WHERE id = :of",),
    "all from an entry on": ("DELETE FROM audit_entries WHERE deploy_id = :of AND sequence > 1",),
    "an entry, and those behind it moved up": (
        "DELETE FROM audit_entries WHERE deploy_id = :of AND sequence = 2",
        "UPDATE audit_entries SET sequence = sequence - 1 WHERE deploy_id = :of AND sequence > 2",
        "UPDATE deploys SET sequence = sequence - 1 WHERE id = :of",
    ),
}


@pytest.mark.parametrize("statements", GONE.values(), ids=GONE.keys())
async def test_what_is_gone_is_found(log: Log, statements: tuple[str, ...]) -> None:
    for deploy_id in (log.long, log.short):
        found = await log.after(*statements, of=deploy_id)
        assert [of for of, _ in found] == [deploy_id]


_COLUMNS = ", ".join(column.name for column in audit_entries.columns)


def _copied(**instead: str) -> str:
    values = ", ".join(instead.get(column.name, column.name) for column in audit_entries.columns)
    return f"INSERT INTO audit_entries ({_COLUMNS}) SELECT {values} FROM audit_entries WHERE deploy_id = :of"


INSERTED = {
    "behind the last": ((_copied(id="id + 100", sequence="sequence + 1") + " AND sequence = 3",), 4),
    "behind the last, and the row moved on": (
        (
            _copied(id="id + 100", sequence="sequence + 1") + " AND sequence = 3",
            "UPDATE deploys SET sequence = sequence + 1 WHERE id = :of",
        ),
        4,
    ),
    "before the first": ((_copied(id="0", sequence="0") + " AND sequence = 1",), 0),
    "twice": ((_copied(id="id + 100") + " AND sequence = 2",), 2),
    "in between": (
        (
            "UPDATE audit_entries SET sequence = sequence + 1 WHERE deploy_id = :of AND sequence > 1",
            _copied(id="id + 100", sequence="2") + " AND sequence = 1",
            "UPDATE deploys SET sequence = sequence + 1 WHERE id = :of",
        ),
        2,
    ),
    "far behind": ((_copied(id="id + 100", sequence="sequence + 100") + " AND sequence = 3",), 4),
}


@pytest.mark.parametrize(("statements", "at"), INSERTED.values(), ids=INSERTED.keys())
async def test_an_entry_that_was_put_in_is_named(log: Log, statements: tuple[str, ...], at: int) -> None:
    found = await log.after(*statements, of=log.short)
    assert [(of, fault.sequence) for of, fault in found] == [(log.short, at)]


async def test_a_deploy_or_an_entry_that_was_put_in_by_itself_is_found(log: Log) -> None:
    names = [column.name for column in deploys.columns]
    values = ", ".join({"id": "'forged'"}.get(name, name) for name in names)
    forged = f"INSERT INTO deploys ({', '.join(names)}) SELECT {values} FROM deploys WHERE id = :of"
    for statement in (forged, _copied(id="id + 100", deploy_id="'forged'")):
        found = await log.after(statement, of=log.short)
        assert [(of, fault.kind) for of, fault in found] == [("forged", FaultKind.MISSING)]


PLACES = [*((place, place + 1) for place in range(9)), (0, 9), (2, 6)]


@pytest.mark.parametrize("column", ["sequence", "id", "digest"])
async def test_two_entries_that_changed_places_are_named_by_the_first_of_them(log: Log, column: str) -> None:
    entries = _entries(log, log.long)
    for one, other in PLACES:
        (first, of_first), (second, of_second) = [(entries[at]["id"], entries[at][column]) for at in (one, other)]
        swapped = f"UPDATE audit_entries SET {column} = CASE id WHEN {first} THEN {of_second!r} ELSE {of_first!r} END "
        found = await log.after(f"{swapped} WHERE id IN ({first}, {second})")
        assert [(of, fault.sequence) for of, fault in found] == [(log.long, one + 1)], (one, other)


async def test_entries_that_changed_deploys_are_found_in_both(log: Log) -> None:
    other = "CASE deploy_id WHEN :one THEN :two ELSE :one END"
    swapped = f"UPDATE audit_entries SET deploy_id = {other} WHERE sequence = 2"
    found = await log.after(swapped, one=log.long, two=log.short)
    assert sorted((of, fault.sequence) for of, fault in found if of) == sorted([(log.long, 2), (log.short, 2)])


async def test_two_rows_of_one_deploy_are_found(log: Log) -> None:
    found = await log.after("INSERT INTO deploys SELECT * FROM deploys WHERE id = :of", of=log.short)
    assert _named(found, log.short)


async def _told_by_github(database: Path | str, deploy_id: str) -> None:
    """The last entry of its log: GitHub's account of the run, as it has nothing to move."""
    told = RunReport("17", 2, "completed", "unheard_of", None, "github:example/service")
    store = Store(address(database))
    async with store.writing(deploy_id) as connection:
        (entry,) = await accounts.report(connection, GraphCache(), deploy_id, told)
    await store.close()
    assert entry.kind is AuditKind.RUN_REPORTED


ALL_GONE = ("DELETE FROM used_id_tokens", "DELETE FROM deploy_runs", "DELETE FROM audit_entries", "DELETE FROM deploys")


async def test_only_a_checkpoint_tells_that_deploys_have_vanished_without_a_trace(log: Log) -> None:
    one = ("DELETE FROM audit_entries WHERE deploy_id = :of", "DELETE FROM deploys WHERE id = :of")
    assert await log.after(*one, of=log.short) == []
    found = await log.after(*one, of=log.short, with_checkpoint=True)
    assert [(of, fault.kind, fault.sequence) for of, fault in found] == [(log.short, FaultKind.CHECKPOINT, None)]
    assert await log.after(*ALL_GONE) == []
    found = await log.after(*ALL_GONE, with_checkpoint=True)
    assert sorted(of for of, _ in found if of) == sorted([log.long, log.short])


# A log of three entries without its last one, and the row as it was before that.
PUT_BACK = (
    "DELETE FROM audit_entries WHERE deploy_id = :of AND sequence = 3",
    """
    UPDATE deploys SET sequence = 2, status = 'building', finished_at = NULL,
        updated_at = (SELECT recorded_at FROM audit_entries WHERE deploy_id = :of AND sequence = 2) WHERE id = :of
    """,
)


async def test_only_a_checkpoint_tells_that_the_last_entry_has_vanished_and_the_row_was_put_back(log: Log) -> None:
    assert await log.after(*PUT_BACK, of=log.short) == []
    found = await log.after(*PUT_BACK, of=log.short, with_checkpoint=True)
    assert [(of, fault.kind, fault.sequence) for of, fault in found] == [(log.short, FaultKind.CHECKPOINT, 3)]


async def _rechain(connection: AsyncConnection, deploy_id: str) -> None:
    """Give every entry the digest that it would have had."""
    deployed = text("SELECT ref, commit_sha FROM deploys WHERE id = :of")
    ref, commit = (await connection.execute(deployed, {"of": deploy_id})).one()
    rows = text("SELECT * FROM audit_entries WHERE deploy_id = :of ORDER BY sequence")
    previous = None
    for row in (await connection.execute(rows, {"of": deploy_id})).all():
        previous = chain.digest(row._asdict(), ref, previous, commit)
        given = {"digest": previous, "id": row.id}
        await connection.execute(text("UPDATE audit_entries SET digest = :digest WHERE id = :id"), given)


async def test_only_a_checkpoint_tells_that_a_log_was_written_anew(log: Log) -> None:
    for statement, sequence in (
        ("UPDATE audit_entries SET actor = 'somebody' WHERE deploy_id = :of AND sequence = 2", 3),
        ("UPDATE deploys SET ref = 'innocent' WHERE id = :of", 3),
        ("UPDATE audit_entries SET message = NULL WHERE deploy_id = :of AND sequence = 1", 3),
    ):
        async with log.tampered(statement, of=log.short) as connection:
            assert await log.faults(connection)
            await _rechain(connection, log.short)
            assert await log.faults(connection) == []
            found = await log.faults(connection, with_checkpoint=True)
            assert [(of, fault.kind, fault.sequence) for of, fault in found] == [
                (log.short, FaultKind.CHECKPOINT, sequence)
            ]


def _forged(column: str, value: str, at: int, **more: str) -> str:
    changes = ", ".join(f"{name} = {value}" for name, value in {column: value, **more}.items())
    return f"UPDATE audit_entries SET {changes} WHERE deploy_id = :of AND sequence = {at}"


# Of the long log: 5 is freeze_passed, 6 a refusal, 7 building, 8 failed, 9 building in attempt 2, 10 what GitHub says.
UNLAWFUL = {
    "a move off the graph": (_forged("to_status", "'succeeded'", 7, edge_to="'succeeded'"), 7),
    "a status that there is not": (_forged("to_status", "'paused'", 7, edge_to="'paused'"), 7),
    "a move from elsewhere": (_forged("from_status", "'queued'", 7, edge_from="'queued'"), 7),
    "a re-run that is none": (_forged("attempt", "1", 9), 9),
    "a refusal without a reason": (_forged("refusal", "NULL", 6), 6),
    "a reason without a refusal": (_forged("refusal", "'FORBIDDEN'", 7), 7),
    "a refusal as a move": (
        _forged("kind", "'TRANSITION'", 6, refusal="NULL", edge_from="from_status", edge_to="to_status"),
        6,
    ),
    "a refusal that is not stale": (_forged("refusal", "'STALE_ATTEMPT'", 6), 6),
    "another start": (_forged("to_status", "'building'", 1), 1),
    "a start in attempt 2": (_forged("attempt", "2", 1), 1),
    "a second start": (
        _forged("kind", "'DEPLOY_STARTED'", 7, from_status="NULL", edge_from="NULL", edge_to="NULL"),
        7,
    ),
    "another environment": (_forged("environment", "'staging'", 4), 4),
    "another pipeline": (_forged("pipeline", "'other'", 4), 4),
    "an id below the one before": (_forged("id", "0 - id", 4), 4),
    "an edge that is another source's": (_forged("source", "'OPERATOR'", 8), 8),
    "a start that no operator has made": (_forged("source", "'CALLBACK'", 1), 1),
    "no source, behind entries that have one": (_forged("source", "NULL", 8), 8),
    "a source that there is not": (_forged("source", "'NOBODY'", 8), 8),
    "a run that a callback tells of": (_forged("run_status", "'completed'", 8), 8),
    "a conclusion of no run": (_forged("run_conclusion", "'success'", 8, source="'GITHUB'"), 8),
    "a run that was not told of": (_forged("run_status", "NULL", 10, run_conclusion="NULL"), 10),
    "a run without an id": (_forged("run_id", "NULL", 10), 10),
    "a run of an older attempt": (_forged("attempt", "1", 10), 10),
    "a run that moves the deploy": (_forged("to_status", "'deploying'", 10), 10),
    "a request that GitHub has made": (_forged("kind", "'CANCEL_REQUESTED'", 10), 10),
    "a request for a later attempt": (
        _forged(
            "kind", "'RERUN_REQUESTED'", 10, source="'OPERATOR'", run_status="NULL", run_conclusion="NULL", attempt="3"
        ),
        10,
    ),
}


@pytest.mark.parametrize(("statement", "at"), UNLAWFUL.values(), ids=UNLAWFUL.keys())
async def test_what_could_not_have_been_recorded_is_found_though_the_log_was_written_anew(
    log: Log, statement: str, at: int
) -> None:
    async with log.tampered(statement, of=log.long) as connection:
        await _rechain(connection, log.long)
        found = await log.faults(connection)
    assert [(of, fault.sequence) for of, fault in found] == [(log.long, at)]
    assert found[0][1].kind in (FaultKind.UNLAWFUL, FaultKind.MALFORMED)


async def test_a_log_written_anew_that_its_row_does_not_follow_is_found(log: Log) -> None:
    """Its own times, actor and page are in the row as well."""
    for column, value, at in (
        ("recorded_at", "(SELECT started_at FROM deploys WHERE id = :of)", 9),
        ("run_url", "NULL", 9),
    ):
        async with log.tampered(_forged(column, value, at), of=log.long) as connection:
            await _rechain(connection, log.long)
            found = await log.faults(connection)
        assert [(of, fault.kind) for of, fault in found] == [(log.long, FaultKind.ROW)]


GRAPH = {
    "an edge too many": """
        INSERT INTO pipeline_transitions (pipeline, from_status, to_status, why, new_attempt)
        SELECT pipeline, 'succeeded', 'building', why, new_attempt FROM pipeline_transitions
        WHERE from_status = 'building' AND to_status = 'deploying'
    """,
    "an edge too few": "DELETE FROM pipeline_transitions WHERE from_status = 'queued' AND to_status = 'cancelled'",
    "an edge for every attempt": "UPDATE pipeline_transitions SET new_attempt = NOT new_attempt WHERE new_attempt",
    "another reason": "UPDATE pipeline_transitions SET why = 'because'",
    "another outcome": "UPDATE pipeline_statuses SET outcome = 'SUCCEEDED' WHERE key = 'failed'",
    "another position": "UPDATE pipeline_statuses SET position = 61 WHERE key = 'building'",
    "another oldest server": "UPDATE oldest_server SET revision = '0001'",
    "no oldest server": "DELETE FROM oldest_server",
    "another order": "UPDATE pipeline_statuses SET position = 1000 - position",
    "another phase": "UPDATE pipeline_phases SET label = 'Smoke screen' WHERE key = 'smoke_gate'",
    "an edge that is everybody's": (
        "UPDATE pipeline_transitions SET reported_by = NULL WHERE from_status = 'queued' AND to_status = 'succeeded'"
    ),
    "an edge that is another's": "UPDATE pipeline_transitions SET reported_by = 'GITHUB' WHERE to_status = 'abandoned'",
    "another assertion": "UPDATE pipeline_assertions SET state = 'PASSED' WHERE status = 'building'",
}


@pytest.mark.parametrize("statement", GRAPH.values(), ids=GRAPH.keys())
async def test_another_graph_than_that_of_the_revision_is_found(log: Log, statement: str) -> None:
    found = await log.after(statement)
    assert [(of, fault.kind) for of, fault in found] == [(None, FaultKind.GRAPH)]
