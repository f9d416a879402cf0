"""`phaseline audit` and `auditVerification`: what they say of a log that holds, of one that does not, and of none."""

import asyncio
import json
import os
import re
import sqlite3
import sys
import threading
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline.audit import Auditor, of_deploy
from phaseline.databases.kind import Database
from phaseline.store import Store
from phaseline_schema.pipelines import PIPELINES
from tests.conformance.conftest import Nodes, on_one_of_each
from tests.conformance.stores import Store as Kind
from tests.conformance.stores import on_newest_postgresql, on_sqlite
from tests.support import model
from tests.support.application import in_this_process
from tests.support.caller import Caller
from tests.support.database import address, change, migrate
from tests.support.logins import TOOL, bearer
from tests.support.raw import append, connected, unguarded
from tests.support.server import PHASELINE

VERIFICATION = """
    query ($id: ID!) { auditVerification(deployId: $id) {
        deployId valid entries head fault { sequence kind message }
    } }
"""
DOCS = Path(__file__).parents[2] / "docs" / "audit.md"


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    code: int | None
    out: str
    error: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


async def _run(*command: str | Path, out: IO[str] | None = None, **environment: str) -> Ended:
    process = await asyncio.create_subprocess_exec(
        *command,
        env={"PATH": os.environ.get("PATH", os.defpath), **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE if out is None else out,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, error = await process.communicate()
    told = re.sub("^database: .*\n", "", error.decode())  # each command names the one that it works on first
    return Ended(process.returncode, (printed or b"").decode(), told)


async def _audit(database: Path | str, *arguments: str | Path, out: IO[str] | None = None) -> Ended:
    return await _run(PHASELINE, "audit", *arguments, out=out, PHASELINE_DATABASE_URL=address(database))


@pytest.fixture
async def log(store: Kind) -> tuple[Path | str, str, str]:
    """A database with all its guards, and two deploys in it, of nine entries and of three."""
    database = await store.empty()
    async with in_this_process(database) as caller:
        long, short = [(await caller.start())["id"] for _ in range(2)]
        await caller.walk(long, *model.GATES, "building", "deploying", "health_checking", "succeeded")
        await caller.walk(short, "building", "failed")
    return database, long, short


@on_one_of_each
async def test_the_command_names_what_does_not_hold_and_a_checkpoint_tells_what_has_vanished(
    log: tuple[Path | str, str, str], tmp_path: Path
) -> None:
    database, long, short = log
    holds = await _audit(database, "verify")
    assert (holds.code, holds.out) == (0, "2 deploys with 12 audit entries were checked: everything holds\n")
    file = tmp_path / "checkpoint.json"
    made = await _audit(database, "checkpoint", "--output", file)
    assert (made.code, made.error) == (0, f"{file}: 2 deploys\n")
    (root,) = made.lines
    assert json.loads(file.read_text())["root"] == root
    async with connected(database) as raw, unguarded(raw):
        await raw.execute("UPDATE audit_entries SET actor = 'x' WHERE deploy_id = :of AND sequence = 5", of=long)
        await raw.execute("DELETE FROM audit_entries WHERE deploy_id = :of", of=short)
        await raw.execute("DELETE FROM deploys WHERE id = :of", of=short)
    broken = await _audit(database, "verify", "--checkpoint", file, "--root", root)
    assert broken.code == 1
    assert broken.lines[:-1] == [
        f"deploy {long}, entry 5: DIGEST: {_DIGEST}",
        f"deploy {short}: CHECKPOINT: the deploy has vanished since the checkpoint was made; it had come to entry 3",
    ]


_DIGEST = "the digest is not that of the entry, the deploy's ref and commit, and what was before"


@on_sqlite
async def test_a_checkpoint_that_was_changed_or_is_not_the_one_that_was_kept_is_found(
    log: tuple[Path | str, str, str], tmp_path: Path
) -> None:
    database, _, short = log
    file = tmp_path / "checkpoint.json"
    root = (await _audit(database, "checkpoint", "--output", file)).out.strip()
    async with connected(database) as raw:
        await append(raw, short, "smoke_running", refusal="ILLEGAL_TRANSITION")  # what came later is no fault
    assert (await _audit(database, "verify", "--checkpoint", file, "--root", root.upper())).code == 0
    alone = await _audit(database, "verify", "--checkpoint", file)
    assert (alone.code, f"whose root was not compared (it is {root}): everything holds" in alone.out) == (0, True)
    other = await _audit(database, "verify", "--checkpoint", file, "--root", "0" * 64)
    assert (other.code, other.lines[0][:10]) == (1, "CHECKPOINT")
    taken = await _audit(database, "checkpoint", "--output", file)
    assert (taken.code, taken.error.endswith("exists already, and is not this checkpoint\n")) == (2, True)
    content = json.loads(file.read_text())
    del content["leaves"][0]
    file.write_text(json.dumps(content))
    changed = await _audit(database, "verify", "--json", "--checkpoint", file)
    message = "the checkpoint's root is not that of its leaves: its file was changed"
    assert (changed.code, json.loads(changed.out)) == (
        1,
        {
            "valid": False,
            "deploys": 2,
            "entries": 13,
            "faults": [{"deployId": None, "sequence": None, "kind": "CHECKPOINT", "message": message}],
            "checkpoint": {"root": root, "rootCompared": False, "deploys": 1},
        },
    )


@on_sqlite
async def test_a_checkpoint_names_a_deploy_that_does_not_hold_and_leaves_it_out(
    log: tuple[Path | str, str, str], tmp_path: Path
) -> None:
    database, long, short = log
    async with connected(database) as raw, unguarded(raw):
        await raw.execute("DELETE FROM audit_entries WHERE deploy_id = :of AND sequence = 4", of=long)
    made = await _audit(database, "checkpoint", "--output", tmp_path / "checkpoint.json")
    assert (made.code, f"deploy {long}, entry 4: MISSING" in made.error) == (1, True)
    leaves = json.loads((tmp_path / "checkpoint.json").read_text())["leaves"]
    assert [leaf["deployId"] for leaf in leaves] == [short]


@on_sqlite
async def test_what_cannot_be_checked_is_said_in_one_line_and_nothing_is_made(database: Path, tmp_path: Path) -> None:
    (tmp_path / "none.json").write_text('{"format": "phaseline-checkpoint-1", "root": 5}')
    at_0002 = tmp_path / "older.db"
    await migrate(at_0002, "0002")
    (tmp_path / "garbage.db").write_bytes(b"garbage" * 1000)
    for name in ("revisions.db", "tables.db", "text.db"):
        await migrate(tmp_path / name)
    change(tmp_path / "revisions.db", "INSERT INTO alembic_version VALUES ('0002')")
    change(tmp_path / "tables.db", "DROP TABLE pipeline_assertions")
    change(tmp_path / "text.db", "UPDATE alembic_version SET version_num = CAST(x'ff' AS TEXT)")
    for path, arguments, said in (
        (database, (), "there is no database"),
        (at_0002, (), "behind 0006"),
        (tmp_path / "garbage.db", (), "not a database"),
        (at_0002, ("--checkpoint", tmp_path / "none.json"), "it has no root, or no leaves"),
        (tmp_path / "revisions.db", (), "more than one head"),
        (tmp_path / "tables.db", (), "no such table: pipeline_assertions"),
        (tmp_path / "text.db", (), "the database is at revision"),
    ):
        ended = await _audit(path, "verify", *arguments)
        assert (ended.code, ended.out, len(ended.error.splitlines())) == (2, "", 1), ended
        assert said in ended.error, ended
    assert database.name not in os.listdir(database.parent)


@on_newest_postgresql
async def test_what_postgresql_cannot_read_is_said_in_one_line(database: str) -> None:
    await migrate(database)
    async with connected(database) as raw:
        await raw.execute("ALTER TABLE audit_entries RENAME COLUMN actor TO player")
    ended = await _audit(database, "verify")
    assert (ended.code, ended.out, len(ended.error.splitlines())) == (2, "", 1), ended
    assert "actor" in ended.error


def _sum(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()


@on_sqlite
@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
async def test_a_check_leaves_the_file_as_it_was(log: tuple[Path, str, str], tmp_path: Path, mode: str) -> None:
    file = tmp_path / "a copy of 100 %.db"
    with closing(sqlite3.connect(log[0])) as one, closing(sqlite3.connect(file)) as other:
        one.backup(other)
        other.execute(f"PRAGMA journal_mode = {mode}")
    before = _sum(file)
    for arguments in (("verify",), ("checkpoint", "--output", tmp_path / "checkpoint.json")):
        ended = await _audit(file, *arguments)
        assert (ended.code, _sum(file)) == (0, before), ended


@on_sqlite
async def test_a_file_is_checked_where_nothing_can_be_written(log: tuple[Path, str, str], tmp_path: Path) -> None:
    file = tmp_path / "sealed" / "log.db"
    file.parent.mkdir()
    with closing(sqlite3.connect(log[0])) as one, closing(sqlite3.connect(file)) as other:
        one.backup(other)
    before = _sum(file)
    seal = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1"'
    if (await _run("unshare", "-m", "sh", "-c", seal, "sh", file.parent)).code != 0:
        pytest.skip("nothing can be mounted here")
    command = ("unshare", "-m", "sh", "-c", f'{seal} && exec "$2" audit verify', "sh", file.parent, PHASELINE)
    ended = await _run(*command, PHASELINE_DATABASE_URL=address(file))
    assert (ended.code, ended.lines[-1][-16:], _sum(file)) == (0, "everything holds", before), ended


@on_sqlite
async def test_an_answer_that_cannot_be_given_is_not_a_log_that_does_not_hold(log: tuple[Path | str, str, str]) -> None:
    with Path("/dev/full").open("w") as full:  # noqa: ASYNC230 - it is no file
        ended = await _audit(log[0], "verify", out=full)
    assert (ended.code, len(ended.error.splitlines())) == (2, 1), ended


@on_sqlite
@pytest.mark.parametrize("output", ["/dev/full", "/dev/stdout", "a pipe", "a link"])
async def test_a_checkpoint_is_written_to_nothing_but_a_new_file(
    log: tuple[Path | str, str, str], tmp_path: Path, output: str
) -> None:
    file = Path(output)
    if output == "a pipe":
        os.mkfifo(file := tmp_path / "pipe")
    elif output == "a link":
        (file := tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    ended = await _audit(log[0], "checkpoint", "--output", file)
    said = f"phaseline: {file} exists already, and is not this checkpoint\n"
    assert (ended.code, ended.out, ended.error) == (2, "", said)
    assert not (tmp_path / "elsewhere").exists()


async def test_who_asks_is_told_whether_a_deploys_log_holds(nodes: Nodes) -> None:
    one, other = nodes.callers
    deploy = (await one.start())["id"]
    await one.walk(deploy, "building")
    newest = (await one.entries(deploy))[-1]
    for caller in (one, other):
        found = (await caller.send(VERIFICATION, id=deploy)).data["auditVerification"]
        assert found == {"deployId": deploy, "valid": True, "entries": 2, "head": newest["digest"], "fault": None}
        assert (await caller.send(VERIFICATION, id="nowhere")).code == "DEPLOY_NOT_FOUND"


# What garbage SQLite keeps beside what other databases do; of the deploy there are two entries.
BROKEN: dict[str, tuple[str, int | None, str]] = {
    "another message": ("UPDATE audit_entries SET message = 'x' WHERE deploy_id = :of AND sequence = 2", 2, "DIGEST"),
    "an entry is gone": ("DELETE FROM audit_entries WHERE deploy_id = :of AND sequence = 1", 1, "MISSING"),
    "the log is gone": ("DELETE FROM audit_entries WHERE deploy_id = :of", 1, "MISSING"),
    "the row is gone": ("DELETE FROM deploys WHERE id = :of", None, "MISSING"),
    "the row stands elsewhere": ("UPDATE deploys SET attempt = 2 WHERE id = :of", None, "ROW"),
}
UNREADABLE = {
    "no text": ("UPDATE audit_entries SET actor = CAST(x'ff' AS TEXT) WHERE deploy_id = :of AND sequence = 2", 2),
    "no time": ("UPDATE audit_entries SET recorded_at = 'soon' WHERE deploy_id = :of AND sequence = 2", 2),
    "no number": ("UPDATE deploys SET attempt = 'one' WHERE id = :of", None),
}


async def _is_told(nodes: Nodes, statement: str, sequence: int | None, kind: str) -> None:
    caller = nodes.callers[0]
    deploy = (await caller.start())["id"]
    await caller.walk(deploy, "building")
    async with connected(nodes.database) as raw, unguarded(raw):
        await raw.execute(statement, of=deploy)
        try:
            found = (await caller.send(VERIFICATION, id=deploy)).data["auditVerification"]
        finally:  # other tests hold the whole log against what it should be
            await raw.execute("DELETE FROM audit_entries WHERE deploy_id = :of", of=deploy)
            await raw.execute("DELETE FROM deploys WHERE id = :of", of=deploy)
    assert not found["valid"]
    assert (found["fault"]["sequence"], found["fault"]["kind"]) == (sequence, kind)
    assert (await caller.send(VERIFICATION, id=deploy)).code == "DEPLOY_NOT_FOUND"


@on_one_of_each
@pytest.mark.parametrize(("statement", "sequence", "kind"), BROKEN.values(), ids=BROKEN.keys())
async def test_who_asks_of_a_log_that_does_not_hold_is_told_what_does_not(
    nodes: Nodes, statement: str, sequence: int | None, kind: str
) -> None:
    await _is_told(nodes, statement, sequence, kind)


@on_sqlite
@pytest.mark.parametrize(("statement", "sequence"), UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_what_cannot_be_read_is_a_fault_of_the_log_and_none_of_the_server(
    nodes: Nodes, statement: str, sequence: int | None
) -> None:
    await _is_told(nodes, statement, sequence, "MALFORMED")


@on_one_of_each
async def test_what_is_written_while_the_log_is_checked_is_not_looked_at(
    log: tuple[Path | str, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each deploy, and each entry, is read by itself: one state throughout is none of what one statement sees."""
    database, long, short = log
    monkeypatch.setattr("phaseline.audit._BATCH", 1)
    store = Store(address(database))
    async with in_this_process(database) as caller, store.reading() as connection:
        await store.database.unhurried(connection)
        found = []
        async for check in Auditor(store.database, connection, PIPELINES).every():
            found.append(check)
            await caller.start()
            for deploy_id in (long, short):
                await caller.report(deploy_id, "queued", attempt=len(found))
    await store.close()
    held = {check.deploy_id: (check.entries, check.fault) for check in found}
    assert held == {long: (9, None), short: (3, None)}


@on_sqlite
async def test_one_log_is_checked_at_a_time_and_who_waits_too_long_is_told_to_come_again(
    log: tuple[Path | str, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_end = threading.Event(), threading.Event()  # a check of a file keeps a thread, and no loop

    async def held(database: Database, connection: AsyncConnection, *given: Any) -> Any:
        begun.set()
        if connection.dialect.name == "sqlite":
            may_end.wait()
        else:
            await asyncio.to_thread(may_end.wait)
        return await of_deploy(database, connection, *given)

    monkeypatch.setattr("phaseline.audit.of_deploy", held)
    database, long, short = log
    async with in_this_process(database) as caller:
        first = asyncio.create_task(caller.send(VERIFICATION, id=long))
        await asyncio.to_thread(begun.wait)
        second = await caller.send(VERIFICATION, id=short)
        assert (second.status, second.error) == (429, {"code": "RATE_LIMITED", "retryAfterSeconds": 2})
        assert await caller.deploy(short)  # nobody else waits
        may_end.set()
        assert (await first).data["auditVerification"]["valid"]
        assert (await caller.send(VERIFICATION, id=short)).data["auditVerification"]["valid"]


@on_newest_postgresql
async def test_no_time_out_ends_a_check(database: str) -> None:
    store = Store(database)
    async with store.reading() as connection:
        before = [(await connection.execute(text(f"SHOW {name}"))).scalar_one() for name in TIME_OUTS]
        await store.database.unhurried(connection)
        after = [(await connection.execute(text(f"SHOW {name}"))).scalar_one() for name in TIME_OUTS]
    await store.close()
    assert "0" not in before
    assert set(after) == {"0"}


TIME_OUTS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


def _snippet(name: str, folder: Path) -> Path:
    """A program from the documentation."""
    (content,) = re.findall(rf"```python\n(# {name}\n.*?)```", DOCS.read_text(), re.DOTALL)
    file = folder / name
    file.write_text(content)
    return file


async def _outside(program: Path, *arguments: str | Path) -> Ended:
    """Python alone: nothing that is installed, and nothing of ours, can be imported."""
    return await _run(sys.executable, "-I", "-S", program, *arguments)


@on_one_of_each
async def test_digests_and_root_are_checked_from_outside_as_the_documentation_says(
    nodes: Nodes, tmp_path: Path
) -> None:
    caller = nodes.callers[0]
    deploy = (await caller.start(ref='é "👩\u200d🚀" \\', note="<&> ünï \u200b."))["id"]
    await caller.report(deploy, "building", message="a / b \u00ad", runId="7", runUrl="https://example.org/é?a=b#c")
    for _ in range(3):
        await caller.report(deploy, "queued")
    url = f"{caller.url}/graphql"
    check = _snippet("check.py", tmp_path)
    found = await _outside(check, url, TOOL, deploy)
    head = (await caller.entries(deploy))[-1]["digest"]
    assert (found.code, found.out, found.error) == (0, f"{head}\n", "")
    file = tmp_path / "checkpoint.json"
    made = await _audit(nodes.database, "checkpoint", "--output", file)
    computed = await _outside(_snippet("root.py", tmp_path), file)
    assert (computed.code, computed.out) == (0, made.out)
    leaves: list[dict[str, Any]] = json.loads(file.read_text())["leaves"]
    assert {"deployId": deploy, "sequence": 5, "digest": head} in leaves
    check.write_text(check.read_text().replace('"previous": previous', '"previous": None'))  # it is able to fail
    assert (await _outside(check, url, TOOL, deploy)).error == "entry 2 does not hold\n"
    vanished = await _outside(check, url, TOOL, "vanished")
    assert (vanished.code, vanished.error) == (1, "there are no entries of this deploy\n")


@on_sqlite
async def test_a_tool_may_ask_whether_a_log_holds(nodes: Nodes) -> None:
    caller: Caller = nodes.callers[0]
    deploy = (await caller.start())["id"]
    body = {"query": VERIFICATION, "variables": {"id": deploy}}
    answer = await caller.http.post("/graphql", json=body, headers=bearer(TOOL))
    assert answer.json()["data"]["auditVerification"]["valid"]
