"""The one clock that tells when an entry was recorded.

On PostgreSQL it is the server's: those of the nodes differ, and a phase could seem to end before it began.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, null, select
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline_schema.tables import UtcDateTime


async def now(connection: AsyncConnection) -> datetime:
    """The time, in UTC."""
    if connection.dialect.name == "postgresql":
        return told((await connection.execute(select(asked("postgresql")))).scalar_one())
    return told(None)


def asked(dialect: str) -> ColumnElement[Any]:
    """What a statement selects that asks for the time beside other things."""
    return func.clock_timestamp(type_=UtcDateTime()) if dialect == "postgresql" else null()


def told(answer: datetime | None) -> datetime:
    """The time, by what came of that."""
    return datetime.now(UTC) if answer is None else answer
