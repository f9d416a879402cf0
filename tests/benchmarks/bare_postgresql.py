"""The peer of the callbacks on PostgreSQL: recorded statements in bare loops. It imports nothing but the driver.

bare_postgresql.py RECORDING URL WARM_UP CONNECTIONS
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg

Transaction = list[tuple[str, list[Any]]]


def _kept(found: dict[str, Any]) -> Any:
    return datetime.fromisoformat(found["time"]) if found.keys() == {"time"} else found


async def replay(free: "asyncio.Queue[asyncpg.Connection]", transactions: Iterable[Transaction]) -> None:
    """One after the other, each over a connection that nobody else uses meanwhile."""
    for transaction in transactions:
        connection = await free.get()
        for statement, parameters in transaction:
            if parameters:
                await connection.fetch(statement, *parameters)
            else:
                await connection.execute(statement)
        free.put_nowait(connection)


async def main(deploys: list[list[Transaction]], url: str, warm_up: int, connections: int) -> None:
    """Replay the recording on a migrated database: every deploy in a loop of its own, if there are connections."""
    free: asyncio.Queue[asyncpg.Connection] = asyncio.Queue()
    for _ in range(connections):
        free.put_nowait(await asyncpg.connect(url))

    async def all_of(parts: Iterator[list[Transaction]]) -> float:
        began = time.perf_counter()
        await asyncio.gather(*(replay(free, part) for part in parts))
        return time.perf_counter() - began

    await all_of(one[: 1 + warm_up] for one in deploys)
    seconds = await all_of(one[1 + warm_up :] for one in deploys)
    total = sum(len(one) - 1 for one in deploys)
    connection = await free.get()
    transitions = await connection.fetchval("SELECT count(*) FROM audit_entries WHERE kind = 'TRANSITION'")
    if transitions != total:
        raise RuntimeError(f"{transitions} of {total} callbacks are in the log")
    print(json.dumps({"rate": (total - warm_up * len(deploys)) / seconds}))


if __name__ == "__main__":
    recorded = json.loads(Path(sys.argv[1]).read_text(), object_hook=_kept)
    asyncio.run(main(recorded["deploys"], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
