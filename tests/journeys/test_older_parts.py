"""Where the workflow or the server's database is the older one; and a deploy that the console never started."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from phaseline.demo import Commands
from tests.journeys.conftest import OpenModal, StartWorkflow
from tests.journeys.door import Door, door_to
from tests.journeys.modal import Modal
from tests.journeys.steps import walk
from tests.support.browser import Viewers, keep_screenshot
from tests.support.caller import Caller
from tests.support.server import Server, serving
from tests.versions import graphs
from tests.versions.operating import migrate

ROOT = Path(__file__).resolve().parents[2]
OLDER_WORKFLOW = Path(__file__).with_name("older-deploy-console.yml")
OLDER_STEPS = (
    ("building", "NOT_REPORTED NOT_REPORTED ACTIVE PENDING"),
    ("deploying", "NOT_REPORTED NOT_REPORTED ACTIVE PENDING"),
    ("succeeded", "NOT_REPORTED NOT_REPORTED PASSED NOT_REPORTED"),
)


@pytest.fixture
async def older_server(database: Path, tmp_path: Path) -> AsyncIterator[Server]:
    """Today's server on a database that knows the older graph only, as after a release was rolled back."""
    version = graphs.make_newer(tmp_path / "version")
    (version / "frontend").symlink_to(ROOT / "frontend")
    await migrate(database, "--to", graphs.OLDER, version=version)
    async with serving(database, version, accept_revision=graphs.OLDER) as running:
        yield running


async def test_an_older_workflow_succeeds_and_its_gates_show_as_not_reported(
    caller: Caller, door: Door, open_modal: OpenModal, start_workflow: StartWorkflow
) -> None:
    deploy = await caller.start()
    modal = await open_modal(deploy)
    run = start_workflow(deploy, door.url, workflow=OLDER_WORKFLOW)
    shown = await walk(door, modal, OLDER_STEPS)
    assert await run == 0
    assert (shown.outcome, shown.words) == ("SUCCEEDED", ["Not reported", "Not reported", "Passed", "Not reported"])
    assert [passed.http_status for passed in door.passed] == [200, 200, 200]
    await keep_screenshot(modal.page, "older-workflow")


async def test_an_older_server_refuses_the_gates_and_the_deploy_succeeds(
    older_server: Server, viewers: Viewers, start_workflow: StartWorkflow
) -> None:
    refused = ["smoke_running", "smoke_passed", "freeze_checking", "freeze_passed"]
    async with Caller(older_server.url) as caller, door_to(older_server.url) as door:
        deploy = await caller.start()
        modal = Modal(await viewers.open(f"{older_server.url}/deploys/{deploy['id']}"))
        run = start_workflow(deploy, door.url)
        for sequence, status in enumerate(refused, start=2):
            await door.let_in(status)
            shown = await modal.at("queued", sequence)
            assert shown.states == "PENDING PENDING PENDING PENDING"
            assert shown.entries[0] == [sequence, "CALLBACK_REFUSED", status, "UNKNOWN_STATUS"]
            assert shown.announced == f"Entry {sequence}: callback refused, asked for {status}."
        await walk(door, modal, OLDER_STEPS[:2], after=5)
        await door.let_in("health_checking")
        assert (await modal.at("deploying", 8)).states == OLDER_STEPS[1][1]
        await walk(door, modal, OLDER_STEPS[2:], after=8)
        assert await run == 0
        entries = await caller.entries(deploy["id"])
    assert [passed.http_status for passed in door.passed] == [422, 422, 422, 422, 200, 200, 422, 200]
    assert {passed.code for passed in door.passed if passed.http_status == 422} == {"UNKNOWN_STATUS"}
    assert [entry["toStatus"] for entry in entries if entry["kind"] == "CALLBACK_REFUSED"] == [
        *refused,
        "health_checking",
    ]
    assert [entry["toStatus"] for entry in entries if entry["kind"] == "TRANSITION"] == [
        "building",
        "deploying",
        "succeeded",
    ]
    await expect(modal.host.get_by_text("Callback refused")).to_have_count(5)
    await keep_screenshot(modal.page, "older-server")


async def test_a_deploy_that_the_console_did_not_start_is_deployed_and_says_nothing_to_anybody(
    door: Door, start_workflow: StartWorkflow, tmp_path: Path
) -> None:
    door.stand_open()
    deployed = tmp_path / "deployed"
    assert await start_workflow(None, door.url, commands=Commands(deploy=f"touch '{deployed}'")) == 0
    assert deployed.exists()
    assert door.connections == 0
