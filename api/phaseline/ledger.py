"""Writing the log: a deploy's row, an entry after the last one, and the row moved on to it."""

from dataclasses import asdict, replace

from sqlalchemy import ColumnElement, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline_schema.digests import digest
from phaseline_schema.records import DeployRecord, EntryRecord
from phaseline_schema.tables import audit_entries, deploys


async def begin(connection: AsyncConnection, deploy: DeployRecord) -> None:
    """Write the row of a new deploy."""
    await connection.execute(insert(deploys).values(asdict(deploy)))


async def append(connection: AsyncConnection, entry: EntryRecord, ref: str) -> EntryRecord:
    """Write an entry of a deploy of `ref`, and return it with its id and digest."""
    columns = audit_entries.c
    before = select(columns.digest).where(columns.deploy_id == entry.deploy_id, columns.sequence == entry.sequence - 1)
    found = (await connection.execute(select(_next_id(connection), before.scalar_subquery()))).one()
    entry = replace(entry, id=found[0])
    entry = replace(entry, digest=digest(entry, ref, found[1]))
    await connection.execute(insert(audit_entries).values(asdict(entry)))
    return entry


def _next_id(connection: AsyncConnection) -> ColumnElement[int]:
    """The id to give: it is part of what is hashed, so it has to be known before the entry is written."""
    if connection.dialect.name == "postgresql":
        return func.nextval(func.pg_get_serial_sequence(audit_entries.name, "id"))
    # The only writer there is. No entry is ever deleted, so no id comes twice.
    newest = select(func.max(audit_entries.c.id)).scalar_subquery()
    return func.coalesce(newest, 0) + 1


async def move(connection: AsyncConnection, before: DeployRecord, after: DeployRecord) -> None:
    """Write what has moved, if the row is still the one that was read."""
    result = await connection.execute(
        update(deploys).where(deploys.c.id == before.id, deploys.c.sequence == before.sequence).values(asdict(after))
    )
    if result.rowcount != 1:
        raise RuntimeError(f"deploy {before.id} moved on while its row was locked")
