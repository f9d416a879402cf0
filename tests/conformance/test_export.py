"""`phaseline audit export`: every entry once, in order, to be verified and gone on with, however it was interrupted."""

import asyncio
import csv
import json
import os
import resource
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.dialects import sqlite

from phaseline import cursors, deploys, export, ledger
from phaseline.export import Wanted
from phaseline.graph import GraphCache
from phaseline.identity import ANYBODY
from phaseline.lines import NAMES, Format
from phaseline.store import Store as Reading
from phaseline_schema.records import Start
from tests.conformance.conftest import on_one_of_each
from tests.conformance.stores import Store, on_newest_postgresql, on_sqlite
from tests.support import bulk, chain, logs
from tests.support.application import in_this_process
from tests.support.caller import Caller
from tests.support.database import address, migrate
from tests.support.postgres import Postgres
from tests.support.raw import connected
from tests.support.server import PHASELINE
from tests.support.waiting import until

ENTRIES = 5_000


@pytest.fixture(scope="module")
async def filled(store: Store) -> Path | str:
    """A database with a long history."""
    database = await store.empty()
    await bulk.fill(database, ENTRIES)
    return database


async def _begun(database: Path | str, *arguments: str | Path, **more: Any) -> asyncio.subprocess.Process:
    environment = {"PATH": os.environ.get("PATH", os.defpath), "PHASELINE_DATABASE_URL": address(database)}
    given: dict[str, Any] = {
        "stdout": asyncio.subprocess.PIPE,
        "stderr": asyncio.subprocess.PIPE,
        "limit": 2**14,
        **more,
    }
    return await asyncio.create_subprocess_exec(PHASELINE, "audit", "export", *arguments, env=environment, **given)


async def _exported(database: Path | str, *arguments: str | Path, **more: Any) -> tuple[int | None, str, list[str]]:
    """Its exit code, what it wrote to standard output, and what it said behind the name of the database."""
    process = await _begun(database, *arguments, **more)
    out, error = await process.communicate()
    said = [line for line in error.decode().splitlines() if not line.startswith("database: ")]
    assert not any("Traceback" in line for line in said), said
    return process.returncode, (out or b"").decode(), said


def _verified(lines: list[dict[str, Any]]) -> None:
    """Hold every digest against what the line itself says, and what was before in its deploy."""
    heads: dict[str, tuple[int, str | None]] = {}
    for line in lines:
        sequence, previous = heads.get(line["deployId"], (0, None))
        members = chain._MEMBERS | chain._WITH_SOURCE
        row = {column: line[member] for column, member in members.items()}
        older = {chain.digest(row | {"source": None}, line["ref"], previous)} if line["commit"] is None else set()
        assert line["digest"] in older | {chain.digest(row, line["ref"], previous, line["commit"])}
        assert line["sequence"] == sequence + 1
        heads[line["deployId"]] = sequence + 1, line["digest"]


