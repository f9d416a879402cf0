"""What goes on in a caller's name ends with the caller's proof, on every node, and nothing else ends with it."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.support import tokens
from tests.support.caller import Caller
from tests.support.logins import bearer
from tests.support.postgres import MISSING, VERSIONS, Clusters
from tests.support.server import Server, serving
from tests.support.viewer import PHASE_CHANGED, PROTOCOL, Viewer, codes, viewing
from tests.support.waiting import SOON


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def database(
    request: pytest.FixtureRequest, clusters: Clusters, tmp_path_factory: pytest.TempPathFactory
) -> Path | str:
    if request.param == "sqlite":
        return tmp_path_factory.mktemp("leases") / "phaseline.db"
    if not VERSIONS:
        pytest.skip(MISSING)
    return await (await clusters(VERSIONS[-1])).database()


@pytest.fixture(scope="module")
async def server(database: Path | str) -> AsyncIterator[Server]:
    """Two nodes on one address, so that who revokes is hardly ever known to who serves."""
    async with serving(database, workers="2", poll_seconds="0.1") as running:
        yield running


@pytest.fixture
async def deploy_id(server: Server) -> AsyncIterator[str]:
    async with Caller(server.url) as caller:
        yield (await caller.start())["id"]


@dataclass
class Follower:
    """Somebody who follows a deploy. `ended` returns the code that it is told, when it is told one."""

    ended: Callable[[], Awaitable[str | None]]


@asynccontextmanager
async def over_websocket(url: str, deploy_id: str, headers: dict[str, str]) -> AsyncIterator[Follower]:
    """By a first message with a token, or the cookie of the request."""
    cookie = {name: value for name, value in headers.items() if name == "cookie"}
    address = url.replace("http", "ws", 1) + "/graphql"
    async with connect(address, subprotocols=[PROTOCOL], proxy=None, additional_headers=cookie) as socket:
        viewer = Viewer(socket)
        await viewer.send(type="connection_init", payload={} if cookie else headers)
        assert (await viewer.receive())["type"] == "connection_ack"
        await viewer.subscribe(PHASE_CHANGED, id=deploy_id)
        await viewer.event()

        async def ended() -> str | None:
            async with asyncio.timeout(SOON):
                message = await viewer.receive()
            assert (message["type"], message["id"]) in {("error", "1"), ("next", "1")}
            (code,) = codes(message)
            with suppress(ConnectionClosed):
                async for rest in socket:
                    assert json.loads(rest)["type"] == "complete"
            assert (socket.close_code, socket.close_reason) == (4403, code)
            return code

        yield Follower(ended)


@asynccontextmanager
async def over_sse(url: str, deploy_id: str, headers: dict[str, str]) -> AsyncIterator[Follower]:
    """By a stream of its own."""
    content = {"query": PHASE_CHANGED, "variables": {"id": deploy_id}}
    accept = {"accept": "text/event-stream"}
    async with (
        httpx.AsyncClient(trust_env=False, timeout=60) as http,
        http.stream("POST", f"{url}/graphql", json=content, headers=headers | accept) as response,
    ):
        lines = response.aiter_lines()

        async def told() -> Any:
            async for line in lines:
                if data := line.removeprefix("data:").strip() if line.startswith("data:") else "":
                    return json.loads(data)
            return None

        assert "errors" not in await told()

        async def ended() -> str | None:
            async with asyncio.timeout(SOON):
                said = await told()
            (code,) = codes({"payload": said})
            assert await told() is None, "the stream has an end"
            return code

        yield Follower(ended)


OVER = pytest.mark.parametrize("following", [over_websocket, over_sse])


@OVER
async def test_a_subscription_ends_when_its_token_is_revoked(
    server: Server, database: Path | str, deploy_id: str, following: Any
) -> None:
    name = f"revoked-{following.__name__}"
    token = await tokens.make(database, name)
    async with (
        viewing(server.url) as other,
        following(server.url, deploy_id, bearer(token)) as first,
        following(server.url, deploy_id, bearer(token)) as second,
    ):
        await other.subscribe(PHASE_CHANGED, id=deploy_id)
        await other.event()
        await tokens.revoke(database, name)
        assert [await first.ended(), await second.ended()] == ["UNAUTHENTICATED"] * 2
        # Whoever else follows goes on to be told.
        async with Caller(server.url) as caller:
            await caller.walk(deploy_id, "smoke_running")
        assert (await other.event())["entry"]["toStatus"] == "smoke_running"


@OVER
@pytest.mark.parametrize("how", ["signs out", "token revoked"])
async def test_a_subscription_of_a_browser_ends_when_it_signs_out_or_its_token_is_revoked(
    server: Server, database: Path | str, deploy_id: str, following: Any, how: str
) -> None:
    name = f"{how.replace(' ', '-')}-{following.__name__}"
    token = await tokens.make(database, name)
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as browser:
        assert (await browser.post("/sign-in", json={"token": token})).status_code == 204
        cookie = {"cookie": f"phaseline={browser.cookies['phaseline']}"}
        async with following(server.url, deploy_id, cookie) as follower:
            if how == "signs out":
                assert (await browser.post("/sign-out")).status_code == 204
            else:
                await tokens.revoke(database, name)
            assert await follower.ended() == "UNAUTHENTICATED"


async def test_subscriptions_end_when_their_token_expires_and_not_before(
    server: Server, database: Path | str, deploy_id: str
) -> None:
    lifetime = timedelta(seconds=8)  # in which a busy machine lets both begin
    begun = datetime.now(UTC)
    token = await tokens.make(database, "expiring", lifetime=lifetime)
    async with (
        over_websocket(server.url, deploy_id, bearer(token)) as first,
        over_sse(server.url, deploy_id, bearer(token)) as second,
    ):
        assert [await first.ended(), await second.ended()] == ["UNAUTHENTICATED"] * 2
    assert datetime.now(UTC) - begun >= lifetime - timedelta(milliseconds=50)


async def test_a_subscription_ends_when_its_token_is_in_the_database_no_more(
    server: Server, database: Path | str, deploy_id: str
) -> None:
    token = await tokens.make(database, "vanished")
    async with over_websocket(server.url, deploy_id, bearer(token)) as follower:
        await _delete(database, "vanished")
        assert await follower.ended() == "UNAUTHENTICATED"


async def test_a_token_that_ends_in_thousands_of_years_does_not_end_now(
    server: Server, database: Path | str, deploy_id: str
) -> None:
    token = await tokens.make(database, "lasting", lifetime=timedelta(days=365 * 7000))
    async with viewing(server.url, token=token) as viewer, Caller(server.url) as caller:
        await viewer.subscribe(PHASE_CHANGED, id=deploy_id)
        await viewer.event()
        await asyncio.gather(*(caller.deploy(deploy_id) for _ in range(10)))
        await caller.walk(deploy_id, "smoke_running")
        assert (await viewer.event())["entry"]["toStatus"] == "smoke_running"


async def test_a_socket_that_asks_for_nothing_is_closed_as_well(server: Server, database: Path | str) -> None:
    token = await tokens.make(database, "idle")
    async with viewing(server.url, token=token) as viewer:
        await tokens.revoke(database, "idle")
        async with asyncio.timeout(SOON):
            with pytest.raises(ConnectionClosed):
                await viewer.receive()
        assert (viewer.socket.close_code, viewer.socket.close_reason) == (4403, "UNAUTHENTICATED")


async def _delete(database: Path | str, name: str) -> None:
    statement = f"DELETE FROM tokens WHERE name = '{name}'"
    if isinstance(database, str):
        connection = await asyncpg.connect(database.replace("+asyncpg", "", 1))  # noqa: ASYNC240 - an address, no path
        try:
            await connection.execute(statement)
        finally:
            await connection.close()
    else:
        with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
            connection.execute(statement)
