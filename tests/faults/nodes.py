"""Nodes: server processes on one database, each of which comes back to its own port."""

import asyncio
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from tests.faults.history import Away
from tests.support.ports import free_port
from tests.support.server import Server, start, start_again
from tests.support.witness import faults

# How long a node may take to start, or to become ready, in seconds: on a busy machine, and while the database is away.
_PATIENCE = 90.0


# What a node may say of a database that is away, as the faults make it.
_AWAY = ("database unavailable", "the database does not answer, and viewers are told so")


@dataclass
class Node:
    """One of them, over all its processes."""

    name: str
    database: Path | str
    settings: dict[str, str]
    port: int = field(default_factory=free_port)
    url: str = ""
    starts: int = 0
    longest_start: float = 0.0  # in seconds
    memory: list[tuple[float, int]] = field(default_factory=list)  # age of the process in seconds, and KiB held
    _server: Server | None = None
    _since: float = 0.0
    cut_off: int = 0  # viewers that did not read
    _away: list[Away] = field(default_factory=list)
    _complaints: list[str] = field(default_factory=list)
    _alone: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def start(self) -> None:
        """Start it, on the port that it had before. While the database is away it cannot; so it is tried again."""
        given: dict[str, Any] = {**self.settings, "port": str(self.port)}
        starting = start_again if self.starts else start
        refused = None
        began = time.monotonic()
        try:
            async with asyncio.timeout(_PATIENCE):
                while True:
                    try:
                        self._server = await starting(self.database, **given)
                        break
                    except RuntimeError as error:
                        refused = error
                        await asyncio.sleep(0.2)
        except TimeoutError:
            raise TimeoutError(f"{self.name} does not start") from refused
        self.longest_start = max(self.longest_start, time.monotonic() - began)
        self.url = self._server.url
        self.starts += 1
        self._since = time.monotonic()

    async def kill(self, seconds: float) -> None:
        """Kill it, and start it again after so many seconds."""
        async with self._alone:
            await self._running.kill()
            self._keep_log()
            await asyncio.sleep(seconds)
            await self.start()

    async def end(self) -> None:
        """Tell it to end, as whoever replaces it does, and start it again."""
        async with self._alone:
            async with asyncio.timeout(_PATIENCE):
                code = await self._running.stop()
            if code != 0:
                self._complaints.append(f"{self.name}: told to end, it ended with {code}")
            self._keep_log()
            await self.start()

    async def freeze(self, seconds: float) -> None:
        """Let it stand still for so many seconds."""
        async with self._alone:
            self._running.freeze()
            try:
                await asyncio.sleep(seconds)
            finally:
                self._running.thaw()

    async def close(self) -> None:
        """End it for good."""
        if self._server is not None:
            await self._server.stop()

    async def ready(self) -> None:
        """Wait until it says that it is; raises TimeoutError where it does not in good time."""
        async with asyncio.timeout(_PATIENCE), httpx.AsyncClient(base_url=self.url, trust_env=False) as http:
            while True:
                with suppress(httpx.TransportError):
                    if (await http.get("/readyz", timeout=5)).status_code == 200:
                        return
                await asyncio.sleep(0.1)

    def complaints(self) -> list[str]:
        """What it has logged since this was last asked, in all its processes, that no caller may cause."""
        self._keep_log()
        found, self._complaints = self._complaints, []
        return found

    def said_away(self) -> list[Away]:
        """What it has logged of a database that does not answer, since this was last asked."""
        self._keep_log()
        found, self._away = self._away, []
        return found

    def _keep_log(self) -> None:
        self.cut_off += sum(line["event"].startswith("viewer cut off") for line in self._running.log)
        for line in faults(self._running):
            if line["event"] in _AWAY:
                at = _moment(line["timestamp"])
                self._away.append(Away(self.name, f"{line['event']}: {_last_line(line)}", at, at))
            else:
                self._complaints.append(f"{self.name} logged {line}")
        self._running.log.clear()

    def note_memory(self) -> None:
        """Note how much memory it holds, where the system tells."""
        with suppress(OSError):
            status = Path(f"/proc/{self._running.process.pid}/status").read_text()
            if found := re.search(r"VmRSS:\s+(\d+) kB", status):
                self.memory.append((time.monotonic() - self._since, int(found[1])))

    @property
    def _running(self) -> Server:
        assert self._server is not None
        return self._server


def _moment(timestamp: str) -> float:
    """A time of the log, on the clock that measures."""
    return datetime.fromisoformat(timestamp).timestamp() - time.time() + time.monotonic()


def _last_line(line: dict[str, Any]) -> str:
    """What kind of error a line of the log is about."""
    text = str(line.get("exception") or line.get("error", "")).rstrip().rsplit("\n", 1)[-1]
    return text[:200]
