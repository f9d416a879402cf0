"""Our own server, with callers of every role, none of whom is ever too many."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.benchmarks.processes import Served, serving
from tests.support import logins
from tests.support.database import address
from tests.support.server import PHASELINE

# What one caller or one address would meet here, because all who call here are the same few.
LIFTED = (
    *("CALLBACKS_PER_MINUTE", "STARTS_PER_MINUTE", "READS_PER_MINUTE", "UNPROVEN_PER_MINUTE", "MAX_CONNECTIONS"),
    *("SOCKETS_PER_CALLER", "UNKNOWN_SOCKETS_PER_ADDRESS", "SUBSCRIPTIONS_PER_CALLER"),
)


@asynccontextmanager
async def serving_ours(database: Path | str, log: Path, port: int = 0) -> AsyncIterator[Served]:
    """A server on this file, or the database of this URL, for the length of a block."""
    settings = {"PHASELINE_DATABASE_URL": address(database), "PHASELINE_PORT": str(port)}
    settings |= {f"PHASELINE_{name}": "1000000" for name in LIFTED}
    async with serving([PHASELINE, "serve"], log, **settings) as served:
        await logins.write(database)
        yield served
