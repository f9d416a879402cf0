"""The verbs, where what they have read is not what is there."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import deploys, history
from phaseline.graph import GraphCache
from phaseline.identity import ANYBODY
from phaseline.store import Store
from phaseline_schema.records import Callback, DeployRecord, Start
from tests.support.database import drop, migrate
from tests.support.witness import written


async def test_a_deploy_that_is_not_where_it_was_read_is_not_written_and_nor_is_its_entry(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database's own guards would refuse it as well; here there are none."""
    await migrate(database)
    drop(database, "trigger")
    store = Store(f"sqlite:///{database}")
    graphs = GraphCache()
    wanted = Start("production", "main", "console", None)
    deploy = (await store.write(lambda connection: deploys.start(connection, graphs, ANYBODY, wanted))).deploy

    locked = history.locked

    async def elsewhere(connection: AsyncConnection, deploy_id: str) -> tuple[DeployRecord, str | None]:
        _, revision = await locked(connection, deploy_id)
        return replace(deploy, sequence=5), revision

    callback = Callback(deploy.id, "building", 1, None, None, None)
    with monkeypatch.context() as patched:
        patched.setattr(history, "locked", elsewhere)
        with pytest.raises(RuntimeError, match=f"{deploy.id} moved on"):
            await store.write(lambda connection: deploys.apply(connection, graphs, ANYBODY, callback))
    assert await store.read(lambda connection: history.deploy(connection, deploy.id)) == deploy
    assert written(database) == (1, 1)
    await store.close()