@on_one_of_each
async def test_all_entries_are_told_in_order_and_can_be_verified(filled: Path | str, tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    code, out, said = await _exported(filled, "--format", "jsonl", "--output", file)
    cursor = cursors.encode(ENTRIES)
    assert (code, out, said) == (0, "", [f"{ENTRIES} entries were written; cursor of the last one: {cursor}"])
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [int(line["id"]) for line in lines] == list(range(1, ENTRIES + 1))
    _verified(lines)
    lines[-1]["message"] = "another"
    with pytest.raises(AssertionError):
        _verified(lines)


@on_one_of_each
async def test_entries_can_be_picked(filled: Path | str) -> None:
    entries = sorted((e for log in (await logs.read(filled)).values() for e in log.entries), key=lambda e: e["id"])
    deploy, early, late = entries[2_500]["deploy_id"], entries[1_000]["recorded_at"], entries[4_000]["recorded_at"]
    after = cursors.encode(2_000)
    for arguments, expected in (
        (("--environment", "staging"), [e for e in entries if e["environment"] == "staging"]),
        (("--deploy", deploy), [e for e in entries if e["deploy_id"] == deploy]),
        (("--since", early.isoformat(), "--until", late.isoformat()), entries[1_000:4_000]),
        (("--after", after), entries[2_000:]),
        (("--after", after, "--until", early.isoformat()), []),
    ):
        code, out, _ = await _exported(filled, "--format", "jsonl", *arguments)
        assert (code, [int(json.loads(line)["id"]) for line in out.splitlines()]) == (0, [e["id"] for e in expected])


@on_sqlite
@pytest.mark.parametrize("form", list(Format))
async def test_a_file_is_gone_on_with_from_wherever_it_breaks_off(filled: Path, tmp_path: Path, form: Format) -> None:
    whole, part = tmp_path / "whole", tmp_path / "part"
    await _exported(filled, "--format", form, "--output", whole)
    content = whole.read_bytes()
    second = content.index(b"\n", content.index(b"\n") + 1)
    for length in (0, 20, second, second + 1, second + 2, len(content) // 2, len(content) - 1, len(content)):
        part.write_bytes(content[:length])
        assert (await _exported(filled, "--format", form, "--output", part, "--resume"))[0] == 0
        assert part.read_bytes() == content, length


@on_sqlite
async def test_what_is_no_export_is_left_as_it_is(filled: Path, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    header = ",".join(NAMES)
    for content in (
        *("my notes\nof today\n", "my notes\nof today", "my notes", '{"id": "x"}\n', '{"id":"x"}\n{"id', "[]\n"),
        f"{header},more\n",
        f"{header}\n1,2\n3",
    ):
        file.write_text(content)
        for form in Format:
            code, _, said = await _exported(filled, "--format", form, "--output", file, "--resume")
            assert (code, said) == (2, [f"phaseline: {file} is no export as {form}, and is left as it is"])
        code, _, said = await _exported(filled, "--format", "jsonl", "--output", file)
        assert (code, said) == (2, [f"phaseline: {file} exists already: --resume goes on where it ends"])
        assert file.read_text() == content


@on_sqlite
async def test_a_file_of_another_log_is_left_as_it_is(filled: Path, tmp_path: Path) -> None:
    """As where a backup was restored: its ids are given again, to other entries."""
    file, other = tmp_path / "log", tmp_path / "other.db"
    await bulk.fill(other, 1_000, seed=1)
    for form in Format:
        await _exported(other, "--format", form, "--output", file)
        content = file.read_bytes()
        code, _, said = await _exported(filled, "--format", form, "--output", file, "--resume")
        why = f"phaseline: the last entry in {file} is not in this log: it is another's, or was restored"
        assert (code, said, file.read_bytes()) == (2, [why], content)
        file.unlink()


@on_sqlite
@pytest.mark.parametrize("form", list(Format))
async def test_a_file_that_begins_in_the_middle_is_gone_on_with(filled: Path, tmp_path: Path, form: Format) -> None:
    whole, part = tmp_path / "whole", tmp_path / "part"
    arguments = ("--format", form, "--after", cursors.encode(3_000), "--output")
    await _exported(filled, *arguments, whole)
    content = whole.read_bytes()
    for length in (0, len(content) // 2, len(content) - 1):
        part.write_bytes(content[:length])
        assert (await _exported(filled, *arguments, part, "--resume"))[0] == 0
        assert part.read_bytes() == content, length


@on_sqlite
async def test_no_filter_has_a_window_look_beyond_its_ids(filled: Path) -> None:
    deploy = next(iter(await logs.read(filled)))
    time = datetime(2026, 1, 1, tzinfo=UTC)
    async with connected(filled) as raw:
        for wanted in (
            Wanted(),
            Wanted(environment="staging"),
            Wanted(environment="staging", since=time, until=time),
            Wanted(since=time),
            Wanted(deploy_id=deploy, environment="staging", since=time),
        ):
            query = export.window_of(wanted, 1_000, 2_000).compile(
                dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}
            )
            plan = " ".join(str(step) for step in await raw.execute(f"EXPLAIN QUERY PLAN {query}"))
            assert "INTEGER PRIMARY KEY (rowid>? AND rowid<?)" in plan or (wanted.deploy_id and "(deploy_id=?" in plan)
            assert "recorded_at" not in plan, plan


@on_one_of_each
async def test_csv_says_the_same_and_no_spreadsheet_takes_any_of_it_for_a_formula(
    database: Path | str, tmp_path: Path
) -> None:
    odd = ['=HYPERLINK("https://example.org","x")', "+1", "-1", "@x", "'=1", 'say "a, b"', "plain"]
    async with in_this_process(database) as caller:
        for message in odd:
            await caller.start(ref="main", note=message)
    _, out, _ = await _exported(database, "--format", "csv")
    rows = list(csv.DictReader(out.splitlines()))
    assert [row["message"] for row in rows] == [f"'{one}" if one[0] in "=+-@'" else one for one in odd]
    _, lines, _ = await _exported(database, "--format", "jsonl")
    for row, told in zip(rows, map(json.loads, lines.splitlines()), strict=True):
        assert [*row] == [*told]
        assert {name: value.removeprefix("'") for name, value in row.items()} == {
            name: "" if value is None else str(value) for name, value in told.items()
        }
    _verified([json.loads(line) for line in lines.splitlines()])


@on_newest_postgresql
async def test_an_entry_that_is_committed_late_is_not_passed_by(database: str) -> None:
    """Of two writers the one that came first ends last: nothing is told beyond its id before it has ended."""
    async with in_this_process(database) as caller:
        for _ in range(2):
            await caller.start()
        async with connected(database) as slow:
            await slow.begin()
            await slow.execute("SELECT id FROM deploys ORDER BY started_at LIMIT 1 FOR UPDATE")
            await slow.execute("SELECT nextval(pg_get_serial_sequence('audit_entries', 'id'))")
            await caller.start()  # takes the id after that, and is committed
            store = Reading(database)
            found = asyncio.create_task(export.upto(store))
            await until(lambda: store.database.pool.checkedin() > 0)
            assert not found.done()
            await slow.roll_back()
        assert await found == 4
        windows = [one async for one in export.windows(store, Wanted(), 4)]
        assert [entry.id for entries, _ in windows for entry, _ in entries] == [1, 2, 4]
        await store.close()


@on_newest_postgresql
async def test_an_entry_of_a_writer_that_came_last_is_not_passed_by(database: str) -> None:
    """Of two writers the one that came last takes its id first, and ends last; nobody has come after it."""
    await migrate(database)
    store = Reading(database)
    wanted = Start("production", "main", "console", None)
    async with store.writing() as late:
        async with store.writing() as early:
            await early.execute(text("SELECT pg_current_xact_id()"))
            assert (await ledger.first_place(late)).id == 1
            await deploys.start(early, GraphCache(), ANYBODY, wanted)
        found = asyncio.create_task(export.upto(store))
        await asyncio.wait([found], timeout=4 * export._LOOK)
        assert not found.done()
    assert await found == 2
    await store.close()


@on_newest_postgresql
async def test_a_standby_is_not_taken_for_all_that_there_is(database: str, postgres: Postgres) -> None:
    async with in_this_process(database) as caller:
        await caller.start()
    name = database.rsplit("/", 1)[-1]
    await postgres.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    code, out, said = await _exported(database, "--format", "jsonl")
    assert (code, out) == (2, "")
    assert "this database is a standby" in said[-1]


@on_one_of_each
async def test_exports_that_go_on_while_many_write_tell_of_every_entry_once(
    database: Path | str, tmp_path: Path
) -> None:
    file = tmp_path / "log.jsonl"
    async with in_this_process(database) as caller:
        writing = asyncio.gather(*(_walk(caller) for _ in range(32)))
        while not writing.done():
            code, _, said = await _exported(database, "--format", "jsonl", "--output", file, "--resume")
            assert code == 0, said
        await writing
    assert (await _exported(database, "--format", "jsonl", "--output", file, "--resume"))[0] == 0
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [int(line["id"]) for line in lines] == sorted(
        entry["id"] for log in (await logs.read(database)).values() for entry in log.entries
    )
    _verified(lines)


async def _walk(caller: Caller) -> None:
    for _ in range(4):
        deploy = await caller.start()
        await caller.walk(deploy["id"], "smoke_running", "smoke_passed", "building", "deploying", "succeeded")


@on_newest_postgresql
async def test_a_deploy_that_is_started_late_is_not_passed_by(database: str) -> None:
    """Its first entry's id is taken before anything of it is written."""
    async with in_this_process(database) as caller:
        await caller.start()
        store = Reading(database)

        async def settled(since: int | None) -> tuple[bool, int]:
            return await store.read(lambda connection: store.database.settled(connection, since))

        async with store.writing() as slow:
            assert (await ledger.first_place(slow)).id == 2
            await caller.start()  # takes the id after that, and is committed
            _, since = await settled(None)
            assert await settled(since) == (False, since)
        assert await settled(since) == (True, since)
        await store.close()


@on_sqlite
async def test_nobody_who_reads_on_and_no_room_end_in_one_line(filled: Path) -> None:
    process = await _begun(filled, "--format", "jsonl")
    assert process.stdout is not None
    assert process.stderr is not None
    await process.stdout.readline()
    process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]
    said = (await process.stderr.read()).decode().splitlines()
    assert (await process.wait(), said[-1].startswith("phaseline: nobody reads on; ")) == (2, True), said
    with Path("/dev/full").open("w") as full:  # noqa: ASYNC230 - it is no file
        code, _, said = await _exported(filled, "--format", "jsonl", stdout=full)
    full_up = "phaseline: standard output cannot be written: No space left on device; run the same again"
    assert (code, said) == (2, ["0 entries were written", full_up])


@on_sqlite
async def test_no_room_within_a_line_is_told_and_gone_on_from(filled: Path, tmp_path: Path) -> None:
    part = tmp_path / "part"
    _, whole, _ = await _exported(filled, "--format", "jsonl")
    with part.open("wb") as stdout:
        code, _, said = await _exported(filled, "--format", "jsonl", stdout=stdout, preexec_fn=_little_room)
    lines, rest = part.read_text().rsplit("\n", 1)
    assert (code, bool(rest)) == (2, True)
    place = cursors.encode(int(json.loads(lines.splitlines()[-1])["id"]))
    assert said[0] == f"{len(lines.splitlines())} entries were written; cursor of the last one: {place}"
    assert said[1].endswith(f"; the last line is not whole, so take it away; --after {place} goes on")
    _, others, _ = await _exported(filled, "--format", "jsonl", "--after", place)
    assert f"{lines}\n{others}" == whole


def _little_room() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_001, 1_000_001))


