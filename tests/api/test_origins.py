"""Which pages of other sites may read this server's answers, and open WebSockets to it."""

from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from tests.support.caller import Caller
from tests.support.server import Server, serving
from tests.support.viewer import PROTOCOL, viewing
from tests.support.witness import faults

ALLOWED = ["https://console.example", "http://localhost:5173"]
FOREIGN = [
    *("https://evil.example", "https://console.example.evil.example", "http://console.example", "null", "x", ""),
    *("https://console.example:8443", "https://evil.example/https://console.example", "https://sub.console.example"),
    *("http://127.0.0.1", "http://127.0.0.1:1", "https://console.example, https://evil.example"),
]


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server that allows two other sites."""
    path = tmp_path_factory.mktemp("origins") / "phaseline.db"
    async with serving(path, allowed_origins=", ".join(ALLOWED)) as running:
        yield running
    assert not faults(running)


@pytest.mark.parametrize("origin", FOREIGN)
async def test_a_foreign_page_gets_no_websocket(server: Server, origin: str) -> None:
    address = server.url.replace("http", "ws", 1) + "/graphql"
    with pytest.raises(InvalidStatus) as refused:
        await connect(address, subprotocols=[PROTOCOL], proxy=None, additional_headers={"origin": origin})
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("origin", [*ALLOWED, "HTTPS://Console.Example", "https://console.example:443"])
async def test_an_allowed_page_gets_one(server: Server, origin: str) -> None:
    async with viewing(server.url, origin=Origin(origin)) as viewer:
        await viewer.send(type="ping")
        assert await viewer.receive() == {"type": "pong"}


async def test_our_own_page_and_what_is_no_browser_get_one(server: Server) -> None:
    for origin in (Origin(server.url), None):
        async with viewing(server.url, origin=origin) as viewer:
            await viewer.send(type="ping")
            assert await viewer.receive() == {"type": "pong"}


@pytest.mark.parametrize("origin", ALLOWED)
async def test_an_allowed_page_may_read_answers(caller: Caller, origin: str) -> None:
    query, headers = {"query": "{ __typename }"}, {"origin": origin}
    response = await caller.http.post("/graphql", json=query, headers=headers)
    assert response.headers["access-control-allow-origin"] == origin
    assert "origin" in response.headers["vary"].lower()
    stream = await caller.http.post("/graphql", json=query, headers=headers | {"accept": "text/event-stream"})
    assert stream.headers["access-control-allow-origin"] == origin
    refused = await caller.http.post("/graphql", content=b"x" * 300_000, headers=headers)
    assert refused.status_code == 413
    assert refused.headers["access-control-allow-origin"] == origin


@pytest.mark.parametrize("origin", FOREIGN)
async def test_a_foreign_page_may_not(caller: Caller, origin: str) -> None:
    response = await caller.http.post("/graphql", json={"query": "{ __typename }"}, headers={"origin": origin})
    assert not [name for name in response.headers if name.startswith("access-control-allow-origin")]


@pytest.mark.parametrize(
    ("origin", "status"), [*((origin, 200) for origin in ALLOWED), *((origin, 400) for origin in FOREIGN)]
)
async def test_before_it_sends_json_a_page_has_to_ask(caller: Caller, origin: str, status: int) -> None:
    asking = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
    }
    response = await caller.http.options("/graphql", headers=asking)
    allowed = origin in ALLOWED
    assert response.status_code == (200 if allowed else 400)
    assert response.headers.get("access-control-allow-origin") == (origin if allowed else None)
    assert response.headers.get("access-control-allow-credentials") is None


async def test_no_site_is_allowed_unless_it_is_named(own_server: Server, own_caller: Caller) -> None:
    address = own_server.url.replace("http", "ws", 1) + "/graphql"
    with pytest.raises(InvalidStatus):
        await connect(address, subprotocols=[PROTOCOL], proxy=None, origin=Origin(ALLOWED[0]))
    response = await own_caller.http.get("/healthz", headers={"origin": ALLOWED[0]})
    assert "access-control-allow-origin" not in response.headers
