"""PostgreSQL goes away, and comes back: viewers and callers are told so, and no node has to be started again."""

import asyncio
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from websockets.exceptions import ConnectionClosed

from phaseline.store import Store
from tests.conformance.conftest import Nodes
from tests.conformance.stores import on_newest_postgresql, on_postgresql
from tests.support.caller import Caller
from tests.support.postgres import Postgres
from tests.support.raw import Raw, append
from tests.support.server import Server
from tests.support.viewer import PHASE_CHANGED, Viewer, codes, viewing
from tests.support.waiting import until


async def _says(server: Server, event: str) -> None:
    """Return when this is the last that it has logged of its listening."""

    def said() -> list[str]:
        return [line["event"] for line in server.log if "listening for other nodes" in line["event"]]

    await until(lambda: said()[-1:] == [event])


@asynccontextmanager
async def _nobody_connects(postgres: Postgres, database: Path | str) -> AsyncIterator[None]:
    """Connections that there are stay; new ones are refused."""
    name = str(database).rsplit("/", 1)[-1]
    await postgres.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    try:
        yield
    finally:
        await postgres.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


@on_postgresql
async def test_what_is_written_while_no_node_listens_arrives_when_they_listen_again(
    nodes: Nodes, raw: Raw, postgres: Postgres
) -> None:
    """What another node has written and could not tell, and what somebody has written who never tells."""
    one, other = nodes.callers
    deploy = await one.start()
    await asyncio.gather(one.deploy(deploy["id"]), other.deploy(deploy["id"]))
    async with viewing(nodes.one.url) as here, viewing(nodes.other.url) as there:
        for viewer in (here, there):
            await viewer.subscribe(PHASE_CHANGED, id=deploy["id"])
            await viewer.event()
        for server in nodes.servers:
            await _says(server, "listening for other nodes")
        async with _nobody_connects(postgres, nodes.database):
            assert await postgres.terminate("phaseline feed%") >= 2
            for server in nodes.servers:
                await _says(server, "not listening for other nodes")
            await one.walk(deploy["id"], "smoke_running")
            assert (await here.event())["entry"]["sequence"] == 2, "a node needs nobody to tell it of its own"
            await append(raw, deploy["id"], "building")
        for viewer, missed in ((here, [3]), (there, [2, 3])):
            assert [(await viewer.event())["entry"]["sequence"] for _ in missed] == missed
        await other.walk(deploy["id"], "deploying")
        for viewer in (here, there):
            assert (await viewer.event())["entry"]["sequence"] == 4


async def _is_told(viewer: Viewer) -> None:
    message = await viewer.receive()
    assert codes(message) == ["UNAVAILABLE"]


async def _readiness(caller: Caller) -> tuple[int, int]:
    """Whether it lives, and whether it takes work, as HTTP says it."""
    healthz, readyz = await asyncio.gather(caller.http.get("/healthz"), caller.http.get("/readyz"))
    return healthz.status_code, readyz.status_code


@on_postgresql
async def test_while_the_database_is_away_everybody_is_told_and_afterwards_all_goes_on(
    nodes: Nodes, postgres: Postgres
) -> None:
    one, other = nodes.callers
    deploy = await one.start()
    async with viewing(nodes.one.url) as here, viewing(nodes.other.url) as there:
        for viewer in (here, there):
            await viewer.subscribe(PHASE_CHANGED, id=deploy["id"])
            await viewer.event()
        await postgres.stop("immediate")
        for viewer in (here, there):
            await _is_told(viewer)
        for caller in nodes.callers:
            answer = await caller.report(deploy["id"], "building")
            assert (answer.status, answer.code) == (503, "UNAVAILABLE")
            assert await _readiness(caller) == (200, 503)
        # Whether its token is one cannot be said now.
        with pytest.raises(ConnectionClosed, match=r"1013 .*UNAVAILABLE"):
            async with viewing(nodes.other.url):
                pass
        await postgres.start()
        for viewer in (here, there):
            await viewer.subscribe(PHASE_CHANGED, "again", id=deploy["id"], after=1)
        for sequence, (caller, status) in enumerate(((other, "building"), (one, "deploying")), start=2):
            await caller.walk(deploy["id"], status)
            for viewer in (here, there):
                while (message := await viewer.receive())["type"] == "complete":
                    pass
                assert message["id"] == "again"
                assert message["payload"]["data"]["phaseChanged"]["entry"]["sequence"] == sequence, message
        for caller in nodes.callers:
            assert await _readiness(caller) == (200, 200)


@on_newest_postgresql
async def test_a_database_that_stands_still_keeps_nobody_waiting_for_ever(nodes: Nodes, postgres: Postgres) -> None:
    """It refuses nothing and answers nothing, as behind a network that has gone."""
    one, other = nodes.callers
    deploy = await one.start()
    await postgres.pause()
    before = time.monotonic()
    reporting = asyncio.gather(*(caller.report(deploy["id"], "building") for caller in nodes.callers))
    assert await _readiness(one) == (200, 503)
    answers = await reporting
    assert time.monotonic() - before < 15, "a workflow has given up by then"
    assert [(answer.status, answer.code) for answer in answers] == [(503, "UNAVAILABLE")] * 2
    postgres.resume()
    await one.walk(deploy["id"], "building")
    assert len(await other.entries(deploy["id"])) == 2
    async with viewing(nodes.other.url) as viewer:
        await viewer.subscribe(PHASE_CHANGED, id=deploy["id"], after=1)
        for sequence, status in ((2, "deploying"), (3, "succeeded")):
            assert (await viewer.event())["entry"]["sequence"] == sequence
            await one.walk(deploy["id"], status)
    for caller in nodes.callers:
        assert await _readiness(caller) == (200, 200)


@on_newest_postgresql
async def test_a_database_that_lets_nobody_in_is_away(nodes: Nodes, postgres: Postgres) -> None:
    """It answers, but not what it is asked: not every no of a server is about a statement."""
    one, _ = nodes.callers
    deploy = await one.start()
    async with viewing(nodes.other.url) as viewer:
        await viewer.subscribe(PHASE_CHANGED, id=deploy["id"])
        await viewer.event()
        async with _nobody_connects(postgres, nodes.database):
            await postgres.terminate("phaseline%")
            await _is_told(viewer)
            for caller in nodes.callers:
                answer = await caller.report(deploy["id"], "building")
                assert (answer.status, answer.code) == (503, "UNAVAILABLE")
                assert await _readiness(caller) == (200, 503)
    await one.walk(deploy["id"], "building")


@on_newest_postgresql
async def test_a_connection_is_given_back_in_time_to_a_database_that_stands_still(
    database: str, postgres: Postgres
) -> None:
    """What a transaction has asked was answered; only its end is not."""
    store = Store(database, pool_size=1)
    store.database.seconds = 1  # type: ignore[misc]

    async def answered(connection: AsyncConnection) -> None:
        await connection.execute(text("SELECT 1"))

    async def then_stands_still(connection: AsyncConnection) -> None:
        await answered(connection)
        # Work in a transaction may wait for its connection alone, and this is awaited elsewhere.
        with ThreadPoolExecutor(1) as elsewhere:
            elsewhere.submit(lambda: asyncio.run(postgres.pause())).result()

    for transaction in (store.read, store.write):
        async with asyncio.timeout(10):
            with pytest.raises(TimeoutError):
                await transaction(then_stands_still)
            postgres.resume()
            await transaction(answered)
    await store.close()
