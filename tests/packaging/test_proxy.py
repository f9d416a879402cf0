"""deploy/haproxy.cfg, run by a real HAProxy before real nodes, and before some that are only played."""

import asyncio
import json
import re
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.frames import Close

from phaseline_schema.refusals import RETRY_AFTER_SECONDS
from tests.support.caller import Caller
from tests.support.logins import VIEWER, bearer
from tests.support.postgres import Postgres
from tests.support.server import Server, serving
from tests.support.viewer import PHASE_CHANGED, viewing
from tests.support.waiting import until

CONFIG = (Path(__file__).resolve().parents[2] / "deploy" / "haproxy.cfg").read_text()
HAPROXY = shutil.which("haproxy", path="/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin")
LOG = "haproxy.log"
STREAM = {"content-type": "application/json", "accept": "text/event-stream"}
DEPLOYS = "{ deploys { edges { node { id } } } }"

pytestmark = pytest.mark.skipif(HAPROXY is None, reason="HAProxy is not installed")


@asynccontextmanager
async def proxied(folder: Path, *nodes: str) -> AsyncIterator[str]:
    """The address of a proxy before these nodes. Only the addresses in its configuration are others."""
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        config = CONFIG.replace("bind :8000", f"bind fd@{listener.fileno()}")
        for name, url in zip(("node-1", "node-2"), nodes, strict=True):
            config = config.replace(f"{name}:8000", urlsplit(url).netloc)
        path = folder / "haproxy.cfg"
        path.write_text(config)
        assert HAPROXY is not None
        with (folder / LOG).open("w") as log:
            process = await asyncio.create_subprocess_exec(
                HAPROXY, "-db", "-f", path, pass_fds=[listener.fileno()], stdout=log, stderr=log
            )
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            process.terminate()
            await process.wait()


class Nodes:
    """Two real nodes on one database, and the address of the proxy before them."""

    def __init__(self, one: Server, other: Server, url: str) -> None:
        self.one = one
        self.other = other
        self.url = url


@asynccontextmanager
async def proxied_nodes(database: Path | str, folder: Path, **settings: str) -> AsyncIterator[Nodes]:
    """Two nodes on this database, and a proxy before them, which they trust."""
    settings = {"poll_seconds": "0.2", "trusted_proxies": "127.0.0.1", **settings}
    async with AsyncExitStack() as stack:
        one, other = [await stack.enter_async_context(serving(database, **settings)) for _ in range(2)]
        url = await stack.enter_async_context(proxied(folder, one.url, other.url))
        yield Nodes(one, other, url)


@pytest.fixture
async def nodes(database: Path, tmp_path: Path) -> AsyncIterator[Nodes]:
    """SQLite will do: what is asked here is not how nodes learn of one another."""
    async with proxied_nodes(database, tmp_path) as made:
        yield made


@pytest.fixture
async def caller(nodes: Nodes) -> AsyncIterator[Caller]:
    """A caller beyond the proxy."""
    async with Caller(nodes.url) as calling:
        yield calling


class Played:
    """A node that is ready, and hangs up on whatever else it is asked, having read it."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        try:
            request = (await reader.readuntil(b"\r\n\r\n")).decode()
            if request.startswith(("GET /readyz", "GET /healthz")):
                writer.write(b"HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n")
                await writer.drain()
            else:
                await reader.readexactly(int(re.findall(r"(?i)content-length: (\d+)", request)[0]))
                self.asked.append(request)
        finally:
            writer.close()


@pytest.fixture
async def played(tmp_path: Path) -> AsyncIterator[tuple[Played, str]]:
    """Two such nodes that count together, and the address of the proxy before them."""
    node = Played()
    async with AsyncExitStack() as stack:
        urls = []
        for _ in range(2):
            server = await stack.enter_async_context(await asyncio.start_server(node.accept, "127.0.0.1", 0))
            urls.append(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        yield node, await stack.enter_async_context(proxied(tmp_path, *urls))


async def _answer(url: str, asked: str, body: str = "", **headers: str) -> str:
    """What is answered to a request that is sent as it is and in one piece, on a connection of its own."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    lines = {"host": place.netloc, "content-length": str(len(body)), **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    writer.write(f"{asked} HTTP/1.1\r\n{head}\r\n{body}".encode())
    answer = await reader.read()
    writer.close()
    return answer.decode()


