"""A server on a database whose graph is older than its own, or changes under it."""

from pathlib import Path

from tests.support import model
from tests.support.caller import Caller
from tests.support.database import change
from tests.support.server import serving
from tests.support.viewer import PHASE_CHANGED, viewing
from tests.versions import graphs
from tests.versions.operating import migrate, readiness


async def test_an_older_database_is_served_along_the_older_graph_where_that_is_accepted(
    database: Path, newer_graph: Path
) -> None:
    await migrate(database, "--to", graphs.OLDER, version=newer_graph)
    async with serving(database, newer_graph, accept_revision=graphs.OLDER) as server, Caller(server.url) as caller:
        assert await readiness(caller) == {"status": "ok", "revision": graphs.OLDER}
        deploy = await caller.start()
        for status in (*model.GATES, "health_checking", "cancelled"):
            refused = await caller.report(deploy["id"], status)
            assert (refused.status, refused.code) == (422, "UNKNOWN_STATUS")
            assert set(refused.error["allowed"]) == {"building", "failed"}
        await caller.walk(deploy["id"], "building", "deploying", "succeeded")
        kinds = [entry["kind"] for entry in await caller.entries(deploy["id"])]
        assert kinds == ["DEPLOY_STARTED", *["CALLBACK_REFUSED"] * 6, *["TRANSITION"] * 3]
        states = [phase["state"] for phase in (await caller.deploy(deploy["id"]))["phases"]]
        assert states == ["NOT_REPORTED", "NOT_REPORTED", "PASSED", "NOT_REPORTED"]
        again = await caller.start()
        await caller.walk(again["id"], "failed")
        assert (await caller.report(again["id"], "building", 2)).code == "ILLEGAL_TRANSITION"


async def test_a_running_server_follows_the_database_up_and_down(database: Path, newer_graph: Path) -> None:
    """As when a release is rolled out, and rolled back, beside it."""
    await migrate(database, "--to", graphs.OLDER, version=newer_graph)
    async with serving(database, newer_graph, accept_revision=graphs.OLDER) as server, Caller(server.url) as caller:
        older = await caller.start()
        assert (await caller.report(older["id"], "smoke_running")).code == "UNKNOWN_STATUS"
        await migrate(database, version=newer_graph)
        await caller.walk(older["id"], "smoke_running", "smoke_passed", "building", "failed")
        refused = await caller.start()
        change(database, "DELETE FROM pipeline_transitions WHERE from_status = 'queued' AND to_status = 'cancelled'")
        change(database, "UPDATE alembic_version SET version_num = '0007b'")
        assert (await caller.report(refused["id"], "cancelled")).code == "ILLEGAL_TRANSITION"


async def test_a_viewer_sees_statuses_that_came_after_the_server(database: Path, newer_graph: Path) -> None:
    """Of two servers the one that has had no callback since does not know them; the log tells it that it should."""
    await migrate(database, "--to", graphs.OLDER, version=newer_graph)
    settings = {"accept_revision": graphs.OLDER, "poll_seconds": "0.1"}
    async with (
        serving(database, newer_graph, **settings) as asked,
        serving(database, newer_graph, **settings) as following,
        Caller(asked.url) as caller,
        Caller(following.url) as reader,
    ):
        deploy = await caller.start()
        async with viewing(following.url) as viewer:
            await viewer.subscribe(PHASE_CHANGED, id=deploy["id"])
            await viewer.event()
            await migrate(database, version=newer_graph)
            await caller.walk(deploy["id"], *model.GATES)
            assert [(await viewer.event())["entry"]["toStatus"] for _ in model.GATES] == list(model.GATES)
        assert (await reader.deploy(deploy["id"]))["status"]["key"] == model.GATES[-1]
