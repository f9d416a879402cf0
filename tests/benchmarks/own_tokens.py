"""A token for each of many viewers, written past the server."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from phaseline.callers import secret


def write(database: Path, count: int) -> list[str]:
    """So many tokens of viewers; each is a caller of its own."""
    made = [secret.new_token() for _ in range(count)]
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    rows = [(f"own-{number}", f"own-{number}", secret.hashed(token), now) for number, token in enumerate(made)]
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        connection.execute("DELETE FROM tokens WHERE id LIKE 'own-%'")
        connection.executemany(
            "INSERT INTO tokens (id, name, role, hash, created_at) VALUES (?, ?, 'viewer', ?, ?)", rows
        )
    return made
