"""`phaseline migrate` on PostgreSQL makes indexes while servers write, and what was half made once more."""

import asyncio
import os

from tests.conformance.stores import on_newest_postgresql, waits
from tests.support.caller import Caller
from tests.support.database import address, migrate
from tests.support.postgres import Postgres
from tests.support.raw import connected
from tests.support.server import PHASELINE, serving

INVALID = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
ON_ACTORS = "ix_audit_entries_actor_recorded_at_id"


async def _migrating(database: str) -> asyncio.subprocess.Process:
    environment = {"PATH": os.environ.get("PATH", os.defpath), "PHASELINE_DATABASE_URL": address(database)}
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(PHASELINE, "migrate", env=environment, stdout=pipe, stderr=pipe)


@on_newest_postgresql
async def test_servers_write_while_indexes_are_made(database: str, postgres: Postgres) -> None:
    await migrate(database, "0003")
    async with (
        serving(database, accept_revision="0003") as server,
        Caller(server.url) as caller,
        connected(database) as old,
    ):
        await caller.start()
        # As it lies where an attempt was broken off.
        await old.execute(f"CREATE INDEX {ON_ACTORS} ON audit_entries (actor, recorded_at, id)")
        await old.execute(f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{ON_ACTORS}'::regclass")
        await old.begin()
        await old.execute("LOCK TABLE audit_entries IN ROW EXCLUSIVE MODE")  # as who appends has it
        migrating = await _migrating(database)
        await waits(postgres, database, "CREATE INDEX CONCURRENTLY")
        other = await caller.start()
        await caller.walk(other["id"], "building", "deploying")
        second = await _migrating(database)
        _, said = await second.communicate()
        assert (second.returncode, "somebody else is migrating" in said.decode()) == (2, True)
        await old.roll_back()
        _, said = await migrating.communicate()
        assert migrating.returncode == 0, said
        assert f"making {ON_ACTORS}: " in said.decode()
        assert await old.execute(INVALID) == []
        assert (await caller.http.get("/readyz")).json() == {"status": "ok", "revision": "0004"}