def _browser(url: str, address: str, **more: Any) -> httpx.AsyncClient:
    """One that keeps cookies, on a machine that has this address."""
    transport = httpx.AsyncHTTPTransport(local_address=address)
    return httpx.AsyncClient(base_url=url, transport=transport, trust_env=False, **more)


async def test_calls_and_pages_pass(caller: Caller) -> None:
    deploy = await caller.start()
    await caller.walk(deploy["id"], "building", "deploying", "succeeded")
    assert "<script" in (await caller.http.get("/")).text
    assert "<script" in (await caller.http.get(f"/deploys/{deploy['id']}")).text


async def test_a_browser_signs_in_reads_and_signs_out(nodes: Nodes) -> None:
    origin = {"origin": nodes.url, "sec-fetch-site": "same-origin"}
    async with _browser(nodes.url, "127.0.0.1", headers=origin) as browser:
        assert (await browser.get("/sign-in")).json()["authentication"] == "on"
        for signed_in in (False, True, False):
            answer = await browser.post("/graphql", json={"query": DEPLOYS})
            assert answer.status_code == (200 if signed_in else 401)
            token = {"token": VIEWER}
            done = await (browser.post("/sign-out") if signed_in else browser.post("/sign-in", json=token))
            assert done.status_code == 204


async def test_who_guesses_tokens_keeps_nobody_else_from_signing_in(database: Path, tmp_path: Path) -> None:
    async with (
        proxied_nodes(database, tmp_path, sign_ins_per_minute="1") as nodes,
        _browser(nodes.url, "127.0.0.2") as guessing,
        _browser(nodes.url, "127.0.0.3") as somebody,
    ):
        while (await guessing.post("/sign-in", json={"token": "phl_wrong"})).status_code != 429:
            pass  # each of the two nodes counts for itself
        assert (await somebody.post("/sign-in", json={"token": VIEWER})).status_code == 204


async def test_the_way_to_a_provider_is_open(played: tuple[Played, str]) -> None:
    node, url = played
    for path in ("/sign-in/provider", "/sign-in/provider/callback?code=a"):
        await _answer(url, f"GET {path}")
        assert node.asked[-1].startswith(f"GET {path} ")


async def test_a_viewer_on_either_node_gets_each_event_as_it_comes(nodes: Nodes, caller: Caller) -> None:
    deploy = await caller.start()
    # A page that the proxy served: browsers say so, and the node compares it with the name it was asked by.
    async with viewing(nodes.url, origin=nodes.url) as one, viewing(nodes.url) as other:
        for viewer in (one, other):
            await viewer.subscribe(PHASE_CHANGED, id=deploy["id"], after=0)
            assert (await viewer.event())["entry"]["toStatus"] == "queued"
        for status in ("building", "deploying"):
            await caller.walk(deploy["id"], status)
            for viewer in (one, other):
                assert (await viewer.event())["entry"]["toStatus"] == status


async def test_a_stream_is_not_held_back(caller: Caller) -> None:
    deploy = await caller.start()
    content = json.dumps({"query": PHASE_CHANGED, "variables": {"id": deploy["id"], "after": 0}})
    async with caller.http.stream("POST", "/graphql", content=content, headers=STREAM) as response:
        lines = response.aiter_lines()
        for status in ("queued", "building", "deploying"):
            if status != "queued":
                await caller.walk(deploy["id"], status)
            event = await anext(line async for line in lines if line.startswith("data:"))
            assert f'"toStatus":"{status}"' in event.replace('": "', '":"')


async def test_a_node_that_dies_costs_no_call(nodes: Nodes, caller: Caller) -> None:
    await nodes.one.kill()
    for _ in range(10):
        deploy = await caller.start()
        await caller.walk(deploy["id"], "building", "failed")


async def test_a_viewer_of_a_node_that_dies_is_told_and_comes_back_at_the_other(nodes: Nodes, caller: Caller) -> None:
    deploy = await caller.start()
    async with viewing(nodes.url) as one, viewing(nodes.url) as other:
        for viewer in (one, other):  # of two, each has the node that the other has not
            await viewer.subscribe(PHASE_CHANGED, id=deploy["id"], after=0)
            await viewer.event()
        await nodes.one.kill()
        hears = [asyncio.create_task(viewer.socket.wait_closed()) for viewer in (one, other)]
        _, still_open = await asyncio.wait(hears, return_when=asyncio.FIRST_COMPLETED)
        assert len(still_open) == 1
        still_open.pop().cancel()
        await caller.walk(deploy["id"], "building")
    async with viewing(nodes.url) as again:
        await again.subscribe(PHASE_CHANGED, id=deploy["id"], after=1)
        assert (await again.event())["entry"]["toStatus"] == "building"


