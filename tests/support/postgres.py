"""A real PostgreSQL server of the tests' own, on a free port of this machine."""

import asyncio
import os
import pwd
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, Literal, Self

import asyncpg

from tests.support.ports import free_port
from tests.support.processes import children
from tests.tools import postgres as tools

Mode = Literal["smart", "fast", "immediate"]

PROGRAMS = tools.programs()

VERSIONS = list(PROGRAMS)
"""The major versions to be had on this machine, oldest first."""

MISSING = "PostgreSQL is not to be had here: npm has none that runs on this platform, and nobody has installed one"

_SIGNALS: dict[Mode, signal.Signals] = {
    "smart": signal.SIGTERM,
    "fast": signal.SIGINT,
    "immediate": signal.SIGQUIT,
}

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    # What it has written survives its own end, however sudden, without being pressed to the disk; a loss of power is no
    # test here. Pressed, a start after a crash takes half a minute, because every file of every database is.
    "fsync": "off",
    "log_line_prefix": "%m [%p] %q%a@%d ",
}


class Postgres:
    """One server with its data, its port, which stays the same when it starts again, and what it has logged so far."""

    def __init__(self, version: int, home: Path, **settings: str) -> None:
        """`home` is a folder that only this server uses; `settings` are PostgreSQL's own."""
        self._settings = {**_SETTINGS, **settings}
        self.version = version
        self.port = free_port()
        self.log: list[str] = []
        self._home = home
        self._programs = PROGRAMS[version]
        self._process: asyncio.subprocess.Process | None = None
        self._ready = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None
        self._paused: list[int] = []
        self._names = (f"phaseline_{number}" for number in count(1))

    async def create(self) -> None:
        """Make its data folder, with no database of ours in it."""
        if os.geteuid() == 0:
            await asyncio.to_thread(self._give_away)
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", *_locale()]
        making = await self._run("initdb", "-D", self._home / "data", *options)
        output, _ = await making.communicate()
        if making.returncode != 0:
            raise RuntimeError(f"initdb failed: {output.decode(errors='replace')}")

    async def start(self) -> None:
        """Start it, and wait until it accepts connections. A paused one goes on; a running one stays as it is."""
        self.resume()
        if self._process is not None:
            return
        self._ready.clear()
        settings = [f"--{name}={value}" for name, value in {**self._settings, "port": str(self.port)}.items()]
        self._process = await self._run("postgres", "-D", self._home / "data", *settings)
        self._reading = asyncio.create_task(self._read(self._process))
        waiting = asyncio.create_task(self._ready.wait())
        await asyncio.wait({waiting, self._reading}, return_when=asyncio.FIRST_COMPLETED)
        if not self._ready.is_set():
            waiting.cancel()
            await self._ended()
            raise RuntimeError("PostgreSQL ended:\n" + "\n".join(self.log[-20:]))

    async def stop(self, mode: Mode = "fast") -> None:
        """Stop it: `smart` waits for clients to leave, `fast` sends them away, `immediate` is as if it had crashed."""
        if self._process is None:
            return
        self._process.send_signal(_SIGNALS[mode])
        self.resume()
        await self._ended()

    async def restart(self, mode: Mode = "fast") -> None:
        """Stop it, start it again, and wait until it accepts connections."""
        await self.stop(mode)
        await self.start()

    async def pause(self) -> None:
        """Let all its processes stand still, connections open: nothing is answered and nothing refused."""
        assert self._process is not None
        # The first process goes first: it makes the others. They are asked for until there is no new one, because
        # one that was just being made is seen only by the second look.
        found = [self._process.pid]
        while found:
            for process in found:
                os.kill(process, signal.SIGSTOP)
            self._paused += found
            found = [child for child in await children(self._process.pid) if child not in self._paused]

    def resume(self) -> None:
        """Let them go on, where they were paused."""
        while self._paused:
            os.kill(self._paused.pop(), signal.SIGCONT)

    def url(self, name: str) -> str:
        """The URL of a database, as phaseline takes it."""
        return f"postgresql+asyncpg://postgres@127.0.0.1:{self.port}/{name}"

    async def database(self, name: str | None = None) -> str:
        """The URL of a database that this makes, empty."""
        made = name or next(self._names)
        await self.execute(f'CREATE DATABASE "{made}"')
        return self.url(made)

    async def execute(self, sql: str, *arguments: object, database: str = "postgres") -> str:
        """Execute a statement in a database, given by name or URL, as somebody who knows nothing of phaseline would."""
        async with self.connected(database) as connection:
            done: str = await connection.execute(sql, *arguments)
            return done

    async def fetch(self, sql: str, *arguments: object, database: str = "postgres") -> list[asyncpg.Record]:
        """The rows that a query finds in a database, given by name or URL."""
        async with self.connected(database) as connection:
            rows: list[asyncpg.Record] = await connection.fetch(sql, *arguments)
            return rows

    @asynccontextmanager
    async def connected(self, database: str = "postgres") -> AsyncIterator[asyncpg.Connection]:
        """A connection of the test's own, past the server."""
        name = database.rsplit("/", 1)[-1].split("?")[0]
        connection = await asyncpg.connect(host="127.0.0.1", port=self.port, user="postgres", database=name)
        try:
            yield connection
        finally:
            await connection.close()

    async def terminate(self, application_name_like: str) -> int:
        """Cut the connections of every application with a name like this, wait until they are gone, and count them."""
        cut = await self.fetch(
            """
            SELECT pg_terminate_backend(pid, 10000) AS gone FROM pg_stat_activity
            WHERE application_name LIKE $1 AND pid <> pg_backend_pid()
        """,
            application_name_like,
        )
        return sum(row["gone"] for row in cut)

    def _give_away(self) -> None:
        """PostgreSQL refuses to run as root: `nobody` gets the folder, and the programs where nobody can read them."""
        tree = self._programs.parent
        if tree.is_relative_to(tools.CACHE):
            self._programs = shutil.copytree(tree, self._home / "programs", symlinks=True) / "bin"
        owner = pwd.getpwnam("nobody")
        for path in [self._home, *self._home.rglob("*")]:
            os.chown(path, owner.pw_uid, owner.pw_gid, follow_symlinks=False)

    async def _run(self, program: str, *arguments: str | Path) -> asyncio.subprocess.Process:
        run_as: dict[str, Any] = {}
        if os.geteuid() == 0:
            owner = pwd.getpwnam("nobody")
            run_as = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        return await asyncio.create_subprocess_exec(
            self._programs / program,
            *arguments,
            cwd=self._home,
            # Its messages in English, whatever the machine speaks: one of them is waited for.
            env={"PATH": os.defpath, "LC_ALL": "C", **tools.libraries(self._programs)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            # Ctrl-C is for the tests, which then stop it themselves.
            start_new_session=True,
            **run_as,
        )

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for raw in process.stdout:
            line = raw.decode(errors="replace").rstrip()
            self.log.append(line)
            if "database system is ready to accept connections" in line:
                self._ready.set()

    async def _ended(self) -> None:
        """Wait until the first process, and every other that holds its log open, is gone."""
        assert self._process is not None
        assert self._reading is not None
        await self._process.wait()
        await self._reading
        self._process = None


class Clusters:
    """One server for each version, started when it is first asked for."""

    def __init__(self) -> None:
        self._running: dict[int, Postgres] = {}
        self._ending = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._ending.aclose()

    async def __call__(self, version: int) -> Postgres:
        """The server of this version, running even where the last test left it stopped or paused."""
        if version not in self._running:
            self._running[version] = await self._ending.enter_async_context(running(version))
        await self._running[version].start()
        return self._running[version]


@asynccontextmanager
async def running(version: int, **settings: str) -> AsyncIterator[Postgres]:
    """A server of this version for the length of a block; its data goes with it."""
    home = Path(tempfile.mkdtemp(prefix="phaseline-postgres-"))
    try:
        postgres = Postgres(version, home, **settings)
        await postgres.create()
        await postgres.start()
        try:
            yield postgres
        finally:
            # Nothing has to be kept: a farewell in good order would first write all that it holds to the disk.
            await postgres.stop("immediate")
    finally:
        await asyncio.to_thread(shutil.rmtree, home)


def _locale() -> list[str]:
    # macOS has no C.UTF-8; its C orders text in the same way.
    return ["--locale", "C" if os.uname().sysname == "Darwin" else "C.UTF-8"]
