"""Writing the log: a deploy's row, an entry after the last one, and the row moved on to it."""

from dataclasses import asdict, replace

from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline_schema.records import DeployRecord, EntryRecord
from phaseline_schema.tables import audit_entries, deploys


async def begin(connection: AsyncConnection, deploy: DeployRecord) -> None:
    """Write the row of a new deploy."""
    await connection.execute(insert(deploys).values(asdict(deploy)))


async def append(connection: AsyncConnection, entry: EntryRecord) -> EntryRecord:
    """Write an entry, and return it with the id that the database gave it."""
    content = asdict(entry)
    del content["id"]
    appended = insert(audit_entries).values(content).returning(audit_entries.c.id)
    return replace(entry, id=(await connection.execute(appended)).scalar_one())


async def move(connection: AsyncConnection, before: DeployRecord, after: DeployRecord) -> None:
    """Write what has moved, if the row is still the one that was read."""
    result = await connection.execute(
        update(deploys).where(deploys.c.id == before.id, deploys.c.sequence == before.sequence).values(asdict(after))
    )
    if result.rowcount != 1:
        raise RuntimeError(f"deploy {before.id} moved on while its row was locked")
