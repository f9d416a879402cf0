"""Making the indexes that a migration brings before it begins, while servers go on writing.

Inside of a transaction PostgreSQL keeps all writers waiting while it makes an index, and of a long log that takes
longer than callbacks can wait. SQLite knows no other way, and is left to the migration.
"""

from collections.abc import Callable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import revisions
from phaseline.databases.postgresql import MIGRATING, PostgreSQL
from phaseline.store import Store

# Told of each index that is about to be made.
Tell = Callable[[str], None]


async def build(store: Store, target: str, tell: Tell) -> None:
    """Make those of the migrations that lead up to this revision. Raises WrongRevision where somebody else migrates.

    What is there stays; what an attempt before this one has left unfinished is made anew.
    """
    async with store.reading() as connection:
        at = await revisions.current(connection)
    wanted = {} if at is None else revisions.indexes(at, target)
    if not wanted or not isinstance(store.database, PostgreSQL):
        return
    async with store.database.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        try:
            await _build(connection, wanted, tell)
        finally:
            await connection.invalidate()  # its locks and time-outs are nobody else's


async def _build(connection: AsyncConnection, wanted: dict[str, str], tell: Tell) -> None:
    # Who waits for the turn would be waited for in turn by whoever makes an index: so nobody does.
    turn = text("SELECT pg_try_advisory_lock(:number)")
    if not (await connection.execute(turn, {"number": MIGRATING})).scalar_one():
        raise revisions.WrongRevision("somebody else is migrating this database: run it again when they are done")
    for name in ("lock_timeout", "statement_timeout"):
        await connection.execute(text(f"SET {name} = 0"))
    for name, place in wanted.items():
        asked = text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")
        is_whole = (await connection.execute(asked, {"name": name})).scalar_one_or_none()
        if is_whole is False:
            await connection.execute(text(f"DROP INDEX CONCURRENTLY {name}"))
        if not is_whole:
            tell(name)
            await connection.execute(text(f"CREATE INDEX CONCURRENTLY {name} ON {place}"))
    await connection.execute(text("SELECT pg_advisory_unlock(:number)"), {"number": MIGRATING})
