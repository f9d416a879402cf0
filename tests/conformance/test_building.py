"""`phaseline migrate` on PostgreSQL makes indexes while servers write, and what was half made once more."""

import asyncio
import os

from tests.conformance.stores import on_newest_postgresql, waits
from tests.support.database import address, migrate
from tests.support.postgres import Postgres
from tests.support.raw import Raw, connected
from tests.support.server import PHASELINE

INVALID = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
ON_ACTORS = "ix_audit_entries_actor_recorded_at_id"

DEPLOY = """
    INSERT INTO deploys (id, environment, ref, pipeline, status, attempt, sequence, started_by, started_at, updated_at)
    VALUES (:id, 'production', 'main', 'console', 'queued', 1, 1, 'anonymous', now(), now())
"""
ENTRY = """
    INSERT INTO audit_entries (deploy_id, sequence, kind, pipeline, environment, to_status, attempt, actor, recorded_at,
                               digest)
    SELECT id, 1, 'DEPLOY_STARTED', pipeline, environment, status, 1, started_by, started_at, repeat('0', 64)
    FROM deploys WHERE id = :id
"""


async def _start(server: Raw, deploy_id: str) -> None:
    """Record a deploy as a server of that revision does."""
    await server.execute("SET lock_timeout = 2000")
    await server.begin()
    await server.execute(DEPLOY, id=deploy_id)
    await server.execute(ENTRY, id=deploy_id)
    await server.commit()


async def _migrating(database: str) -> asyncio.subprocess.Process:
    environment = {"PATH": os.environ.get("PATH", os.defpath), "PHASELINE_DATABASE_URL": address(database)}
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(PHASELINE, "migrate", env=environment, stdout=pipe, stderr=pipe)


@on_newest_postgresql
async def test_servers_write_while_indexes_are_made(database: str, postgres: Postgres) -> None:
    await migrate(database, "0003")
    async with connected(database) as server, connected(database) as old:
        await _start(server, "one")
        # As it lies where an attempt was broken off.
        await old.execute(f"CREATE INDEX {ON_ACTORS} ON audit_entries (actor, recorded_at, id)")
        await old.execute(f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{ON_ACTORS}'::regclass")
        await old.begin()
        await old.execute("LOCK TABLE audit_entries IN ROW EXCLUSIVE MODE")  # as who appends has it
        migrating = await _migrating(database)
        await waits(postgres, database, "CREATE INDEX CONCURRENTLY")
        await _start(server, "other")
        second = await _migrating(database)
        _, said = await second.communicate()
        assert (second.returncode, "somebody else is migrating" in said.decode()) == (2, True)
        await old.roll_back()
        _, said = await migrating.communicate()
        assert migrating.returncode == 0, said
        assert f"making {ON_ACTORS}: " in said.decode()
        assert await old.execute(INVALID) == []
        assert await server.execute("SELECT version_num FROM alembic_version") == [("0006",)]
        assert await server.execute("SELECT deploy_id FROM audit_entries ORDER BY id") == [("one",), ("other",)]
