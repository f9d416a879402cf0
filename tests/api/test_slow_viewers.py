"""Viewers that do not read what they are sent: they are cut off, nobody else is held up, and nothing piles up."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed

from tests.support.caller import Caller
from tests.support.logins import VIEWER
from tests.support.raw import append, connected
from tests.support.server import Server, serving
from tests.support.viewer import AUDIT_ENTRY_ADDED, Viewer, viewing
from tests.support.waiting import until
from tests.support.witness import faults, heard, sockets, sockets_fall_to

REFUSALS = 1500

# Every entry with a lot of padding: many bytes cost little then.
WIDE = AUDIT_ENTRY_ADDED.replace("kind", f"kind {'padding_' * 100}: kind")

# What a viewer may be behind, in bytes: what phaseline and both operating systems keep, generously. It is far less than
# all that the viewers here are sent.
MOST_BEHIND = 600_000

# Far more than is needed; whatever hangs, fails.
SOON = 40


@pytest.fixture
async def impatient(database: Path) -> AsyncIterator[Server]:
    """A server that waits for one second, and sees what others write to its database."""
    async with serving(database, stall_seconds="1", poll_seconds="0.2") as server:
        yield server
    assert not faults(server)


def _narrow(server: Server) -> socket.socket:
    """A connection for which this side keeps little."""
    url = urlsplit(server.url)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024)
    connection.connect((url.hostname, url.port))
    connection.setblocking(False)
    return connection


@asynccontextmanager
async def _lazy(server: Server, deploy_id: str) -> AsyncIterator[Viewer]:
    """A viewer that follows, and reads nothing more than its first event, before anybody makes it."""
    async with viewing(server.url, sock=_narrow(server), max_queue=1, ping_interval=None, close_timeout=0) as viewer:
        await viewer.subscribe(WIDE, id=deploy_id, after=0)
        assert (await viewer.event())["sequence"] == 1
        yield viewer


@asynccontextmanager
async def _lazy_stream(server: Server, deploy_id: str) -> AsyncIterator[None]:
    """The same over SSE; it reads the status of the answer."""
    reader, writer = await asyncio.open_connection(sock=_narrow(server), limit=1024)
    body = json.dumps({"query": WIDE, "variables": {"id": deploy_id, "after": 0}})
    writer.write(
        "POST /graphql HTTP/1.1\r\nhost: phaseline\r\naccept: text/event-stream\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer {VIEWER}\r\n"
        f"content-length: {len(body)}\r\n\r\n{body}".encode()
    )
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    yield
    writer.transport.abort()


async def _refuse(database: Path, deploy_id: str, times: int) -> None:
    """Append refused callbacks to the log of a deploy: many cost little."""
    async with connected(database) as raw:
        await append(raw, deploy_id, "succeeded", refusal="ILLEGAL_TRANSITION", times=times)


async def _cut_off(server: Server, count: int = 1) -> None:
    """Wait until the server says that it has cut off so many viewers."""
    await until(lambda: sum(line["event"].startswith("viewer cut off") for line in server.log) >= count, SOON)


async def _nobody_follows(server: Server) -> None:
    """Wait until the server says so."""
    nobody = 'phaseline_subscriptions{field="auditEntryAdded"} 0.0'

    async def said() -> bool:
        return nobody in (await caller.http.get("/metrics")).text

    async with Caller(server.url) as caller:
        await until(said, SOON)


async def _rest(viewer: Viewer) -> list[int]:
    """The sequences of everything that is still to come before the socket closes."""
    sequences = []
    try:
        while True:
            sequences.append((await viewer.event())["sequence"])
    except ConnectionClosed:
        return sequences


async def test_who_does_not_read_is_told_so_and_can_come_back_and_nobody_else_notices(
    impatient: Server, database: Path
) -> None:
    async with Caller(impatient.url) as caller:
        deploy = await caller.start()
    async with _lazy(impatient, deploy["id"]) as lazy, viewing(impatient.url) as busy:
        await busy.subscribe(WIDE, id=deploy["id"], after=0)
        await _refuse(database, deploy["id"], REFUSALS)
        seen = [await busy.event() for _ in range(REFUSALS + 1)]
        assert [event["sequence"] for event in seen] == list(range(1, REFUSALS + 2))
        await _cut_off(impatient)
        sequences = await _rest(lazy)
        assert lazy.socket.close_code == 1013
        assert "`after`" in (lazy.socket.close_reason or "")
    last = sequences[-1]
    assert sequences == list(range(2, last + 1))
    assert last * len(json.dumps(seen[0])) < MOST_BEHIND
    async with viewing(impatient.url) as again:
        await again.subscribe(WIDE, id=deploy["id"], after=last)
        assert (await again.event())["sequence"] == last + 1
        again.socket.transport.abort()


async def test_who_never_reads_again_loses_the_connection_and_all_that_belonged_to_it(
    impatient: Server, database: Path
) -> None:
    async with Caller(impatient.url) as caller:
        deploy = await caller.start()
    await _refuse(database, deploy["id"], REFUSALS)
    before = sockets(impatient)
    async with _lazy(impatient, deploy["id"]) as one, _lazy(impatient, deploy["id"]) as other:
        await one.subscribe(WIDE, "second", id=deploy["id"], after=0)
        await _cut_off(impatient, 2)
        await _nobody_follows(impatient)
        async with asyncio.timeout(SOON):
            while not await sockets_fall_to(impatient, before):
                pass
        for viewer in (one, other):
            viewer.socket.transport.abort()


async def test_a_stream_that_is_not_read_is_aborted(impatient: Server, database: Path) -> None:
    async with Caller(impatient.url) as caller:
        deploy = await caller.start()
    await _refuse(database, deploy["id"], REFUSALS)
    before = sockets(impatient)
    async with _lazy_stream(impatient, deploy["id"]):
        await _cut_off(impatient)
        await _nobody_follows(impatient)
        assert await sockets_fall_to(impatient, before)


@pytest.mark.parametrize("lazy", [_lazy, _lazy_stream], ids=["socket", "stream"])
async def test_a_node_that_stops_does_not_wait_for_who_does_not_read(
    database: Path, lazy: Callable[[Server, str], AbstractAsyncContextManager[Any]]
) -> None:
    async with serving(database, stall_seconds="3600", poll_seconds="0.2") as server:
        async with Caller(server.url) as caller:
            deploy = await caller.start()
        await _refuse(database, deploy["id"], REFUSALS)
        async with lazy(server, deploy["id"]), viewing(server.url) as busy:
            await busy.subscribe(WIDE, id=deploy["id"], after=0)
            for _ in range(REFUSALS + 1):  # by then the other is as far as it will come
                await busy.event()
            assert await asyncio.wait_for(server.stop(), SOON) == 0
    assert [line["event"] for line in server.log if line["event"].startswith("stopped")] == ["stopped"]
    assert not faults(server)


async def test_who_sends_pings_and_reads_no_answer_is_cut_off_at_once(database: Path) -> None:
    """Pongs do not wait for their turn, so they could fill the memory long before the viewer is too slow."""
    async with (
        serving(database, stall_seconds="3600") as server,
        viewing(server.url, sock=_narrow(server), ping_interval=None) as viewer,
    ):
        viewer.socket.transport.pause_reading()
        payload = bytes(range(100))
        frame = struct.pack("!BB", 0x89, 0x80 | len(payload)) + b"\0\0\0\0" + payload
        pings = asyncio.create_task(_pour(viewer, frame * 1000))
        await _cut_off(server)
        pings.cancel()
        viewer.socket.transport.abort()
        await heard(server)
        assert len([line for line in server.log if line["event"].startswith("viewer cut off")]) == 1


async def _pour(viewer: Viewer, frames: bytes) -> None:
    while not viewer.socket.transport.is_closing():
        if viewer.socket.transport.get_write_buffer_size() == 0:
            viewer.socket.transport.write(frames)
        await asyncio.sleep(0.001)


@pytest.mark.slow
async def test_who_reads_slowly_is_not_cut_off(database: Path) -> None:
    async with serving(database, stall_seconds="5", poll_seconds="0.2") as server:
        async with Caller(server.url) as caller:
            deploy = await caller.start()
        await _refuse(database, deploy["id"], 3 * REFUSALS)
        async with _lazy(server, deploy["id"]) as viewer:
            for _ in range(15):
                for _ in range(50):
                    await viewer.event()
                await asyncio.sleep(1)
            assert not [line for line in server.log if line["event"].startswith("viewer cut off")]
            assert (await viewer.event())["sequence"] == 15 * 50 + 2
            viewer.socket.transport.abort()
