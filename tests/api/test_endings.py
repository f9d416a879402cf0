"""How a node ends: it finishes what it has begun, begins nothing new, and tells viewers to go elsewhere."""

import asyncio
import json
import signal
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.support import node
from tests.support.caller import Caller
from tests.support.logins import OPERATOR, VIEWER, WORKFLOW
from tests.support.postgres import VERSIONS, Clusters
from tests.support.server import Server, serving, start
from tests.support.viewer import AUDIT_ENTRY_ADDED, PHASE_CHANGED, viewing
from tests.support.waiting import SOON, until
from tests.support.witness import faults

REPORT = 'mutation ($id: ID!) { applyCallback(input: {deployId: $id, status: "building"}) { duplicate } }'
START = 'mutation { startDeploy(input: {environment: "x", ref: "x"}) { ref } }'


@contextmanager
def _held(database: Path) -> Iterator[sqlite3.Connection]:
    """Nobody else can write to the database while the block runs, or until the connection is closed."""
    with closing(sqlite3.connect(database, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        yield holder


@asynccontextmanager
async def _silent(log: Path | str, clusters: Clusters) -> AsyncIterator[None]:
    """The database gives a writer no answer while the block runs: SQLite because of another, PostgreSQL to nobody."""
    if isinstance(log, Path):
        with _held(log):
            yield
        return
    postgres = await clusters(VERSIONS[-1])
    await postgres.pause()
    try:
        yield
    finally:
        postgres.resume()


@asynccontextmanager
async def _begun(server: Server, query: str, **variables: str) -> AsyncIterator[asyncio.StreamReader]:
    """A request that the server is busy with when the block begins, and where its answer will come."""
    url = urlsplit(server.url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    body = json.dumps({"query": query, "variables": variables})
    writer.write(
        "POST /graphql HTTP/1.1\r\nhost: phaseline\r\nconnection: close\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer {WORKFLOW}\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode()
    )
    try:
        await writer.drain()
        async with Caller(server.url) as caller:  # connections are served in turn
            assert (await caller.http.get("/healthz")).status_code == 200
        yield reader
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, Any]:
    """The status and the body; raises IncompleteReadError where the server hangs up."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    return int(head.split()[1]), json.loads(await reader.read())


async def _stopping(caller: Caller) -> httpx.Response:
    """What the server says of itself as soon as it stops."""

    async def stops() -> bool:
        return (await caller.http.get("/readyz")).status_code != 200

    await until(stops)
    return await caller.http.get("/readyz")


@asynccontextmanager
async def _server(database: Path | str, **settings: str) -> AsyncIterator[Server]:
    """A server that the block signals to end. It does, in good order, and logs nothing that it should not."""
    server = await start(database, **settings)
    try:
        yield server
        await asyncio.wait_for(server.process.wait(), SOON)
    finally:
        if server.process.returncode is None:
            server.process.kill()
        code = await server.stop()
    assert code == 0
    assert not faults(server)
    assert not [line for line in server.log if "Traceback" in str(line)]


@pytest.fixture(params=[signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def ending(request: pytest.FixtureRequest) -> int:
    """How it is asked to end."""
    number: int = request.param
    return number


async def test_what_is_being_written_is_answered_and_nothing_new_is_begun(database: Path, ending: int) -> None:
    async with _server(database, grace_seconds="60") as server, Caller(server.url) as caller:
        deploy = await caller.start()
        with _held(database) as holder:
            async with _begun(server, REPORT, id=deploy["id"]) as report:
                server.process.send_signal(ending)
                ready = await _stopping(caller)
                assert (ready.status_code, ready.json(), ready.headers["retry-after"]) == (
                    503,
                    {"status": "stopping"},
                    "2",
                )
                assert (await caller.http.get("/healthz")).status_code == 200
                refused = await caller.http.post("/graphql", json={"query": "{ __typename }"})
                assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
                (error,) = refused.json()["errors"]
                assert error["extensions"] == {"code": "SERVER_STOPPING", "retryAfterSeconds": 2}
                with pytest.raises(InvalidStatus) as denied:
                    async with viewing(server.url):
                        pass
                assert denied.value.response.status_code == 503
                assert denied.value.response.headers["retry-after"] == "2"
                holder.close()
                assert await _answer(report) == (200, {"data": {"applyCallback": {"duplicate": False}}})
    async with serving(database) as again, Caller(again.url) as caller:
        assert [entry["toStatus"] for entry in await caller.entries(deploy["id"])] == ["queued", "building"]


async def test_viewers_are_told_to_come_back_with_after(database: Path, ending: int) -> None:
    async with _server(database) as server, Caller(server.url) as caller:
        deploy = await caller.start()
        async with viewing(server.url) as one, viewing(server.url) as other, viewing(server.url) as idle:
            for viewer in (one, other):
                await viewer.subscribe(PHASE_CHANGED, id=deploy["id"])
                await viewer.event()
            server.process.send_signal(ending)
            for viewer in (one, other, idle):
                with pytest.raises(ConnectionClosed):
                    await viewer.receive()
                assert viewer.socket.close_code == 1012
                assert "`after`" in (viewer.socket.close_reason or "")


async def test_a_socket_is_closed_when_what_was_asked_over_it_is_answered(database: Path) -> None:
    async with _server(database, grace_seconds="60") as server, Caller(server.url) as caller:
        deploy = await caller.start()
        async with viewing(server.url, OPERATOR) as viewer:
            with _held(database):
                await viewer.subscribe(AUDIT_ENTRY_ADDED, "follow", id=deploy["id"])
                assert (await viewer.receive())["id"] == "follow"
                await viewer.subscribe(START, "start")
                await viewer.send(type="ping")
                assert await viewer.receive() == {"type": "pong"}  # so the start has been read
                server.process.send_signal(signal.SIGTERM)
                await _stopping(caller)
                await viewer.subscribe(PHASE_CHANGED, "late", id=deploy["id"])
                late = await viewer.receive()
                assert (late["type"], late["id"]) == ("error", "late")
                assert late["payload"][0]["extensions"] == {"code": "SERVER_STOPPING", "retryAfterSeconds": 2}
            started = []
            with suppress(ConnectionClosed):
                async for text in viewer.socket:
                    started += [message for message in [json.loads(text)] if message["id"] == "start"]
            assert [message["type"] for message in started] == ["next", "complete"]
            assert started[0]["payload"] == {"data": {"startDeploy": {"ref": "x"}}}
            assert viewer.socket.close_code == 1012


async def test_a_stream_ends_in_good_order_and_without_complete(database: Path) -> None:
    content = {"query": PHASE_CHANGED}
    headers = {"accept": "text/event-stream"}
    async with _server(database) as server, Caller(server.url) as caller:
        deploy = await caller.start()
        content["variables"] = {"id": deploy["id"]}  # type: ignore[assignment]
        async with caller.http.stream("POST", "/graphql", json=content, headers=headers) as response:
            texts = response.aiter_text()
            assert (await anext(texts)).startswith("event: next")
            server.process.send_signal(signal.SIGTERM)
            # Cut off in the middle, it would raise here.
            assert "".join([text async for text in texts]) == ""


@pytest.mark.parametrize("protocol", ["ws", "sse"])
async def test_the_reference_client_of_each_protocol_comes_back_by_itself(database: Path, protocol: str) -> None:
    async with _server(database) as server, Caller(server.url) as caller:
        deploy = await caller.start()
        client = await node.start("follow.mjs", protocol, f"{server.url}/graphql", VIEWER, deploy["id"], "0", "3", "10")
        assert client.stdout is not None
        received = [json.loads(await client.stdout.readline())]
        server.process.send_signal(signal.SIGTERM)
        port = str(urlsplit(server.url).port)
    async with serving(database, port=port) as again, Caller(again.url) as caller:
        received.append(json.loads(await client.stdout.readline()))
        await caller.walk(deploy["id"], "building")
        received.append(json.loads(await client.stdout.readline()))
        # It repeats the operation as it was: a reader that counts in `after` would miss nothing, and see nothing twice.
        assert [event["data"]["phaseChanged"]["entry"]["sequence"] for event in received] == [1, 1, 2]
        assert await asyncio.wait_for(client.wait(), SOON) == 0


async def test_a_connection_that_is_idle_is_closed(database: Path) -> None:
    async with _server(database) as server:
        url = urlsplit(server.url)
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: phaseline\r\n\r\n")
        assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200")
        server.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(reader.read(), SOON) == b""
        writer.close()


async def test_a_database_that_does_not_answer_holds_nothing_up(log: Path | str, clusters: Clusters) -> None:
    async with _server(log, grace_seconds="1") as server, Caller(server.url) as caller:
        deploy = await caller.start()
        async with viewing(server.url) as viewer:
            await viewer.subscribe(PHASE_CHANGED, id=deploy["id"])
            await viewer.event()
            async with _silent(log, clusters), _begun(server, REPORT, id=deploy["id"]) as report:
                server.process.send_signal(signal.SIGTERM)
                with pytest.raises(ConnectionClosed):
                    await viewer.receive()
                assert viewer.socket.close_code == 1012
                await asyncio.wait_for(server.process.wait(), SOON)
                with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                    await _answer(report)
    assert [line["unfinished"] for line in server.log if line["event"] == "stopped with work unfinished"] == [1]


async def test_a_second_signal_ends_it_at_once(database: Path, ending: int) -> None:
    async with _server(database, grace_seconds="300") as server, Caller(server.url) as caller:
        deploy = await caller.start()
        with _held(database):
            async with viewing(server.url) as viewer, _begun(server, REPORT, id=deploy["id"]):
                server.process.send_signal(ending)
                with pytest.raises(ConnectionClosed):  # to ask it would be one more that may be unfinished
                    await viewer.receive()
                server.process.send_signal(ending)
                await asyncio.wait_for(server.process.wait(), SOON)
    assert [line["unfinished"] for line in server.log if line["event"] == "stopped at once"] == [1]
