"""A callback that comes in while a migration is under way: PostgreSQL lets both go on, SQLite never does."""

import asyncio
from pathlib import Path

import pytest

from phaseline import resources, revisions
from phaseline.store import Store
from tests.conformance.stores import waits
from tests.support.caller import Caller
from tests.support.consistency import assert_consistent
from tests.support.database import migrate
from tests.support.postgres import MISSING, VERSIONS, Clusters
from tests.support.server import serving
from tests.versions import graphs
from tests.versions.operating import assert_faultless


def _migrate_as(version: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Migrate, in this process, by the migrations of another version."""
    monkeypatch.setattr(resources, "find", lambda relative: version / relative)
    for name in ("newest", "_known"):  # which remember the migrations that other tests had here
        monkeypatch.setattr(revisions, name, getattr(revisions, name).__wrapped__)


@pytest.mark.skipif(not VERSIONS, reason=MISSING)
@pytest.mark.parametrize(
    ("origin", "target", "code"),
    [(graphs.OLDER, graphs.NEWER, None), (graphs.NEWER, graphs.OLDER, "UNKNOWN_STATUS")],
    ids=["up", "down"],
)
async def test_a_callback_is_judged_along_the_graph_that_the_migration_leaves(
    clusters: Clusters,
    newer_graph: Path,
    monkeypatch: pytest.MonkeyPatch,
    origin: str,
    target: str,
    code: str | None,
) -> None:
    _migrate_as(newer_graph, monkeypatch)
    postgres = await clusters(VERSIONS[-1])
    database = await postgres.database()
    await migrate(database, origin)
    store = Store(database)
    async with serving(database, newer_graph, accept_revision=graphs.OLDER) as server, Caller(server.url) as caller:
        deploy = await caller.start()
        async with store.migrating() as connection:
            await revisions.migrate(connection, target)
            reporting = asyncio.create_task(caller.report(deploy["id"], "smoke_running"))
            await waits(postgres, database, "")
        assert (await reporting).code == code
        await assert_consistent(database, server.url, was_older=True)
    await store.close()
    assert_faultless(server)


@pytest.mark.skipif(not VERSIONS, reason=MISSING)
async def test_a_migration_waits_for_the_callbacks_that_were_there_before_it(
    clusters: Clusters, newer_graph: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would count the moves that stand in its way before the last of them is written."""
    _migrate_as(newer_graph, monkeypatch)
    postgres = await clusters(VERSIONS[-1])
    database = await postgres.database()
    async with serving(database, newer_graph) as server, Caller(server.url) as caller:
        deploy = await caller.start()
        async with postgres.connected(database) as blocking:
            holding = blocking.transaction()
            await holding.start()
            # The callback has been judged, and waits for what it is to write to.
            await blocking.execute("LOCK TABLE audit_entries IN SHARE MODE")
            reporting = asyncio.create_task(caller.report(deploy["id"], "smoke_running"))
            await waits(postgres, database, "INSERT INTO audit_entries")
            migrating = asyncio.create_task(migrate(database, graphs.OLDER))
            await waits(postgres, database, "LOCK TABLE alembic_version")
            await holding.rollback()
        assert (await reporting).code is None
        with pytest.raises(revisions.WouldLose, match="1 audit entries"):
            await migrating
        await assert_consistent(database, server.url)
    assert_faultless(server)
