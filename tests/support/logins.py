"""Callers of every role, written straight into a database, so that tests have somebody to call as."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncpg

# Whole tokens, checksum included. Anybody can read them here, so they are in no database but those of tests.
OPERATOR = "phl_testtesttesttesttesttesttesttestoperator1JKlvS"
WORKFLOW = "phl_testtesttesttesttesttesttesttestworkflow4kykfV"
VIEWER = "phl_testtesttesttesttesttesttesttestteviewer3daGIa"
TOOL = "phl_testtesttesttesttesttesttesttesttesttool2SZZ85"
# One of a workflow's that was revoked.
REVOKED = "phl_testtesttesttesttesttesttesttestrevoked14osHhN"
TOKENS = {"operator": OPERATOR, "workflow": WORKFLOW, "viewer": VIEWER, "tool": TOOL}

# What the cookie of a browser holds that is signed in as an operator.
COOKIE = "the-cookie-of-a-browser-that-is-signed-in"

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_LATER = datetime(2999, 1, 1, tzinfo=UTC)


def bearer(token: str) -> dict[str, str]:
    """The header that a request with this token has."""
    return {"authorization": f"Bearer {token}"}


def token_for(query: str) -> str:
    """The token of a caller who may send this document: a workflow where it reports, else an operator."""
    return WORKFLOW if "applyCallback" in query else OPERATOR


async def write(database: Path | str) -> None:
    """Write them into the SQLite file, or the database of this URL, if they are not there yet.

    An older version's database has no place for them, and its server asks for none.
    """
    if str(database).startswith("postgresql"):
        await _to_postgresql(str(database))
    else:
        _to_sqlite(str(database).removeprefix("sqlite:///"))


def _rows() -> list[tuple[str, dict[str, Any]]]:
    made = [
        ("tokens", {"id": role, "name": role, "role": role, "hash": _hash(token), "created_at": _NOW})
        for role, token in TOKENS.items()
    ]
    revoked = {"id": "revoked", "name": "revoked", "role": "workflow", "hash": _hash(REVOKED), "created_at": _NOW}
    made.append(("tokens", revoked | {"revoked_at": _NOW}))
    sign_in = {"id": "browser", "hash": _hash(COOKIE), "name": "token:operator", "role": "operator"}
    return [*made, ("sign_ins", sign_in | {"created_at": _NOW, "expires_at": _LATER})]


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def _to_sqlite(file: str) -> None:
    with closing(sqlite3.connect(file, timeout=30)) as connection, connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'tokens'").fetchone():
            return
        for table, row in _rows():
            values = [
                str(value).removesuffix("+00:00") if isinstance(value, datetime) else value for value in row.values()
            ]
            marks = ", ".join("?" for _ in row)
            connection.execute(f"INSERT OR IGNORE INTO {table} ({', '.join(row)}) VALUES ({marks})", values)


async def _to_postgresql(url: str) -> None:
    connection = await asyncpg.connect(url.replace("+asyncpg", "", 1))
    try:
        if not await connection.fetchval("SELECT to_regclass('tokens') IS NOT NULL"):
            return
        for table, row in _rows():
            marks = ", ".join(f"${number}" for number in range(1, len(row) + 1))
            insert = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks}) ON CONFLICT DO NOTHING"
            await connection.execute(insert, *row.values())
    finally:
        await connection.close()
