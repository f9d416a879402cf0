"""A reader sees one state of the log, however many statements it takes."""

from sqlalchemy import text

from phaseline.store import Store
from tests.conformance.conftest import Nodes
from tests.support.database import address


async def test_what_is_written_meanwhile_is_seen_by_the_next_reader(nodes: Nodes) -> None:
    caller, _ = nodes.callers
    deploy = await caller.start()
    store = Store(address(nodes.database))
    everything = [
        text(f"SELECT * FROM {table} WHERE {key} = :id ORDER BY 1")
        for table, key in (("deploys", "id"), ("audit_entries", "deploy_id"))
    ]
    count = text("SELECT count(*) FROM deploys")
    try:
        async with store.reading() as reader:
            found = [(await reader.execute(rows, {"id": deploy["id"]})).all() for rows in everything]
            deploys = (await reader.execute(count)).scalar_one()
            await caller.walk(deploy["id"], "smoke_running", "building")
            await caller.report(deploy["id"], "queued")
            await caller.start()
            assert [(await reader.execute(rows, {"id": deploy["id"]})).all() for rows in everything] == found
            assert (await reader.execute(count)).scalar_one() == deploys
        async with store.reading() as reader:
            assert len((await reader.execute(everything[1], {"id": deploy["id"]})).all()) == 4
            assert (await reader.execute(count)).scalar_one() == deploys + 1
    finally:
        await store.close()
