"""Raw SQL on either database, past the server, as somebody sends it who knows nothing of phaseline."""

import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import asyncpg

from tests.support import chain

_NAMED = re.compile(r"(?<![:\w]):([a-z_]+)")


class Refused(Exception):
    """A constraint or a guard of the database would not have it. The text is the database's."""


class Raw(Protocol):
    """One connection, which sets nothing. Statements hold `:name` where a value belongs.

    `next_id` is the expression for the id of an entry that is about to be written.
    """

    is_sqlite: bool
    next_id: str

    async def execute(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """The rows that come of it. Raises Refused; a transaction that has begun goes on."""

    async def begin(self) -> None:
        """Begin a transaction, as a writer."""

    async def commit(self) -> None:
        """Commit it."""

    async def roll_back(self) -> None:
        """Undo it."""


class _SQLite:
    is_sqlite = True
    next_id = "(SELECT coalesce(max(id), 0) + 1 FROM audit_entries)"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def execute(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        given = {name: _as_text(value) if isinstance(value, datetime) else value for name, value in values.items()}
        try:
            return self._connection.execute(statement, given).fetchall()
        except sqlite3.IntegrityError as error:
            raise Refused(str(error)) from error

    async def begin(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    async def commit(self) -> None:
        self._connection.execute("COMMIT")

    async def roll_back(self) -> None:
        self._connection.execute("ROLLBACK")


class _PostgreSQL:
    is_sqlite = False
    next_id = "nextval(pg_get_serial_sequence('audit_entries', 'id'))"

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._transaction: Any = None

    async def execute(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        names = list(dict.fromkeys(_NAMED.findall(statement)))
        numbered = _NAMED.sub(lambda found: f"${names.index(found[1]) + 1}", statement)
        try:
            async with self._connection.transaction():  # inside of another one, a savepoint
                rows = await self._connection.fetch(numbered, *(values[name] for name in names))
        except asyncpg.IntegrityConstraintViolationError as error:
            raise Refused(str(error)) from error
        return [tuple(row) for row in rows]

    async def begin(self) -> None:
        self._transaction = self._connection.transaction()
        await self._transaction.start()

    async def commit(self) -> None:
        await self._transaction.commit()

    async def roll_back(self) -> None:
        await self._transaction.rollback()


def _as_text(time: datetime) -> str:
    """As SQLAlchemy writes it, which SQLite compares as the text that it is."""
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


@asynccontextmanager
async def connected(database: Path | str) -> AsyncIterator[Raw]:
    """A connection to this SQLite file, or to the PostgreSQL database of this URL."""
    if isinstance(database, Path):
        file = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
        try:
            yield _SQLite(file)
        finally:
            file.close()
    else:
        connection = await asyncpg.connect(str(database).replace("+asyncpg", ""))
        try:
            yield _PostgreSQL(connection)
        finally:
            await connection.close()


@asynccontextmanager
async def unguarded(raw: Raw) -> AsyncIterator[None]:
    """For the length of a block no trigger stands in this connection's way. A block that fails leaves them off."""
    if raw.is_sqlite:
        found = await raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        for name, _ in found:
            await raw.execute(f"DROP TRIGGER {name}")
        yield
        for _, definition in found:
            await raw.execute(definition)
    else:
        await raw.execute("SET session_replication_role = replica")
        yield
        await raw.execute("SET session_replication_role = origin")


# What a transition makes of its deploy's row, beside its sequence, where it is recorded at the time of the start.
MOVED = """
    , status = CAST(:to_status AS VARCHAR(64)), updated_at = started_at, finished_at = CASE WHEN (
        SELECT outcome FROM pipeline_statuses
        WHERE pipeline = deploys.pipeline AND key = CAST(:to_status AS VARCHAR(64))
    ) <> 'IN_PROGRESS' THEN started_at END
"""


# What the next entry of a deploy is made of, behind the deploy's ref, the digest of the entry before, and the commit.
_GIVEN = ("id", "deploy_id", "sequence", "pipeline", "environment", "from_status", "attempt", "recorded_at")
_NEWEST = """
    SELECT ref, (SELECT digest FROM audit_entries WHERE deploy_id = deploys.id AND sequence = deploys.sequence),
           commit_sha, {next_id}, id, sequence + 1, pipeline, environment, status, attempt, started_at
    FROM deploys WHERE id = :deploy_id
"""


async def append(raw: Raw, deploy_id: str, to_status: str, *, refusal: str | None = None, times: int = 1) -> None:
    """Append entries to the log of a deploy, in the attempt that it is in, and tell nobody."""
    await raw.begin()
    for _ in range(times):
        ((ref, previous, commit, *row),) = await raw.execute(_NEWEST.format(next_id=raw.next_id), deploy_id=deploy_id)
        entry = dict(zip(_GIVEN, row, strict=True)) | {
            "kind": "CALLBACK_REFUSED" if refusal else "TRANSITION",
            "to_status": to_status,
            "actor": "anonymous",
            "refusal": refusal,
            "source": "CALLBACK",
        }
        entry["digest"] = chain.digest(entry, ref, previous, commit)
        await raw.execute(
            f"INSERT INTO audit_entries ({', '.join(entry)}) VALUES ({', '.join(f':{name}' for name in entry)})",
            **entry,
        )
        moved = "" if refusal else MOVED
        await raw.execute(
            f"UPDATE deploys SET sequence = sequence + 1{moved} WHERE id = :deploy_id",
            deploy_id=deploy_id,
            to_status=to_status,
        )
    await raw.commit()
