"""Whatever a viewer sends over its socket, in whatever order: it is answered or closed, and nothing stays behind."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.caller import Caller
from tests.support.odd_messages import CLOSE, PING, PONG, TEXT, Odd
from tests.support.raw_socket import Raw, connected, frame
from tests.support.server import Server, serving
from tests.support.waiting import until
from tests.support.witness import clear_codes, faults, heard, sockets, sockets_fall_to

_AT_ONCE = 10
_STILL_THERE = b"are you there?"

# How a socket may be closed: by the protocols, and by what phaseline says of limits. 1011 says that the server failed.
_CODES = {1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1013, 4400, 4401, 4403, 4406, 4409, 4429}

# What a process may grow by, in megabytes: 300 sessions send it more than twice as many.
_NOISE = 15


@pytest.mark.parametrize("seed", [20260101])
async def test_odd_sessions_are_answered_or_closed_and_leave_nothing_behind(database: Path, seed: int) -> None:
    await _fuzz(database, seed, warm_up=60, sessions=300)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", range(3))
async def test_very_many_odd_sessions_leave_nothing_behind(database: Path, seed: int) -> None:
    await _fuzz(database, seed, warm_up=500, sessions=5000)


async def _fuzz(database: Path, seed: int, warm_up: int, sessions: int) -> None:
    async with serving(database) as server, Caller(server.url) as caller:
        deploy = (await caller.start())["id"]
        await caller.walk(deploy, "building")
        open_before = sockets(server)
        await _run(server, deploy, range(seed, seed + warm_up))
        before = _megabytes(server)
        await _run(server, deploy, range(seed + warm_up, seed + warm_up + sessions))
        assert await sockets_fall_to(server, open_before + 1)  # the caller's own

        async def nobody_follows() -> bool:
            told = (await caller.http.get("/metrics")).text
            return 'phaseline_subscriptions{field="phaseChanged"} 0.0' in told and (
                'phaseline_subscriptions{field="auditEntryAdded"} 0.0' in told
            )

        await until(nobody_follows)
        assert _megabytes(server) - before < _NOISE
        await heard(server)
        assert not faults(server)


async def _run(server: Server, deploy: str, seeds: range) -> None:
    for first in range(seeds.start, seeds.stop, _AT_ONCE):
        async with connected(server.url, min(_AT_ONCE, seeds.stop - first)) as some:
            async with asyncio.timeout(60):
                await asyncio.gather(*(_session(one, Odd(first + n, deploy)) for n, one in enumerate(some)))


async def _session(one: Raw, odd: Odd) -> None:
    """Say it all, and then hear whether anybody is still there."""
    assert await one.upgrade() == b"HTTP/1.1 101 Switching Protocols"
    data = b"".join(odd.beginning() + odd.frames())
    vanishing = odd.cut(data)
    if vanishing is not None:
        one.say(vanishing)
        one.writer.transport.abort()
        return
    one.say(data + frame(PING, _STILL_THERE))
    if odd.unfinished:
        with suppress(OSError):  # it is closed already
            one.writer.write_eof()  # else the server waits for the rest, for as long as it waits for anybody
    try:
        while _goes_on(*await one.hear()):
            pass
    except (EOFError, ConnectionError):
        pass  # it was closed while more was on its way, which takes the reason with it


def _goes_on(opcode: int, payload: bytes) -> bool:
    """Whether more is to come; what has come has to be in order."""
    if opcode == CLOSE:
        code = int.from_bytes(payload[:2], "big") if payload else 1005
        assert code in _CODES, (code, payload)
        return False
    if opcode == TEXT:
        message = json.loads(payload)
        errors = message["payload"] if message["type"] == "error" else (message.get("payload") or {}).get("errors")
        if errors:
            clear_codes(errors)
    return (opcode, payload) != (PONG, _STILL_THERE)


def _megabytes(server: Server) -> float:
    """What it holds of the machine's memory."""
    pages = int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1])
    return pages * 4096 / 1e6
