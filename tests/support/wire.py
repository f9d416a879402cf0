"""A TCP proxy before one server or several, which takes away what a network can take away."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

# To linger for no time at all: whoever closes the socket resets the connection.
_RESET = struct.pack("ii", 1, 0)


class Wire:
    """What goes over it is not looked at. Connections made while it is silent are accepted, and as silent.

    Of several servers each takes a connection in turn, and one that refuses it is passed over.
    `delay` holds back every piece of bytes for so many seconds. `answer_limit` lets that many bytes
    of what a server says pass over a connection, and closes it there.
    """

    def __init__(self, *server_urls: str) -> None:
        self._servers = [urlsplit(url) for url in server_urls]
        self._turn = 0
        self.url = ""
        self.delay = 0.0
        self.answer_limit: int | None = None
        self._gate = asyncio.Event()
        self._gate.set()
        self._connections: dict[asyncio.Task[None], list[asyncio.StreamWriter]] = {}

    def fall_silent(self) -> None:
        """Hold back every byte, in both directions."""
        self._gate.clear()

    def carry_on(self) -> None:
        """Carry what was held back, and all that follows."""
        self._gate.set()

    def carry_on_for_new_connections(self) -> None:
        """Carry what comes over connections yet to be made; those that there are stay silent for ever."""
        self._gate = asyncio.Event()
        self._gate.set()

    def cut(self, *, reset: bool) -> None:
        """End every connection, in good order or by a reset, with whatever is on its way."""
        for task, writers in self._connections.items():
            for writer in writers if reset else ():
                _reset(writer)
            task.cancel()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side closes it, or this one is cut."""
        writers = [writer]
        task = asyncio.create_task(self._join(reader, writers, self._gate))
        self._connections[task] = writers
        try:
            await asyncio.wait({task})
        finally:
            del self._connections[task]
            for each in writers:
                each.close()

    async def _join(
        self, reader: asyncio.StreamReader, writers: list[asyncio.StreamWriter], gate: asyncio.Event
    ) -> None:
        (near,) = writers
        with suppress(OSError):
            await gate.wait()
            far_reader, far = await self._connect()
            writers.append(far)
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._carry(reader, far, gate))
                    both.create_task(self._carry_answers(far_reader, near, gate))
            except* OSError:
                pass  # one side is gone, and so the other will be

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Raises OSError where no server takes it."""
        refused = None
        for _ in self._servers:
            server = self._servers[self._turn % len(self._servers)]
            self._turn += 1
            try:
                return await asyncio.open_connection(server.hostname, server.port)
            except OSError as error:
                refused = error
        raise refused or ConnectionRefusedError

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gate: asyncio.Event) -> None:
        while data := await reader.read(65_536):
            await self._send(data, writer, gate)
        await gate.wait()
        writer.close()

    async def _carry_answers(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gate: asyncio.Event
    ) -> None:
        sent = 0
        while data := await reader.read(65_536):
            passing = data if self.answer_limit is None else data[: max(0, self.answer_limit - sent)]
            await self._send(passing, writer, gate)
            sent += len(passing)
            if len(passing) < len(data):
                raise ConnectionAbortedError
        await gate.wait()
        writer.close()

    async def _send(self, data: bytes, writer: asyncio.StreamWriter, gate: asyncio.Event) -> None:
        await gate.wait()
        if self.delay:
            await asyncio.sleep(self.delay)
        writer.write(data)
        await writer.drain()

    async def close(self) -> None:
        """Close what is still open."""
        for task in list(self._connections):
            task.cancel()
            await asyncio.wait({task})


def _reset(writer: asyncio.StreamWriter) -> None:
    found: socket.socket | None = writer.get_extra_info("socket")
    if found is not None:
        with suppress(OSError):  # closed already
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


@asynccontextmanager
async def wire_to(*server_urls: str) -> AsyncIterator[Wire]:
    """A wire for the length of a block."""
    wire = Wire(*server_urls)
    listening = await asyncio.start_server(wire.accept, "127.0.0.1", 0)
    wire.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield wire
    finally:
        listening.close()
        await wire.close()
