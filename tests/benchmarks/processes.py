"""Servers as processes of their own, whose logs go to files: nobody who measures has to read them meanwhile."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.processes import children

# Both in seconds.
_START = 30
_STOP = 30


@dataclass(frozen=True)
class Served:
    """A server that serves: where, and as which process."""

    url: str
    pid: int

    async def memory(self) -> float:
        """How much memory it and its children hold, in KiB; what processes share is divided among them."""
        return sum(_memory(process) for process in [self.pid, *await children(self.pid)])


@asynccontextmanager
async def serving(command: Sequence[str | Path], log: Path, **environment: str) -> AsyncIterator[Served]:
    """A server, which says its address in its log, for the length of a block."""
    with log.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *command,
            env={"PATH": os.environ.get("PATH", os.defpath), **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=stderr,
        )
    try:
        yield Served(await asyncio.wait_for(_address(process, log), _START), process.pid)
    except Exception as error:
        error.add_note(f"The server has logged last: {_end_of(log)}")
        raise
    finally:
        await _end(process)


async def output(*command: str | Path) -> str:
    """What a process has printed when it has ended well."""
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        printed, _ = await process.communicate()
    finally:
        await _end(process)
    if process.returncode:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}")
    return printed.decode()


def _memory(process: int) -> float:
    """Linux alone tells this."""
    for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return float(line.split()[1])
    raise RuntimeError(f"it is not told how much memory process {process} holds")


async def _address(process: asyncio.subprocess.Process, log: Path) -> str:
    while process.returncode is None:
        if found := _logged_address(log):
            return found
        await asyncio.sleep(0.05)
    raise RuntimeError("a server ended instead of serving")


def _logged_address(log: Path) -> str | None:
    for line in log.read_text().splitlines():
        if '"serving"' in line and line.endswith("}"):
            return str(json.loads(line)["address"])
    return None


def _end_of(log: Path) -> str:
    return log.read_text()[-3000:]


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _STOP)
    except TimeoutError:
        process.kill()
        await process.wait()
