"""A TCP proxy that can fall silent without closing anything, as a lost route or a closed lid does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit


class Wire:
    """What goes over it is not looked at. Connections made while it is silent are accepted, and as silent."""

    def __init__(self, server_url: str) -> None:
        self._server = urlsplit(server_url)
        self.url = ""
        self._gate = asyncio.Event()
        self._gate.set()
        self._tasks: set[asyncio.Task[None]] = set()

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

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side closes it."""
        gate = self._gate
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        far_writer = None
        try:
            await gate.wait()
            assert self._server.hostname is not None
            far_reader, far_writer = await asyncio.open_connection(self._server.hostname, self._server.port)
            async with asyncio.TaskGroup() as both:
                both.create_task(_carry(reader, far_writer, gate))
                both.create_task(_carry(far_reader, writer, gate))
        except* OSError:
            pass  # one side is gone, and so the other will be
        finally:
            self._tasks.discard(task)
            writer.close()
            if far_writer is not None:
                far_writer.close()

    async def close(self) -> None:
        """Close what is still open."""
        for task in list(self._tasks):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gate: asyncio.Event) -> None:
    while data := await reader.read(65_536):
        await gate.wait()
        writer.write(data)
        await writer.drain()
    await gate.wait()
    writer.close()


@asynccontextmanager
async def wire_to(server_url: str) -> AsyncIterator[Wire]:
    """A wire for the length of a block."""
    wire = Wire(server_url)
    listening = await asyncio.start_server(wire.accept, "127.0.0.1", 0)
    wire.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield wire
    finally:
        listening.close()
        await wire.close()
