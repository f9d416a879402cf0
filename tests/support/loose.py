"""A log that nothing guards, as somebody leaves it who owns the database and wants to change what it says."""

from pathlib import Path

from tests.support.raw import Raw, connected

TABLES = (
    *("environment_holds", "environment_queue", "dispatches", "used_id_tokens", "deploy_runs"),
    *("audit_entries", "deploys"),
)


async def loosen(database: Path | str) -> None:
    """Take triggers, constraints and types away, where the database's kind lets one; what the tables hold stays."""
    async with connected(database) as raw:
        await (_without_promises(raw) if raw.is_sqlite else _without_constraints(raw))


async def _without_promises(raw: Raw) -> None:
    """A table made of what another one holds has none of its promises, and computes nothing."""
    for (trigger,) in await raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
        await raw.execute(f"DROP TRIGGER {trigger}")
    for table in TABLES:
        await raw.execute(f"CREATE TABLE loose AS SELECT * FROM {table}")
        await raw.execute(f"DROP TABLE {table}")
        await raw.execute(f"ALTER TABLE loose RENAME TO {table}")


async def _without_constraints(raw: Raw) -> None:
    for table in TABLES:
        await raw.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        await raw.execute(f"DROP INDEX IF EXISTS uq_{table}_callback")
        promises = f"SELECT conname FROM pg_constraint WHERE conrelid = '{table}'::regclass"
        # What others refer to, last.
        for (name,) in await raw.execute(f"{promises} AND contype IN ('c', 'f', 'p', 'u') ORDER BY contype = 'p'"):
            await raw.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        for name, is_computed in await raw.execute(
            "SELECT attname, attgenerated <> '' FROM pg_attribute "
            f"WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped"
        ):
            await raw.execute(f"ALTER TABLE {table} ALTER COLUMN {name} DROP NOT NULL")
            if is_computed:
                await raw.execute(f"ALTER TABLE {table} ALTER COLUMN {name} DROP EXPRESSION")
