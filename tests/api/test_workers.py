"""Several processes on one address: each is a node, and one that dies is replaced."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.support.caller import Caller
from tests.support.database import change, settings_on
from tests.support.server import Server, serving, start
from tests.support.viewer import PHASE_CHANGED, Viewer, viewing
from tests.support.waiting import SOON, until
from tests.support.witness import faults

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="workers inherit a socket as Windows has it not")


def _lines(server: Server, event: str) -> list[dict[str, Any]]:
    return [line for line in server.log if line["event"] == event]


def _workers(server: Server) -> list[int]:
    """The workers that serve, oldest first."""
    ended = {line["worker"] for line in _lines(server, "worker ended")}
    return [line["worker"] for line in _lines(server, "worker serves") if line["worker"] not in ended]


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def _only(worker: int, server: Server) -> Iterator[None]:
    """New connections come to this worker while the block runs: the others are held."""
    others = [pid for pid in _workers(server) if pid != worker]
    for pid in others:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in others:
            os.kill(pid, signal.SIGCONT)


@asynccontextmanager
async def _viewing(server: Server, worker: int, deploy_id: str) -> AsyncIterator[Viewer]:
    """A viewer of this worker, which has seen how the deploy stands."""
    async with AsyncExitStack() as stack:
        with _only(worker, server):
            viewer = await stack.enter_async_context(viewing(server.url))
        await viewer.subscribe(PHASE_CHANGED, id=deploy_id)
        await viewer.event()
        yield viewer


async def _walk(server: Server, worker: int, deploy_id: str, status: str) -> None:
    """Send a callback to this worker."""
    with _only(worker, server):
        async with Caller(server.url) as caller:
            await caller.walk(deploy_id, status)


@asynccontextmanager
async def _two(log: Path | str) -> AsyncIterator[Server]:
    async with serving(log, workers="2", **settings_on(log)) as server:
        yield server
    assert server.process.returncode == 0
    assert not faults(server)


async def test_it_is_told_once_that_all_serve_and_the_database_is_prepared_once(database: Path) -> None:
    async with _two(database) as server:
        assert len(set(_workers(server))) == 2
        assert server.process.pid not in _workers(server)
        assert [line["workers"] for line in _lines(server, "serving")] == [2]
        async with Caller(server.url) as caller:
            assert (await caller.http.get("/readyz")).status_code == 200


async def test_a_callback_to_one_is_seen_by_the_viewers_of_both(log: Path | str) -> None:
    async with _two(log) as server:
        one, other = _workers(server)
        async with Caller(server.url) as caller:
            deploy = (await caller.start())["id"]
        async with _viewing(server, one, deploy) as here, _viewing(server, other, deploy) as there:
            for worker, status in ((one, "building"), (other, "deploying"), (one, "succeeded")):
                await _walk(server, worker, deploy, status)
                for viewer in (here, there):
                    assert (await viewer.event())["entry"]["toStatus"] == status
        assert [line["worker"] for line in _lines(server, "callback")] == [one, other, one]


async def test_one_that_is_killed_is_replaced_and_service_goes_on(log: Path | str) -> None:
    async with _two(log) as server:
        one, other = _workers(server)
        async with Caller(server.url) as caller:
            deploy = (await caller.start())["id"]
        async with _viewing(server, one, deploy) as here, _viewing(server, other, deploy) as there:
            os.kill(one, signal.SIGKILL)
            with pytest.raises(ConnectionClosed):
                await here.receive()
            async with Caller(server.url) as caller:  # whoever is there
                await caller.walk(deploy, "building")
            assert (await there.event())["entry"]["toStatus"] == "building"
            await until(lambda: one not in _workers(server) and len(_workers(server)) == 2)
            assert [(line["worker"], line["code"]) for line in _lines(server, "worker ended")] == [(one, -9)]
            _, new = _workers(server)
            await _walk(server, new, deploy, "deploying")
            assert (await there.event())["entry"]["toStatus"] == "deploying"
        assert _lines(server, "callback")[-1]["worker"] == new


@pytest.mark.parametrize(
    ("ending", "to"),
    [(signal.SIGTERM, "parent"), (signal.SIGINT, "parent"), (signal.SIGTERM, "all")],
    ids=["SIGTERM", "SIGINT", "SIGTERM to all"],
)
async def test_all_end_in_good_order(database: Path, ending: int, to: str) -> None:
    server = await start(database, workers="2")
    workers = _workers(server)
    async with viewing(server.url) as viewer:
        os.kill(server.process.pid, ending)
        for pid in (workers if to == "all" else []) * 200:  # some come while another is being dealt with
            os.kill(pid, ending)
        with pytest.raises(ConnectionClosed):
            await viewer.receive()
        assert viewer.socket.close_code == 1012
    assert await asyncio.wait_for(server.process.wait(), SOON) == 0
    await server.stop()
    assert not [pid for pid in workers if _is_there(pid)]
    assert sorted(line.get("worker", 0) for line in _lines(server, "stopped")) == [0, *sorted(workers)]
    assert not faults(server)
    assert not [line for line in server.log if "Traceback" in str(line)]


async def test_one_that_does_not_end_is_killed_after_the_time_it_has(database: Path) -> None:
    server = await start(database, workers="2", grace_seconds="1")
    frozen, other = _workers(server)
    os.kill(frozen, signal.SIGSTOP)
    server.process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(server.process.wait(), SOON) == 0
    await server.stop()
    assert not _is_there(frozen)
    assert not _is_there(other)


async def test_a_second_signal_ends_all_at_once(database: Path) -> None:
    server = await start(database, workers="2", grace_seconds="300")
    workers = _workers(server)
    os.kill(workers[0], signal.SIGSTOP)
    server.process.send_signal(signal.SIGTERM)
    await until(lambda: [line.get("worker") for line in _lines(server, "stopped")] == [workers[1]])
    server.process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(server.process.wait(), SOON) == 0
    await server.stop()
    assert not [pid for pid in workers if _is_there(pid)]


async def test_workers_do_not_outlive_the_process_that_started_them(database: Path) -> None:
    server = await start(database, workers="2")
    workers = _workers(server)
    server.process.kill()
    await server.process.wait()
    await server.stop()  # its log ends only when nobody holds it any more
    assert sorted(line["worker"] for line in _lines(server, "stopped")) == sorted(workers)


async def test_one_that_cannot_start_is_tried_again_until_it_can(database: Path) -> None:
    """As when its database is away, or is migrated meanwhile."""
    async with serving(database, workers="2") as server:
        one, other = _workers(server)
        change(database, "UPDATE alembic_version SET version_num = '0002'")
        os.kill(one, signal.SIGKILL)
        await until(lambda: len(_lines(server, "worker ended")) >= 3)
        assert _workers(server) == [other]
        change(database, "UPDATE alembic_version SET version_num = '0006'")
        await until(lambda: len(_workers(server)) == 2)
    assert server.process.returncode == 0
