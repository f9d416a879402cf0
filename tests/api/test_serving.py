"""`phaseline serve` as a process: what it starts on, what it says of itself, and how it ends."""

import asyncio
import sqlite3
from pathlib import Path

import httpx
import pytest

from phaseline import serving as running
from phaseline.app import create_app
from phaseline.settings import Settings
from tests.support import model
from tests.support.caller import Answer, Caller
from tests.support.database import change, migrate
from tests.support.server import Server, serving, start
from tests.support.viewer import PHASE_CHANGED, viewing


async def _get(server: Server, path: str) -> httpx.Response:
    async with Caller(server.url) as caller:
        return await caller.http.get(path)


def _replace(database: Path, other: str) -> sqlite3.Connection | None:
    """Move the file away and put something else in its place; what is returned holds a lock on it."""
    database.rename(database.with_suffix(".kept"))
    if other == "empty":
        database.touch()
    if other != "locked":
        return None
    holder = sqlite3.connect(database, isolation_level=None)
    holder.execute("CREATE TABLE something (id)")
    holder.execute("BEGIN EXCLUSIVE")
    return holder


async def test_an_empty_database_is_migrated_and_served(database: Path) -> None:
    async with serving(database) as server:
        assert (await _get(server, "/readyz")).json() == {"status": "ok", "revision": "0006"}
        async with Caller(server.url) as caller:
            await caller.walk((await caller.start())["id"], *model.GATES)


async def test_a_database_that_was_taken_down_to_nothing_is_empty_too(database: Path) -> None:
    await migrate(database, "head")
    await migrate(database, "base")
    async with serving(database) as server:
        assert (await _get(server, "/readyz")).status_code == 200


async def test_a_newer_database_is_served_where_its_migrations_allow_for_this_version(database: Path) -> None:
    await migrate(database)
    change(database, "UPDATE alembic_version SET version_num = '9999'")
    async with serving(database) as server, Caller(server.url) as caller:
        assert (await _get(server, "/readyz")).json() == {"status": "ok", "revision": "9999"}
        await caller.walk((await caller.start())["id"], *model.GATES)
        change(database, "UPDATE oldest_server SET revision = '9999'")
        assert (await _get(server, "/readyz")).status_code == 503


async def test_health_is_told_whatever_the_database_does(own_server: Server, database: Path) -> None:
    change(database, "UPDATE alembic_version SET version_num = '0002'")
    behind = await _get(own_server, "/readyz")
    assert behind.status_code == 503
    assert "phaseline migrate" in behind.json()["detail"]
    assert behind.headers["retry-after"] == "2"
    health = await _get(own_server, "/healthz")
    assert (health.status_code, health.json()) == (200, {"status": "ok"})
    change(database, "UPDATE alembic_version SET version_num = '0006'")
    assert (await _get(own_server, "/readyz")).status_code == 200


@pytest.mark.parametrize("other", ["none", "empty", "locked"])
async def test_a_database_that_was_replaced_is_noticed_and_nothing_more_is_acknowledged(
    own_server: Server, own_caller: Caller, database: Path, other: str
) -> None:
    deploy = await own_caller.start()
    holder = _replace(database, other)
    try:
        assert (await _get(own_server, "/readyz")).status_code == 503
        if holder is None:  # it would wait for the lock
            answer = await own_caller.report(deploy["id"], "building")
            assert (answer.status, answer.code) == (503, "UNAVAILABLE")
    finally:
        if holder:
            holder.close()


async def test_a_locked_database_is_unavailable_for_writing_until_it_is_free(
    own_caller: Caller, database: Path
) -> None:
    deploy = await own_caller.start()
    holder = sqlite3.connect(database, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    answer = await own_caller.report(deploy["id"], "building")
    assert (answer.status, answer.error) == (503, {"code": "UNAVAILABLE", "retryAfterSeconds": 2})
    assert (await own_caller.deploy(deploy["id"])) == deploy
    holder.close()
    await own_caller.walk(deploy["id"], "building")
    assert [entry["sequence"] for entry in await own_caller.entries(deploy["id"])] == [1, 2]


def test_viewers_are_asked_now_and_then_whether_they_are_there() -> None:
    """What comes of it takes the better part of a minute: test_websocket.py has a slow test of it."""
    config = running.Server(create_app(Settings()), Settings(), on_ready=lambda: None).config
    assert config.ws_ping_interval is not None
    assert config.ws_ping_timeout is not None
    assert config.ws_ping_interval + config.ws_ping_timeout <= 60


async def test_a_viewer_of_one_process_sees_what_another_one_is_told(database: Path) -> None:
    """No wake-up goes from one process to another: only the look at the log, now and then, finds it."""
    async with (
        serving(database, poll_seconds="0.2") as one,
        serving(database, poll_seconds="0.2") as other,
        Caller(other.url) as caller,
        viewing(one.url) as viewer,
    ):
        deploy = await caller.start()
        await viewer.subscribe(PHASE_CHANGED, id=deploy["id"], after=0)
        assert (await viewer.event())["entry"]["sequence"] == 1
        for sequence, status in enumerate(("building", "deploying", "succeeded"), start=2):
            await caller.walk(deploy["id"], status)
            event = await viewer.event()
            assert (event["entry"]["sequence"], event["entry"]["toStatus"]) == (sequence, status)


async def test_two_processes_agree_on_who_was_first(database: Path) -> None:
    async with (
        serving(database) as one,
        serving(database) as other,
        Caller(one.url) as here,
        Caller(other.url) as there,
    ):
        for _ in range(10):
            deploy = await here.start()
            answers = await asyncio.gather(
                here.report(deploy["id"], "building"), there.report(deploy["id"], "smoke_running")
            )
            accepted = [answer for answer in answers if answer.status == 200]
            sequences = [entry["sequence"] for entry in await there.entries(deploy["id"])]
            assert sequences == [1, 2, 3]
            # After smoke_running, building is legal too; the other way round it is not.
            assert accepted
            assert {answer.code for answer in answers} <= {None, "ILLEGAL_TRANSITION"}


async def test_what_was_acknowledged_before_a_kill_is_there_once_after_it(database: Path) -> None:
    acknowledged: list[tuple[str, Answer]] = []
    enough = asyncio.Event()
    server = await start(database)

    async def work() -> None:
        async with Caller(server.url) as caller:
            while True:
                deploy = await caller.start()
                for status in (*model.GATES, "queued", "building", "deploying", "succeeded"):
                    answer = await caller.report(deploy["id"], status)
                    acknowledged.append((deploy["id"], answer))
                    if len(acknowledged) >= 60:
                        enough.set()

    workers = [asyncio.create_task(work()) for _ in range(6)]
    await enough.wait()
    await server.kill()
    ended = await asyncio.gather(*workers, return_exceptions=True)
    assert all(isinstance(error, httpx.TransportError) for error in ended), ended

    async with serving(database) as again, Caller(again.url) as caller:
        for deploy_id in {deploy_id for deploy_id, _ in acknowledged}:
            log = await caller.entries(deploy_id)
            assert [entry["sequence"] for entry in log] == list(range(1, len(log) + 1))
            assert (await caller.deploy(deploy_id))["sequence"] == len(log)
            answers = [answer for name, answer in acknowledged if name == deploy_id]
            entries = [answer.data["applyCallback"]["entry"] for answer in answers if answer.status == 200]
            assert all(log.count(entry) == 1 for entry in entries)
            # What was on its way when the end came may have been recorded without an answer.
            assert len(answers) + 1 <= len(log) <= len(answers) + 2
