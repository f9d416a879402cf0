"""What a server has logged and written, seen from outside."""

import re
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.support.caller import Caller
from tests.support.server import Server
from tests.support.waiting import until

# What an answer would hold if the inside of the server showed through.
_INSIDE = re.compile(
    r"Traceback|sqlalchemy|sqlite3|site-packages|\.py\b|phaseline_schema|strawberry|0x[0-9a-f]{6}", re.I
)


def faults(server: Server) -> list[dict[str, Any]]:
    """The lines of its log that no caller, however odd, may cause."""
    return [line for line in server.log if line.get("level") not in ("debug", "info", "warning") or "exception" in line]


async def lines_on(server: Server, deploy_id: str, count: int) -> list[dict[str, Any]]:
    """The lines of its log on a deploy, `count` of them or more, without when and by which module."""

    def lines() -> list[dict[str, Any]]:
        return [line for line in server.log if line.get("deploy") == deploy_id]

    await until(lambda: len(lines()) >= count)  # they come through a pipe
    return [{name: line[name] for name in line.keys() - {"timestamp", "logger"}} for line in lines()]


async def heard(server: Server) -> None:
    """Return when all that it has logged so far has come through its pipe: by then, what it is made to log next has."""
    async with Caller(server.url) as caller:
        deploy = await caller.start()
        await caller.walk(deploy["id"], "failed")  # so that nobody waits for its environment
    await lines_on(server, deploy["id"], 2)


@asynccontextmanager
async def faultless(server: Server) -> AsyncIterator[None]:
    """A block in which the server logs none of them."""
    before = len(faults(server))
    yield
    await heard(server)
    assert not faults(server)[before:]


def written(database: Path) -> tuple[int, int]:
    """How many deploys and how many audit entries there are."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        (deploys,) = connection.execute("SELECT count(*) FROM deploys").fetchone()
        (entries,) = connection.execute("SELECT count(*) FROM audit_entries").fetchone()
        return deploys, entries


def clear_codes(errors: list[dict[str, Any]]) -> list[str]:
    """The codes of errors, each of which has to have one and to keep the inside of the server to itself."""
    assert errors
    for error in errors:
        assert error["message"], error
        assert not _INSIDE.search(str(error)), error
        assert error["extensions"]["code"] != "INTERNAL_SERVER_ERROR", error
    return [error["extensions"]["code"] for error in errors]


@contextmanager
def grows_less_than(server: Server, megabytes: int) -> Iterator[None]:
    """A block in which the server never has so much more memory than before, not even for a moment; on a system that
    does not tell, the test is skipped."""
    process = Path(f"/proc/{server.process.pid}")
    if not (process / "clear_refs").exists():
        pytest.skip("this system does not tell how much memory a process has had")
    (process / "clear_refs").write_text("5")  # the most that it has had is counted from now on
    before = _most_kilobytes(process)
    yield
    assert _most_kilobytes(process) - before < megabytes * 1024


def _most_kilobytes(process: Path) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", (process / "status").read_text())
    assert found
    return int(found[1])


def sockets(server: Server) -> int:
    """How many sockets it has open; on a system that does not tell, the test is skipped."""
    directory = Path(f"/proc/{server.process.pid}/fd")
    if not directory.exists():
        pytest.skip("this system does not tell what a process has open")
    count = 0
    for entry in directory.iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            count += entry.readlink().name.startswith("socket:")
    return count


async def sockets_fall_to(server: Server, count: int) -> bool:
    """Whether it closes those of vanished viewers within some seconds."""
    with suppress(TimeoutError):
        await until(lambda: sockets(server) <= count)
    return sockets(server) <= count
