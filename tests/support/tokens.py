"""Tokens of a test's own, made and ended past the server, as the `phaseline` command does it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from phaseline.callers import tokens
from phaseline.store import Store
from phaseline_schema.rights import Role
from tests.support.database import address


async def make(database: Path | str, name: str, role: str = "viewer", lifetime: timedelta | None = None) -> str:
    """A token of this name, for all environments."""
    async with _store(database) as store:
        _, token = await store.write(lambda connection: tokens.create(connection, name, Role(role), None, lifetime))
    return token


async def revoke(database: Path | str, name: str) -> None:
    """End it."""
    async with _store(database) as store:
        assert await store.write(lambda connection: tokens.revoke(connection, name))


async def was_used(database: Path | str, name: str) -> bool:
    """Whether a use of it was written down."""
    async with _store(database) as store:
        return any(token.last_used_at for token in await store.read(tokens.every) if token.name == name)


@asynccontextmanager
async def _store(database: Path | str) -> AsyncIterator[Store]:
    store = Store(address(database))
    try:
        yield store
    finally:
        await store.close()
