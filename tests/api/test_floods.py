"""Attacks that hold connections, files and memory: they are held off, and somebody else goes on being served."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import cast

import pytest
from websockets.asyncio.client import connect as connect_socket
from websockets.exceptions import ConnectionClosed

from tests.support.caller import Caller
from tests.support.logins import TOOL, VIEWER, bearer
from tests.support.raw_socket import HEAD, Raw, connected, frame
from tests.support.server import Server, serving
from tests.support.viewer import AUDIT_ENTRY_ADDED, PROTOCOL, viewing
from tests.support.waiting import until
from tests.support.witness import faults, grows_less_than, sockets, sockets_fall_to

MEGABYTE = bytes(1_000_000)
# By how many megabytes a server may grow that is sent 100, which it is neither to keep nor to gather and then refuse.
GROWTH = 50


@asynccontextmanager
async def _served(server: Server) -> AsyncIterator[None]:
    """A block that begins and ends with somebody else being served: over HTTP, and by a socket that was there before
    and one that comes anew."""
    async with Caller(server.url) as caller, viewing(server.url) as follower:
        deploy = await caller.start()
        await follower.subscribe(AUDIT_ENTRY_ADDED, id=deploy["id"])
        assert (await follower.event())["sequence"] == 1

        async def serve(status: str, sequence: int) -> None:
            async with asyncio.timeout(30):
                await caller.walk(deploy["id"], status)
                assert (await follower.event())["sequence"] == sequence
                async with viewing(server.url, additional_headers={"x-forwarded-for": "192.0.2.1"}) as another:
                    await another.subscribe(AUDIT_ENTRY_ADDED, id=deploy["id"])
                    assert (await another.event())["sequence"] == sequence

        await serve("building", 2)
        yield
        await serve("deploying", 3)
    assert not faults(server)


@pytest.fixture
async def small(database: Path) -> AsyncIterator[Server]:
    """A server that holds few connections and sockets, and believes what this machine says of clients' addresses."""
    async with serving(
        database,
        max_connections="60",
        unknown_sockets_per_address="20",
        sockets_per_caller="10",
        trusted_proxies="127.0.0.1",
    ) as server:
        yield server


async def test_heads_that_never_end_make_room_for_whoever_says_something(small: Server) -> None:
    before = sockets(small)
    async with connected(small.url, 300) as slow, _served(small):
        for one in slow:
            one.say(HEAD)
        assert sockets(small) - before <= 62
    assert await sockets_fall_to(small, before)


async def test_a_head_that_does_not_end_gets_408_and_a_code(server: Server) -> None:
    async with connected(server.url, 2) as (slow, silent):
        slow.say(HEAD)
        heard, nothing = await asyncio.gather(slow.rest(), silent.rest())
    assert heard.startswith(b"HTTP/1.1 408 ")
    assert b"REQUEST_TIMEOUT" in heard
    assert nothing == b""


@pytest.mark.slow
async def test_a_body_that_does_not_end_gets_408_and_a_code(server: Server) -> None:
    async with connected(server.url, 20) as slow, _served(server):
        for one in slow:
            one.say(HEAD + b"content-length: 100\r\n\r\n{")
        for one in slow:
            heard = await one.rest(60)
            assert heard.startswith(b"HTTP/1.1 408 ")
            assert b"REQUEST_TIMEOUT" in heard


@pytest.mark.slow
async def test_a_message_in_pieces_that_does_not_end_closes_its_socket(server: Server) -> None:
    async with viewing(server.url, ping_interval=None) as viewer, _served(server):
        viewer.socket.transport.write(frame(1, b'{"type":', fin=False))
        await viewer.socket.wait_closed()
        assert viewer.socket.close_code == 1008


async def test_bodies_that_never_end_make_room_for_whoever_says_all(small: Server) -> None:
    """From many addresses, so that what one address may have keeps nobody from it."""
    before = sockets(small)
    async with connected(small.url, 300) as slow, _served(small):
        for number, one in enumerate(slow):
            one.say(_unfinished(f"198.51.100.{number % 250}"))
        assert sockets(small) - before <= 62
    assert await sockets_fall_to(small, before)


async def test_one_address_may_have_few_bodies_that_do_not_end(small: Server) -> None:
    async with connected(small.url, 25) as slow, _served(small):
        for one in slow:
            one.say(_unfinished("203.0.113.5"))
        first = [asyncio.create_task(one.rest()) for one in slow]
        done, _ = await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            heard = task.result()
            assert heard.startswith(b"HTTP/1.1 429 ")
            assert b"TOO_MANY_UNFINISHED" in heard
            assert b"retry-after: 2" in heard
        for task in first:
            task.cancel()


def _unfinished(address: str) -> bytes:
    return HEAD + f"x-forwarded-for: {address}\r\ncontent-length: 100\r\n\r\n{{".encode()


async def test_more_viewers_than_connections_are_told_to_come_again(database: Path) -> None:
    """Nobody of these is still to say something: there is nobody to make room."""
    async with serving(database, max_connections="10") as full, AsyncExitStack() as open_:
        for _ in range(10):
            await open_.enter_async_context(viewing(full.url))
        async with connected(full.url, 1) as (another,):
            heard = await another.rest()
        assert heard.startswith(b"HTTP/1.1 503 ")
        assert b"TOO_MANY_CONNECTIONS" in heard
        assert b"retry-after: 2" in heard
        assert b"x-content-type-options: nosniff" in heard
        await open_.aclose()
        async with _served(full):
            pass


