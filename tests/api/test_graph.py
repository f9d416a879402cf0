"""The graphs in force are the rows that the database holds, at every moment."""

from pathlib import Path

from phaseline import graph
from phaseline.store import Store
from phaseline_schema.pipelines import PIPELINES
from tests.support.application import in_this_process
from tests.support.caller import Caller
from tests.support.database import address, change, migrate
from tests.support.server import serving
from tests.support.viewer import PHASE_CHANGED, viewing


async def test_what_the_database_holds_is_what_the_code_declares(database: Path) -> None:
    await migrate(database)
    store = Store(address(database))
    assert dict(await store.read(graph.in_force)) == PIPELINES
    await store.close()


async def test_a_pipeline_that_the_database_does_not_hold_is_none(database: Path) -> None:
    async with in_this_process(database) as caller:
        start = 'mutation { startDeploy(input: {environment: "x", ref: "x", pipeline: "canary"}) { id } }'
        for document in (start, '{ pipeline(name: "canary") { name } }'):
            answer = await caller.send(document)
            assert (answer.status, answer.code) == (422, "PIPELINE_NOT_FOUND")
            assert answer.body["errors"][0]["message"].endswith("there are: console")
        await caller.walk((await caller.start())["id"], "building")


async def test_a_pipeline_that_is_rows_in_the_database_and_no_code_is_walked_and_followed(database: Path) -> None:
    """A newer version may have brought it."""
    await migrate(database)
    for statement in (
        "INSERT INTO pipeline_phases SELECT 'canary', key, 'Canary ' || label, position FROM pipeline_phases",
        "INSERT INTO pipeline_statuses SELECT 'canary', key, label, position, phase, outcome FROM pipeline_statuses",
        "INSERT INTO pipeline_assertions SELECT 'canary', status, phase, state FROM pipeline_assertions",
        "INSERT INTO pipeline_transitions SELECT 'canary', from_status, to_status, why, new_attempt, reported_by "
        "FROM pipeline_transitions",
    ):
        change(database, statement)
    async with serving(database) as server, Caller(server.url) as caller:
        deploy = await caller.start(pipeline="canary")
        async with viewing(server.url) as viewer:
            await viewer.subscribe(PHASE_CHANGED, id=deploy["id"])
            assert (await viewer.event())["deploy"]["status"]["key"] == "queued"
            await caller.walk(deploy["id"], "smoke_running")
            assert (await viewer.event())["deploy"]["phases"][0]["state"] == "ACTIVE"
