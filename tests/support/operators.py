"""Operators of some environments alone."""

from pathlib import Path

from phaseline.callers import tokens
from phaseline.store import Store
from phaseline_schema.rights import Role
from tests.support.database import address


async def operator_for(database: Path | str, *environments: str) -> str:
    """The token of a new one, who may start and steer deploys of these and of no other."""
    store, name = Store(address(database)), "-".join(environments)
    _, token = await store.write(
        lambda connection: tokens.create(connection, name, Role.OPERATOR, set(environments), None)
    )
    await store.close()
    return token
