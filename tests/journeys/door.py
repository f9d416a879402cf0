"""A door between a workflow and the server: a callback passes when the test lets it, and both sides are kept."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

# Longer than any step of the workflow takes to come to its next callback, even on a busy machine. In seconds.
PATIENCE = 20.0
_FORWARDED = ("content-type", "accept", "authorization")


@dataclass(frozen=True)
class Passed:
    """A callback and the server's answer to it."""

    status: str
    attempt: int
    http_status: int
    body: dict[str, Any]

    @property
    def sequence(self) -> int | None:
        """The entry that the server acknowledged it with; None where it refused it."""
        data = self.body.get("data")
        return data["applyCallback"]["entry"]["sequence"] if data else None

    @property
    def code(self) -> str | None:
        """The error's code; None where it was accepted."""
        errors = self.body.get("errors")
        return errors[0]["extensions"]["code"] if errors else None


@dataclass
class Knock:
    """A callback that waits before the door. Its verdict is cancelled where the caller goes away before."""

    request: dict[str, Any]
    head: dict[str, str]
    verdict: asyncio.Future[str] = field(default_factory=asyncio.Future)

    @property
    def status(self) -> str:
        return str(self.request["variables"]["input"]["status"])


class Door:
    """An HTTP server in front of another one. `connections` counts whoever came, even without a word."""

    def __init__(self, server_url: str) -> None:
        self.server_url = server_url
        self.url = ""
        self.connections = 0
        self.passed: list[Passed] = []
        self._open = False
        self._knocks: asyncio.Queue[Knock] = asyncio.Queue()
        self._answers: set[asyncio.Task[None]] = set()

    async def next(self) -> Knock:
        """The next callback, which goes on waiting. One whose caller has gone, as callers do after a while, is none."""
        async with asyncio.timeout(PATIENCE):
            while (knock := await self._knocks.get()).verdict.done():
                pass
            return knock

    async def let_in(self, status: str) -> None:
        """Let the next callback pass, which has to be this one."""
        knock = await self.next()
        assert knock.status == status
        knock.verdict.set_result("pass")

    async def lose_answer(self, status: str) -> None:
        """The same, but the connection breaks before the server's answer reaches the workflow."""
        knock = await self.next()
        assert knock.status == status
        knock.verdict.set_result("lose the answer")

    def stand_open(self) -> None:
        """Let everything pass from now on."""
        self._open = True
        while not self._knocks.empty():
            knock = self._knocks.get_nowait()
            if not knock.verdict.done():
                knock.verdict.set_result("pass")

    async def close(self) -> None:
        """Send away whoever still waits."""
        for answer in self._answers:
            answer.cancel()
        await asyncio.gather(*self._answers, return_exceptions=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        _keep(self._answers)
        try:
            knock = await _read(reader)
            verdict = "pass" if self._open else await self._verdict(knock, reader)
            if verdict is None:
                return
            answer = await self._forward(knock)
            if verdict == "pass":
                writer.write(answer)
                await writer.drain()
        except (httpx.TransportError, ConnectionError, asyncio.IncompleteReadError):
            pass  # the caller finds its connection closed, as it would without a door
        finally:
            writer.close()

    async def _verdict(self, knock: Knock, reader: asyncio.StreamReader) -> str | None:
        """What becomes of a callback; None where its caller has gone before that was said."""
        self._knocks.put_nowait(knock)
        gone = asyncio.create_task(reader.read())
        try:
            either: set[asyncio.Future[Any]] = {knock.verdict, gone}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            return knock.verdict.result() if knock.verdict.done() else None
        finally:
            knock.verdict.cancel()
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)

    async def _forward(self, knock: Knock) -> bytes:
        async with httpx.AsyncClient(base_url=self.server_url, trust_env=False, timeout=PATIENCE) as http:
            wanted = {name: value for name, value in knock.head.items() if name in _FORWARDED}
            response = await http.post("/graphql", json=knock.request, headers=wanted)
        asked = knock.request["variables"]["input"]
        self.passed.append(Passed(asked["status"], asked["attempt"], response.status_code, response.json()))
        head = f"HTTP/1.1 {response.status_code} As the server said\r\nContent-Type: {response.headers['content-type']}"
        return (
            f"{head}\r\nContent-Length: {len(response.content)}\r\nConnection: close\r\n\r\n".encode()
            + response.content
        )


def _keep(tasks: set[asyncio.Task[None]]) -> None:
    """Keep the current one among these until it is done."""
    task = asyncio.current_task()
    assert task
    tasks.add(task)
    task.add_done_callback(tasks.discard)


async def _read(reader: asyncio.StreamReader) -> Knock:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    head = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}
    return Knock(json.loads(await reader.readexactly(int(head["content-length"]))), head)


@asynccontextmanager
async def door_to(server_url: str) -> AsyncIterator[Door]:
    """A door for the length of a block."""
    door = Door(server_url)
    listening = await asyncio.start_server(door._answer, "127.0.0.1", 0)
    door.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield door
    finally:
        listening.close()
        await door.close()