async def test_where_no_node_is_ready_those_that_live_say_why(postgres: Postgres, tmp_path: Path) -> None:
    async with proxied_nodes(await postgres.database(), tmp_path) as nodes, Caller(nodes.url) as caller:
        deploy = await caller.start()
        await postgres.stop()
        await until(lambda: "backend nodes has no server available" in (tmp_path / LOG).read_text())
        answer = await caller.report(deploy["id"], "building")
        assert (answer.status, answer.code) == (503, "UNAVAILABLE")
        assert (await caller.http.get("/")).status_code == 200
        # Who calls cannot be looked up, so the socket is not acknowledged, and its close says why.
        with pytest.raises(ConnectionClosedError) as closed:
            async with viewing(nodes.url):
                pass
        assert closed.value.rcvd == Close(1013, "UNAVAILABLE")
        await postgres.start()
        await caller.walk(deploy["id"], "building")


async def test_where_no_node_is_reached_the_proxy_says_when_to_come_again(nodes: Nodes, caller: Caller) -> None:
    await nodes.one.kill()
    await nodes.other.kill()
    answer = await caller.http.post("/graphql", json={"query": "{ __typename }"})
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/json")
    assert answer.headers["retry-after"] == str(RETRY_AFTER_SECONDS)
    (error,) = answer.json()["errors"]
    assert error["message"]
    assert error["extensions"] == {"code": "NO_NODE", "retryAfterSeconds": RETRY_AFTER_SECONDS}


async def test_what_is_for_those_who_run_the_nodes_is_not_there_for_the_world(nodes: Nodes) -> None:
    for path in (
        *("/metrics", "/metrics/", "//metrics", "/%6Detrics", "/METRICS", "/metrics?a", "/graphql/../metrics", "/a"),
        *("/assets/../metrics", "/deploys/../metrics", "/readyz", "/healthz", f"{nodes.url}/metrics"),
    ):
        answer = await _answer(nodes.url, f"GET {path}")
        assert answer.startswith("HTTP/1.1 404"), (path, answer)


async def test_only_what_writes_nothing_is_asked_a_second_time(played: tuple[Played, str]) -> None:
    node, url = played
    assert (await _answer(url, "POST /graphql", "{}")).startswith("HTTP/1.1 502")
    assert [request.split()[0] for request in node.asked] == ["POST"]
    node.asked.clear()
    assert (await _answer(url, "GET /")).startswith("HTTP/1.1 502")
    assert [request.split()[0] for request in node.asked] == ["GET", "GET", "GET"]


async def test_where_a_client_comes_from_is_told_by_the_proxy_alone(played: tuple[Played, str]) -> None:
    node, url = played
    await _answer(url, "GET /", **{"x-forwarded-for": "192.0.2.1", "x-forwarded-proto": "https"})
    told = re.findall(r"(?im)^x-forwarded-(\w+): (.*?)\r$", node.asked[0])
    assert told == [("for", "127.0.0.1"), ("proto", "http")]


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_a_connection_on_which_nothing_happens_lasts(nodes: Nodes, caller: Caller) -> None:
    """Longer than every time-out of the proxy's: the nodes see to it that no connection is silent for so long."""
    deploy = await caller.start()
    content = json.dumps({"query": PHASE_CHANGED, "variables": {"id": deploy["id"], "after": 0}})
    async with (
        viewing(nodes.url) as viewer,
        httpx.AsyncClient(base_url=nodes.url, timeout=None, trust_env=False, headers=bearer(VIEWER)) as client,
        client.stream("POST", "/graphql", content=content, headers=STREAM) as response,
    ):
        await viewer.subscribe(PHASE_CHANGED, id=deploy["id"], after=0)
        await viewer.event()
        lines = response.aiter_lines()
        events = (line async for line in lines if line.startswith("data:"))
        await anext(events)
        await asyncio.sleep(max(map(int, re.findall(r"timeout \w+ (\d+)s", CONFIG))) + 15)
        await caller.walk(deploy["id"], "building")
        assert (await viewer.event())["entry"]["toStatus"] == "building"
        assert "building" in await anext(events)
