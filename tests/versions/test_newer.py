"""A running server whose database a newer version migrates, or an operator takes down, under it."""

from pathlib import Path

from tests.support import logs, model
from tests.support.caller import Caller
from tests.support.database import settings_on
from tests.support.server import serving
from tests.support.viewer import PHASE_CHANGED, Viewer, viewing
from tests.versions import graphs
from tests.versions.conftest import on_postgresql
from tests.versions.operating import assert_faultless, migrate, readiness

TO_DEPLOYING = (*model.GATES, "building", "deploying")


async def _is_turned_away(node: Caller, deploy_id: str) -> None:
    """Whatever is asked of it, and nothing is written."""
    for answer in (
        await node.report(deploy_id, "building"),
        await node.report(deploy_id, "smoke_running"),
        await node.report(deploy_id, "paused"),
        await node.send('mutation { startDeploy(input: {environment: "x", ref: "x"}) { id } }'),
        await node.send("{ pipeline { name } }"),
        await node.send("query ($id: ID!) { deploy(id: $id) { status { key } } }", id=deploy_id),
        await node.send("query ($id: ID!) { deploy(id: $id) { phases { state } } }", id=deploy_id),
    ):
        assert (answer.status, answer.error) == (503, {"code": "WRONG_VERSION", "retryAfterSeconds": 2}), answer
    ready = await node.http.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (503, "wrong revision")


async def _is_told(viewer: Viewer, code: str) -> None:
    """That what it follows ends, and why."""
    message = await viewer.receive()
    assert message["type"] in ("error", "next"), message
    errors = message["payload"] if message["type"] == "error" else message["payload"]["errors"]
    assert [error["extensions"]["code"] for error in errors] == [code]


@on_postgresql
async def test_a_viewer_sees_a_phase_that_came_after_its_server(log: Path | str, newer_version: Path) -> None:
    settings = settings_on(log)
    async with serving(log, **settings) as here, Caller(here.url) as with_here, viewing(here.url) as viewer:
        deploy = await with_here.start()
        await with_here.walk(deploy["id"], *TO_DEPLOYING[:-1])
        await viewer.subscribe(PHASE_CHANGED, id=deploy["id"])
        await viewer.event()
        await with_here.walk(deploy["id"], TO_DEPLOYING[-1])
        assert len((await viewer.event())["deploy"]["phases"]) == 4
        await migrate(log, version=newer_version)
        async with viewing(here.url) as late:  # nothing new is in the log, and yet the graph is another
            await late.subscribe(PHASE_CHANGED, id=deploy["id"])
            assert len((await late.event())["deploy"]["phases"]) == 5
            await late.subscribe(PHASE_CHANGED, "back", id=deploy["id"], after=len(TO_DEPLOYING))
            assert len((await late.event("back"))["deploy"]["phases"]) == 5
        async with serving(log, newer_version, **settings) as newer, Caller(newer.url) as with_newer:
            assert await readiness(with_here) == await readiness(with_newer) == {"status": "ok", "revision": "0007"}
            await with_newer.walk(deploy["id"], "canary_running")
            event = await viewer.event()
            assert event["deploy"]["phases"][4] == {"key": "canary", "state": "ACTIVE", "attempt": 1}
            await with_here.walk(deploy["id"], "failed")
            event = await viewer.event()
            assert event["deploy"]["phases"][4] == {"key": "canary", "state": "FAILED", "attempt": 1}
            assert await with_here.deploy(deploy["id"]) == await with_newer.deploy(deploy["id"])
            assert await with_here.entries(deploy["id"]) == await with_newer.entries(deploy["id"])
    assert_faultless(here, newer)


async def test_a_running_server_does_no_more_work_on_what_only_newer_ones_may_work_on(
    log: Path | str, demanding_version: Path
) -> None:
    settings = settings_on(log)
    async with serving(log, **settings) as here, Caller(here.url) as with_here, viewing(here.url) as viewer:
        deploy = await with_here.start()
        await viewer.subscribe(PHASE_CHANGED, id=deploy["id"])
        await viewer.event()
        await migrate(log, version=demanding_version)
        before = await logs.read(log)
        await _is_turned_away(with_here, deploy["id"])
        assert await logs.read(log) == before
        async with serving(log, demanding_version, **settings) as newer, Caller(newer.url) as with_newer:
            await with_newer.walk(deploy["id"], *TO_DEPLOYING)
            await _is_told(viewer, "WRONG_VERSION")
        await migrate(log, "--to", "0006", version=demanding_version)
        assert await readiness(with_here) == {"status": "ok", "revision": "0006"}
        await with_here.walk(deploy["id"], "health_checking", "succeeded")
    assert_faultless(newer)


@on_postgresql
async def test_a_running_server_does_no_more_work_on_what_it_was_not_told_to_accept(
    log: Path | str, older_graph: Path, newer_graph: Path
) -> None:
    settings = settings_on(log)
    async with (
        serving(log, newer_graph, **settings) as here,
        serving(log, older_graph, **settings) as old,
        serving(log, newer_graph, accept_revision=graphs.OLDER, **settings) as told,
        Caller(here.url) as with_here,
        Caller(old.url) as with_old,
        Caller(told.url) as with_told,
    ):
        deploy = await with_here.start()
        await migrate(log, "--to", graphs.OLDER, version=newer_graph)
        before = await logs.read(log)
        await _is_turned_away(with_here, deploy["id"])
        assert await logs.read(log) == before
        await with_old.walk(deploy["id"], "building")
        await with_told.walk(deploy["id"], "deploying")
        await migrate(log, version=newer_graph)
        await with_here.walk(deploy["id"], "health_checking")
    assert_faultless(old, told)
