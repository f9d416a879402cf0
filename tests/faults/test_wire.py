"""The wire does what a plan says of it: a fault that has no effect would be taken for one that was survived."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.support.ports import free_port
from tests.support.wire import Wire, wire_to

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(line.upper())
        await writer.drain()
    writer.close()


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    """A wire before two servers, of which the first refuses everybody."""
    async with await asyncio.start_server(_shout, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        async with wire_to(f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{port}") as made:
            yield made


@asynccontextmanager
async def _connected(wire: Wire) -> AsyncIterator[Connection]:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(wire.url.rsplit(":", 1)[1]))
    try:
        writer.write(b"hello\n")
        yield reader, writer
    finally:
        writer.close()


async def test_it_carries_to_the_server_that_takes_connections(wire: Wire) -> None:
    for _ in range(3):
        async with _connected(wire) as (reader, _):
            assert await reader.readline() == b"HELLO\n"


async def test_a_connection_is_cut_by_a_reset_or_in_good_order(wire: Wire) -> None:
    async with _connected(wire) as (reader, _):
        await reader.readline()
        wire.cut(reset=True)
        with pytest.raises(ConnectionResetError):
            await reader.read()
    async with _connected(wire) as (reader, _):
        await reader.readline()
        wire.cut(reset=False)
        assert await reader.read() == b""


async def test_an_answer_ends_after_as_many_bytes_as_may_pass(wire: Wire) -> None:
    wire.answer_limit = 3
    async with _connected(wire) as (reader, _):
        assert await reader.read() == b"HEL"
    wire.answer_limit = 0
    async with _connected(wire) as (reader, _):
        assert await reader.read() == b""


async def test_what_is_sent_takes_its_time(wire: Wire) -> None:
    wire.delay = 0.2
    began = asyncio.get_running_loop().time()
    async with _connected(wire) as (reader, _):
        assert await reader.readline() == b"HELLO\n"
    assert asyncio.get_running_loop().time() - began >= 0.4  # there and back


async def test_a_silent_connection_carries_nothing_until_it_carries_on(wire: Wire) -> None:
    async with _connected(wire) as (reader, writer):
        await reader.readline()
        wire.fall_silent()
        writer.write(b"late\n")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await reader.readline()
        wire.carry_on()
        assert await reader.readline() == b"LATE\n"


async def test_or_for_ever_where_only_new_ones_are_carried(wire: Wire) -> None:
    async with _connected(wire) as (old, writer):
        await old.readline()
        wire.fall_silent()
        wire.carry_on_for_new_connections()
        writer.write(b"late\n")
        async with _connected(wire) as (new, _):
            assert await new.readline() == b"HELLO\n"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await old.readline()
