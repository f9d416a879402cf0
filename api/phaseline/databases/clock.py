"""The one clock that tells when an entry was recorded."""

from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline_schema.tables import UtcDateTime


async def now(connection: AsyncConnection) -> datetime:
    """The time, in UTC.

    On PostgreSQL by the server's clock: those of the nodes differ, and a phase could seem to end before it began.
    """
    if connection.dialect.name == "postgresql":
        return (await connection.execute(select(func.clock_timestamp(type_=UtcDateTime())))).scalar_one()
    return datetime.now(UTC)
