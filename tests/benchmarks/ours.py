"""Our own server, with callers of every role, none of whom is ever too many."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.benchmarks.processes import serving
from tests.support import logins
from tests.support.server import PHASELINE

_LIMITS = (
    *("CALLBACKS_PER_MINUTE", "STARTS_PER_MINUTE", "READS_PER_MINUTE", "MAX_CONNECTIONS"),
    *("SOCKETS_PER_CALLER", "UNKNOWN_SOCKETS_PER_ADDRESS"),
)


@asynccontextmanager
async def serving_ours(database: Path) -> AsyncIterator[str]:
    """The address of a server on this file, for the length of a block."""
    settings = {"PHASELINE_DATABASE_URL": f"sqlite+aiosqlite:///{database}", "PHASELINE_PORT": "0"}
    settings |= {f"PHASELINE_{name}": "1000000" for name in _LIMITS}
    async with serving([PHASELINE, "serve"], database.with_suffix(".log"), **settings) as url:
        await logins.write(database)
        yield url
