"""What a server has logged and written, seen from outside."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import Server

# What an answer would hold if the inside of the server showed through.
_INSIDE = re.compile(
    r"Traceback|sqlalchemy|sqlite3|site-packages|\.py\b|phaseline_schema|strawberry|0x[0-9a-f]{6}", re.I
)


def faults(server: Server) -> list[dict[str, Any]]:
    """The lines of its log that no caller, however odd, may cause."""
    return [line for line in server.log if line.get("level") not in ("debug", "info", "warning") or "exception" in line]


async def lines_on(server: Server, deploy_id: str, count: int) -> list[dict[str, Any]]:
    """The lines of its log on a deploy, `count` of them or more, without when and by which module."""
    for _ in range(100):  # they come through a pipe
        lines = [line for line in server.log if line.get("deploy") == deploy_id]
        if len(lines) >= count:
            break
        await asyncio.sleep(0.02)
    return [{name: line[name] for name in line.keys() - {"timestamp", "logger"}} for line in lines]


@asynccontextmanager
async def faultless(server: Server) -> AsyncIterator[None]:
    """A block in which the server logs none of them."""
    before = len(faults(server))
    yield
    await asyncio.sleep(0.3)  # what it logs comes through a pipe
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
    for _ in range(100):
        if sockets(server) <= count:
            return True
        await asyncio.sleep(0.05)
    return False
