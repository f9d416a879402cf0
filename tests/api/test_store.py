"""Writers of one process, one after another; and which errors say that the database does not answer."""

import asyncio
import gc
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import structlog.testing
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError, DBAPIError, IntegrityError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import history
from phaseline.databases import sqlite
from phaseline.databases.kind import Work
from phaseline.databases.together import Outcome
from phaseline.store import Store, is_unavailable, to_the_end
from phaseline_schema.refusals import DeployNotFound
from tests.support.application import in_this_process
from tests.support.database import address, migrate
from tests.support.waiting import SOON, until

WRITERS = 50


@dataclass
class Turns:
    """How many works that write have come for a turn so far, and how many have had it."""

    asked: int = 0
    had: int = 0


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> Turns:
    """They are counted from now on."""
    counted = Turns()
    write, commit = sqlite.SQLite.write, sqlite.SQLite._commit

    def asking(self: sqlite.SQLite, work: Work[Any], deploy_id: str | None) -> Any:
        counted.asked += 1
        return write(self, work, deploy_id)

    def having(self: sqlite.SQLite, works: Sequence[Work[Any]]) -> list[Outcome]:
        counted.had += len(works)
        return commit(self, works)

    monkeypatch.setattr(sqlite.SQLite, "write", asking)
    monkeypatch.setattr(sqlite.SQLite, "_commit", having)
    return counted


async def test_writers_are_served_in_the_order_in_which_they_came(database: Path, turns: Turns) -> None:
    """Many that wait for SQLite's own lock get it in no order, and some never."""
    ours = Store(f"sqlite:///{database}")
    served: list[int] = []

    def writer(number: int) -> asyncio.Task[None]:
        async def write(connection: AsyncConnection) -> None:
            served.append(number)
            await connection.execute(text("SELECT 1"))

        return asyncio.create_task(ours.write(write))

    async with ours.writing():
        writers = [writer(number) for number in range(WRITERS)]
        await until(lambda: turns.asked == WRITERS)
    await asyncio.gather(*writers)
    await ours.close()
    assert served == list(range(WRITERS))


async def test_writers_that_wait_keep_no_reader_from_reading(database: Path, turns: Turns) -> None:
    """Who waits for his turn holds no connection, of which there are few."""
    ours = Store(f"sqlite:///{database}")

    async def nothing(connection: AsyncConnection) -> object:
        return (await connection.execute(text("SELECT 1"))).scalar()

    async with ours.writing():
        writers = [asyncio.create_task(ours.write(nothing)) for _ in range(WRITERS)]
        await until(lambda: turns.asked == WRITERS)
        async with asyncio.timeout(2):
            assert await ours.read(nothing) == 1
        assert not any(writer.done() for writer in writers)
    assert await asyncio.gather(*writers) == [1] * WRITERS
    await ours.close()


async def test_a_writer_whose_turn_does_not_come_is_told_to_try_again(
    database: Path, monkeypatch: pytest.MonkeyPatch, turns: Turns
) -> None:
    async with in_this_process(database) as caller, _silence():
        deploy = await caller.start()
        await caller.walk(deploy["id"], "smoke_running")  # the token's use is written down, which takes a turn as well
        with closing(sqlite3.connect(database, isolation_level=None)) as elsewhere:
            elsewhere.execute("BEGIN IMMEDIATE")
            before = turns.had
            first = asyncio.create_task(caller.report(deploy["id"], "smoke_passed"))
            await until(lambda: turns.had > before)
            monkeypatch.setattr(sqlite, "_TURN_SECONDS", 0.1)
            second = await caller.report(deploy["id"], "freeze_checking")
            assert (second.status, second.error) == (503, {"code": "UNAVAILABLE", "retryAfterSeconds": 2})
        assert (await first).status == 200
        assert [entry["toStatus"] for entry in await caller.entries(deploy["id"])] == [
            *("queued", "smoke_running", "smoke_passed")
        ]


@asynccontextmanager
async def _silence() -> AsyncIterator[None]:
    """Nothing is made of what is logged: where nobody has configured it, that takes a second for each error."""
    with structlog.testing.capture_logs():
        yield


CAUSE = sqlite3.Error("the cause")
UNAVAILABLE: list[Exception] = [
    TimeoutError(),
    OperationalError("SELECT", {}, CAUSE),
    InterfaceError("SELECT", {}, CAUSE),
    DatabaseError("SELECT", {}, CAUSE),
    sqlite3.OperationalError("the cause"),
    DBAPIError("SELECT", {}, CAUSE, connection_invalidated=True),
    ProgrammingError("SELECT", {}, CAUSE, connection_invalidated=True),
]


async def test_however_many_operations_read_a_file_others_find_a_connection(database: Path) -> None:
    """The setting may say more than a file is given."""
    await migrate(database)
    store = Store(address(database), 100)
    go_on = Event()

    async def read(_: AsyncConnection) -> None:
        assert go_on.wait(SOON)

    async def look(_: AsyncConnection) -> str:
        return "found"

    operations = [asyncio.create_task(store.read_in_turn(read)) for _ in range(100)]
    try:
        await until(lambda: store.database.pool.checkedout() == 10)
        assert await store.read(look) == "found"
        assert store.database.pool.checkedout() == 10
    finally:
        go_on.set()
    await asyncio.gather(*operations)
    await store.close()


OUR_FAULT: list[Exception] = [
    KeyError("nonsense"),
    OSError("no space"),
    DBAPIError("SELECT", {}, CAUSE),
    IntegrityError("INSERT", {}, CAUSE),
    ProgrammingError("SELECT", {}, CAUSE),
]


async def test_what_may_work_later_is_503_and_what_is_our_fault_is_not(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with in_this_process(database) as caller, _silence():
        for error in (*UNAVAILABLE, *OUR_FAULT):

            async def raises(*_: object, error: Exception = error, **__: object) -> None:
                raise error

            for name in ("locked", "deploys_by_id"):
                monkeypatch.setattr(history, name, raises)
            answers = (
                await caller.send('{ deploy(id: "x") { id } }'),
                await caller.report("x", "building"),
            )
            expected = (503, "UNAVAILABLE") if error in UNAVAILABLE else (500, "INTERNAL_SERVER_ERROR")
            assert [(answer.status, answer.code) for answer in answers] == [expected] * 2, error
            assert is_unavailable(error) == (error in UNAVAILABLE)


@pytest.mark.parametrize(
    ("error", "logged"), [(DeployNotFound(), 0), (TimeoutError(), 0), (ConnectionRefusedError(), 0), (ValueError(), 1)]
)
async def test_of_what_fails_when_its_caller_is_gone_only_a_fault_of_the_servers_is_logged(
    error: Exception, logged: int
) -> None:
    """The loop itself complains of errors that nobody has asked for."""
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told.get("exception")))
    began, go_on = asyncio.Event(), asyncio.Event()

    async def fail() -> None:
        began.set()
        await go_on.wait()
        raise error

    try:
        caller = asyncio.create_task(to_the_end(fail()))
        await began.wait()
        caller.cancel()
        with structlog.testing.capture_logs() as lines:
            await asyncio.wait({caller})
            go_on.set()
            await asyncio.sleep(0)  # it fails
            await asyncio.sleep(0)  # and that is heard of
        del caller
        gc.collect()
    finally:
        asyncio.get_running_loop().set_exception_handler(None)
    assert len(lines) == logged
    assert error not in complaints
