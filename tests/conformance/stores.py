"""The kinds of database that the suite runs on: SQLite, and the oldest and the newest PostgreSQL to be had."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from tests.support.postgres import VERSIONS, Postgres

SQLITE = "sqlite"
POSTGRESQL = [f"postgresql {version}" for version in dict.fromkeys(VERSIONS[:1] + VERSIONS[-1:])]
KINDS = [SQLITE, *POSTGRESQL]

# For tests of what only the one or the other does; the last for those that take long and do not hang on the version.
on_sqlite = pytest.mark.parametrize("store", [SQLITE], indirect=True)
on_postgresql = pytest.mark.parametrize("store", POSTGRESQL, indirect=True)
on_newest_postgresql = pytest.mark.parametrize("store", POSTGRESQL[-1:], indirect=True)


@dataclass
class Store:
    """A kind of database, and where databases of it are made."""

    kind: str
    folder: Path
    postgres: Postgres | None
    _numbers: Callable[[], int] = field(default_factory=lambda: count(1).__next__)

    async def empty(self) -> Path | str:
        """A database that nobody has migrated: a file that does not exist yet, or a URL."""
        if self.postgres is not None:
            return await self.postgres.database()
        return self.folder / f"{self._numbers()}.db"

    @property
    def poll_seconds(self) -> str:
        """How often nodes look by themselves: so seldom that nothing but NOTIFY can have told them, where that is."""
        return "0.2" if self.postgres is None else "3600"


async def waits(postgres: Postgres, database: Path | str, statement: str) -> None:
    """Return when a session waits for a lock with a statement that holds these words."""
    waiting = """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = $1 AND wait_event_type = 'Lock' AND query LIKE $2
    """
    name = str(database).rsplit("/", 1)[-1]
    async with postgres.connected() as connection:
        for _ in range(500):  # nobody tells of it
            if await connection.fetchval(waiting, name, f"%{statement}%"):
                return
            await asyncio.sleep(0.02)
    raise AssertionError(f"nothing waits with {statement!r}")