async def test_how_far_it_has_come_is_told_where_the_database_goes_away(tmp_path: Path) -> None:
    database = tmp_path / "gone.db"
    await bulk.fill(database, ENTRIES)
    process = await _begun(database, "--format", "jsonl")
    assert process.stdout is not None
    first = await process.stdout.readline()  # it has begun, and fills the pipe, which nobody empties
    for ending in ("", "-wal", "-shm"):
        database.with_name(f"gone.db{ending}").unlink(missing_ok=True)
    rest, said = await process.communicate()
    last = json.loads((first + rest).splitlines()[-1])
    told = said.decode().splitlines()
    assert process.returncode == 2, told
    assert told[-3].startswith(f"phaseline: the database sqlite:///{database} cannot be used now: ")
    place = cursors.encode(int(last["id"]))
    assert told[-2] == f"{last['id']} entries were written; cursor of the last one: {place}"
    assert told[-1] == f"--after {place} goes on"


@on_sqlite
async def test_who_interrupts_it_is_told_how_to_go_on(filled: Path) -> None:
    process = await _begun(filled, "--format", "jsonl")
    assert process.stdout is not None
    assert process.stderr is not None
    first = await process.stdout.readline()  # it has begun, and fills the pipe, which nobody empties
    process.send_signal(signal.SIGINT)
    rest, said = await process.communicate()
    lines = [json.loads(line) for line in (first + rest).splitlines()]
    told = said.decode().splitlines()
    assert process.returncode == 130, told
    assert told[-1] == f"interrupted: --after {cursors.encode(int(lines[-1]['id']))} goes on"


@on_sqlite
async def test_a_database_of_another_revision_is_named(database: Path) -> None:
    await migrate(database, "0002")
    code, out, said = await _exported(database, "--format", "jsonl")
    assert (code, out, "behind 0006" in said[-1]) == (2, "", True)


@on_sqlite
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="nothing tells here how much memory was needed")
async def test_memory_does_not_grow_with_the_log(database: Path, tmp_path: Path) -> None:
    peaks = []
    for count in (5_000, 100_000):
        file = tmp_path / f"{count}.db"
        await bulk.fill(file, count)
        peaks.append(await _peak(file))
    assert peaks[1] - peaks[0] < 10_000, peaks


async def _peak(database: Path) -> int:
    """How much memory an export of it has needed at most, in KiB."""
    counted = (
        "import sys; from phaseline.cli import app\n"
        "try: app(['audit', 'export', '--format', 'jsonl'])\n"
        "finally: print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0], file=sys.stderr)"
    )
    process = await asyncio.create_subprocess_exec(
        PHASELINE.with_name("python"),
        *("-c", counted),
        env={"PATH": os.defpath, "PHASELINE_DATABASE_URL": address(database)},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    assert process.returncode == 0
    return int(said.decode().splitlines()[-1])
