"""Webhooks that have had their effect, by the ids that GitHub gives them: one that comes again has none.

One whose effect is still to come is not kept, so that it may be sent again by hand.
"""

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline.databases import clock
from phaseline.databases.inserting import insert
from phaseline_schema.tables import webhook_deliveries

# GitHub lets one be sent again for three days.
_KEPT = timedelta(days=7)

# How many are forgotten at a time, so that no delivery waits for long.
_AT_ONCE = 100


async def came_before(connection: AsyncConnection, delivery_id: str) -> bool:
    """Whether it has had its effect."""
    columns = webhook_deliveries.c
    return (await connection.execute(select(columns.id).where(columns.id == delivery_id))).first() is not None


async def remember(connection: AsyncConnection, delivery_id: str) -> None:
    """Keep that it has, and forget some of those that do not come again."""
    now = await clock.now(connection)
    await _forget(connection, now)
    # The same one may come twice at once; what the second one says is then nothing new.
    kept = insert(connection, webhook_deliveries).values(id=delivery_id, received_at=now)
    await connection.execute(kept.on_conflict_do_nothing())


async def _forget(connection: AsyncConnection, now: datetime) -> None:
    """Those that somebody else is just forgetting are left to him."""
    columns = webhook_deliveries.c
    gone = select(columns.id).where(columns.received_at < now - _KEPT).limit(_AT_ONCE)
    await connection.execute(delete(webhook_deliveries).where(columns.id.in_(gone.with_for_update(skip_locked=True))))
