"""A real `phaseline serve`, as a process of its own on a free port."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.support import forked, logins
from tests.support.database import address
from tests.support.forked import Forked

PHASELINE = Path(sys.executable).parent / "phaseline"

# All tests call as the same few callers, from one address, and many of them ask one server.
_MUCH = {f"PHASELINE_{what}_PER_MINUTE": "1000000" for what in ("CALLBACKS", "STARTS", "READS", "UNPROVEN", "SIGN_INS")}

# The line that says it serves, where the log is written for people; and what gives such a log its colours.
_SERVING = re.compile(r"\bserving\b.*\baddress=(\S+)")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class Server:
    """The process, its database, its address and what it has logged so far."""

    def __init__(self, process: asyncio.subprocess.Process | Forked, database: Path | str) -> None:
        self.process = process
        self.database_url = address(database)
        self._file = database
        self.url = ""
        self.log: list[dict[str, Any]] = []
        self._serving = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    @property
    def database(self) -> Path:
        """The file of its database, where that is SQLite."""
        assert isinstance(self._file, Path), f"{self._file} is no file"
        return self._file

    async def ready(self) -> None:
        """Wait until it serves; raises with its log where it ends instead."""
        waiting = asyncio.create_task(self._serving.wait())
        await asyncio.wait({waiting, self._reading}, return_when=asyncio.FIRST_COMPLETED)
        if not self._serving.is_set():
            waiting.cancel()
            raise RuntimeError(f"the server ended: {self.log}")

    async def kill(self) -> None:
        """End it as a loss of power would end it."""
        self.process.kill()
        await self._ended()

    async def stop(self) -> int:
        """Ask it to end, and return its exit code. A frozen one is thawed, so that it can."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            self.thaw()
        return await self._ended()

    def freeze(self) -> None:
        """Let it stand still, its sockets open, as a machine that is swapping or a paused virtual one does."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on from where it was frozen."""
        self.process.send_signal(signal.SIGCONT)

    async def _ended(self) -> int:
        code = await self.process.wait()
        await self._reading
        return code

    async def _read(self) -> None:
        assert self.process.stderr is not None
        async for raw in self.process.stderr:
            text = raw.decode(errors="replace").rstrip()
            try:
                line = json.loads(text)
            except ValueError:
                line = _for_people(text)
            self.log.append(line)
            if line.get("event") == "serving":
                self.url = line["address"]
                self._serving.set()


def _for_people(text: str) -> dict[str, Any]:
    """A line that is not JSON, without its colours."""
    plain = _COLOURS.sub("", text)
    serving = _SERVING.search(plain)
    return {"event": "serving", "address": serving[1]} if serving else {"event": plain}


def program(version: Path | None) -> list[str | Path]:
    """How the command of a version is run: the folder of its code, or None for the one here."""
    return [PHASELINE] if version is None else [sys.executable, "-c", "from phaseline.cli import app; app()"]


def code_of(version: Path | None) -> dict[str, str]:
    """The environment in which Python takes the code of this version before the one that is installed."""
    return {} if version is None else {"PYTHONPATH": f"{version / 'api'}{os.pathsep}{version / 'schema'}"}


async def start(database: Path | str, version: Path | None = None, /, **settings: str) -> Server:
    """Start a server on this SQLite file, or the database of this URL, and wait until it serves callers of every role.

    As `start_again`, which is for a database that knows them already.
    """
    server = await start_again(database, version, **settings)
    await logins.write(database)
    return server


async def start_again(database: Path | str, version: Path | None = None, /, **settings: str) -> Server:
    """Start a server on this SQLite file, or the database of this URL, and wait until it serves.

    Its port is one that the system chooses, unless it is given. `version` is the folder of another version of
    phaseline, to be run instead of the one here.

    Followers look at the log only when they are woken, unless `poll_seconds` is given: a wake-up that
    does not come is not to be hidden by a look that comes anyway.
    """
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "PHASELINE_DATABASE_URL": address(database),
        "PHASELINE_PORT": "0",
        "PHASELINE_LOG_FORMAT": "json",
        "PHASELINE_POLL_SECONDS": "3600",
        **_MUCH,
        **{f"PHASELINE_{name.upper()}": value for name, value in settings.items()},
    }
    process = await (forked.serve(environment) if version is None else _executed(version, environment))
    server = Server(process, database)
    await server.ready()
    return server


async def _executed(version: Path, environment: dict[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *program(version),
        "serve",
        env=environment | code_of(version),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        limit=2**20,
    )


@asynccontextmanager
async def serving(database: Path | str, version: Path | None = None, /, **settings: str) -> AsyncIterator[Server]:
    """The same for the length of a block."""
    server = await start(database, version, **settings)
    try:
        yield server
    finally:
        await server.stop()
