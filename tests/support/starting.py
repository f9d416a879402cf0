"""Deploys that are begun past the server, which does nothing for them by itself: no run is begun, and none waits."""

from pathlib import Path

from phaseline import deploys
from phaseline.graph import GraphCache
from phaseline.identity import ANYBODY
from phaseline.store import Store
from phaseline_schema.records import Start
from tests.support.database import address


async def start(database: Path | str, environment: str = "production") -> str:
    """One of this environment, be there such a one or not; its id."""
    store, graphs = Store(address(database)), GraphCache()
    wanted = Start(environment, "main", "console", None)
    try:
        return (await store.write(lambda connection: deploys.start(connection, graphs, ANYBODY, wanted))).deploy.id
    finally:
        await store.close()