async def test_a_flood_of_sockets_that_say_nothing_is_held_off_by_address(database: Path) -> None:
    flood = {"x-forwarded-for": "203.0.113.9"}
    async with (
        serving(database, unknown_sockets_per_address="20", trusted_proxies="127.0.0.1") as server,
        connected(server.url, 400) as many,
        _served(server),
    ):
        answers = [await one.upgrade("x-forwarded-for: 203.0.113.9") for one in many]
        assert set(answers) == {b"HTTP/1.1 101 Switching Protocols"}
        turned_away = await asyncio.gather(*(_reason(one) for one in many[20:]))
        assert set(turned_away) == {b"\x03\xf5TOO_MANY_SOCKETS"}  # 1013: try again later
        async with _socket(server, flood) as one_more:
            with pytest.raises(ConnectionClosed):
                await one_more.recv()
            assert (one_more.close_code, one_more.close_reason) == (1013, "TOO_MANY_SOCKETS")


async def test_all_viewers_behind_one_address_may_come_back_at_once(server: Server) -> None:
    """As they do behind a proxy or a company's router, when the server was restarted."""
    async with connected(server.url, 500) as many:
        for one in many:
            assert await one.upgrade() == b"HTTP/1.1 101 Switching Protocols"
        init = json.dumps({"type": "connection_init", "payload": bearer(VIEWER)}).encode()
        for one in many:
            one.say(frame(1, init))
        heard = [await one.hear() for one in many]
    assert {payload for _, payload in heard} == {b'{"type":"connection_ack"}'}


async def _reason(one: Raw) -> bytes:
    """What the frame holds by which the server closes."""
    head = await one.reader.readexactly(2)
    assert head[0] == 0x88
    return await one.reader.readexactly(head[1])


def _socket(server: Server, headers: dict[str, str] | None = None) -> connect_socket:
    address = server.url.replace("http", "ws", 1) + "/graphql"
    return connect_socket(address, subprotocols=[PROTOCOL], proxy=None, additional_headers=headers)


async def test_one_caller_may_not_have_all_sockets_and_streams_and_others_have_theirs(small: Server) -> None:
    async with AsyncExitStack() as open_, Caller(small.url) as caller:
        deploy = await caller.start()
        follow = {"query": AUDIT_ENTRY_ADDED, "variables": {"id": deploy["id"]}}
        stream = {"accept": "text/event-stream"} | bearer(VIEWER)
        for _ in range(5):
            await open_.enter_async_context(viewing(small.url))
            response = await open_.enter_async_context(
                caller.http.stream("POST", "/graphql", json=follow, headers=stream)
            )
            pieces = cast("AsyncGenerator[bytes, None]", response.aiter_bytes())
            await anext(pieces)
            open_.push_async_callback(pieces.aclose)  # it would end the stream when it is forgotten
        refused = await caller.http.post("/graphql", json=follow, headers=stream)
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "2"
        assert refused.json()["errors"][0]["extensions"] == {"code": "TOO_MANY_SOCKETS", "retryAfterSeconds": 2}
        socket = await open_.enter_async_context(_socket(small))
        await socket.send(json.dumps({"type": "connection_init", "payload": bearer(VIEWER)}))
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        assert (socket.close_code, socket.close_reason) == (1013, "TOO_MANY_SOCKETS")
        assert (await caller.deploy(deploy["id"]))["sequence"] == 1
        async with viewing(small.url, TOOL) as tool:
            await tool.send(type="ping")
            assert await tool.receive() == {"type": "pong"}
    async with viewing(small.url):  # their places are free again
        pass


@pytest.mark.parametrize("fragments", [False, True], ids=["one frame", "fragments"])
async def test_a_message_of_100_megabytes_is_held_off(server: Server, fragments: bool) -> None:
    async with _served(server), viewing(server.url, ping_interval=None) as viewer:
        transport = viewer.socket.transport
        with grows_less_than(server, GROWTH):
            transport.write(frame(1, b"", fin=False) if fragments else frame(1, b"", length=100_000_000))
            pouring = asyncio.create_task(_pour(transport, frame(0, MEGABYTE, fin=False) if fragments else MEGABYTE))
            await _serves(server)
            await viewer.socket.wait_closed()
        pouring.cancel()
        assert viewer.socket.close_code in (1006, 1009)  # a client that is still sending may not hear it


async def _pour(transport: asyncio.WriteTransport, data: bytes) -> None:
    """100 of these, as fast as they are taken."""
    for _ in range(100):
        await until(lambda: transport.get_write_buffer_size() == 0 or transport.is_closing())
        transport.write(data)


async def _serves(server: Server) -> None:
    async with Caller(server.url) as caller:
        assert (await caller.send("{ __typename }")).data == {"__typename": "Query"}


async def test_a_message_of_endless_empty_pieces_is_ended(server: Server) -> None:
    """They add nothing to its length, so no limit of bytes ever ends it."""
    async with viewing(server.url, ping_interval=None) as viewer:
        viewer.socket.transport.write(frame(1, b"{", fin=False) + frame(0, b"", fin=False) * 1000)
        with pytest.raises(ConnectionClosed):
            await viewer.receive()
        assert viewer.socket.close_code == 1009
    await _serves(server)


async def test_a_body_of_100_megabytes_is_held_off(server: Server) -> None:
    async with connected(server.url, 2) as (announced, chunked), _served(server):
        announced.say(HEAD + b"content-length: 100000000\r\n\r\n")
        chunked.say(HEAD + b"transfer-encoding: chunked\r\n\r\n")
        with grows_less_than(server, GROWTH):
            pouring = [
                asyncio.create_task(_pour(announced.writer.transport, MEGABYTE)),
                asyncio.create_task(_pour(chunked.writer.transport, b"f4240\r\n" + MEGABYTE + b"\r\n")),
            ]
            await _serves(server)
            for one in (announced, chunked):
                assert (await one.reader.readline()).startswith(b"HTTP/1.1 413 ")
            await _serves(server)
        for task in pouring:
            task.cancel()
