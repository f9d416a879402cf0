"""The peer of the callbacks on SQLite: recorded statements in a bare loop. It imports nothing but the library.

bare_loop.py RECORDING DATABASE WARM_UP
"""

import json
import os
import sqlite3
import statistics
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def replay(connection: sqlite3.Connection, transactions: Iterable[list[tuple[str, list[Any]]]]) -> float:
    """Send them all, and say how many seconds it took."""
    began = time.perf_counter()
    for transaction in transactions:
        for statement, parameters in transaction:
            connection.execute(statement, parameters).fetchall()
    return time.perf_counter() - began


def write_through(path: Path, times: int = 100) -> float:
    """How long the disk takes to keep one page more of a file: the median, in milliseconds."""
    taken = []
    with path.open("wb", buffering=0) as file:
        for _ in range(times):
            began = time.perf_counter()
            file.write(bytes(4096))
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - began)
    path.unlink()
    return statistics.median(taken) * 1000


def main(recording: Path, database: Path, warm_up: int) -> None:
    """Replay the recording on a migrated file."""
    recorded = json.loads(recording.read_text())
    connection = sqlite3.connect(database, isolation_level=None)
    for name, value in recorded["pragmas"].items():
        connection.execute(f"PRAGMA {name} = {value}")
    seconds, total = 0.0, 0
    for transactions in recorded["deploys"]:
        replay(connection, transactions[: 1 + warm_up])
        seconds += replay(connection, transactions[1 + warm_up :])
        total += len(transactions) - 1
    (transitions,) = connection.execute("SELECT count(*) FROM audit_entries WHERE kind = 'TRANSITION'").fetchone()
    connection.close()
    if transitions != total:
        raise RuntimeError(f"{transitions} of {total} callbacks are in the log")
    rate = (total - warm_up * len(recorded["deploys"])) / seconds
    print(json.dumps({"rate": rate, "write_through": write_through(database.with_suffix(".page"))}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
