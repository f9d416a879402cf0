"""The real deploy-console.yml, run by act with the action it uses, reporting to a server on a real socket."""

import asyncio
import shutil
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from phaseline.demo import GATES, Commands, Line, run_workflow, watchable
from phaseline.demo.workspace import STAND_INS

from .recorder import Answer, Recorder, Request, accepted, refused
from .rerun import rerun_of_failed_jobs

GATE_STATUSES = ["smoke_running", "smoke_passed", "freeze_checking", "freeze_passed"]
ALL_STATUSES = [*GATE_STATUSES, "building", "deploying", "health_checking", "succeeded"]

Run = Callable[..., Awaitable[int]]

needs_proc = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for processes in /proc")


@pytest.fixture
def lines() -> list[Line]:
    return []


@pytest.fixture
def run(recorder: Recorder, lines: list[Line]) -> Run:
    async def run(**chosen: object) -> int:
        usual: dict[str, object] = {
            "deploy_id": "d-1",
            "environment": "staging",
            "ref": "v1.2.3",
            "server_url": recorder.url,
            "commands": Commands(),
            "on_line": lines.append,
        }
        return await run_workflow(**{**usual, **chosen})  # type: ignore[arg-type]

    return run


async def test_a_deploy_that_goes_well_reports_every_status_once_in_order(run: Run, recorder: Recorder) -> None:
    assert await run(run_id="9988", token="t0ken") == 0
    assert recorder.statuses == ALL_STATUSES
    for request in recorder.requests:
        assert request.headers["authorization"] == "Bearer t0ken"
        assert request.input["deployId"] == "d-1"
        assert request.input["attempt"] == 1
        assert request.input["runUrl"].endswith("/actions/runs/9988/attempts/1")
        assert "message" not in request.input


async def test_a_run_without_a_page_gives_no_address_of_one(run: Run, recorder: Recorder) -> None:
    assert await run(has_page=False) == 0
    assert {request.input.get("runUrl") for request in recorder.requests} == {None}


async def test_a_deploy_that_the_console_did_not_start_reports_nothing(
    run: Run, recorder: Recorder, tmp_path: Path
) -> None:
    assert await run(deploy_id=None, commands=Commands(deploy=f"touch '{tmp_path}/deployed'")) == 0
    assert recorder.requests == []
    assert (tmp_path / "deployed").exists()


@pytest.mark.parametrize(
    ("gate", "reported", "message"),
    [
        ("smoke", ["smoke_running"], "failed in smoke"),
        ("freeze", GATE_STATUSES[:3], "failed in freeze-check"),
        ("build", [*GATE_STATUSES, "building"], "failed in deploy"),
        ("deploy", ALL_STATUSES[:6], "failed in deploy"),
        ("health", ALL_STATUSES[:7], "failed in health-check"),
    ],
)
async def test_a_command_that_fails_ends_the_deploy_as_failed(
    run: Run, recorder: Recorder, lines: list[Line], gate: str, reported: list[str], message: str
) -> None:
    assert await run(commands=watchable(0, fail=gate)) != 0
    assert recorder.statuses == [*reported, "failed"]
    assert recorder.requests[-1].input["message"] == message
    assert any(f"The {gate} command fails" in line.text for line in lines)


async def test_every_gate_that_can_be_made_to_fail_is_tested() -> None:
    assert set(GATES) == {"smoke", "freeze", "build", "deploy", "health"}
    with pytest.raises(ValueError, match="no gate"):
        watchable(1, fail="canary")


async def test_a_command_that_is_not_set_passes_and_its_report_says_that_nothing_was_run(
    run: Run, recorder: Recorder
) -> None:
    assert await run(commands=Commands(smoke="", freeze_check="", build="", deploy="", health_check="")) == 0
    assert recorder.statuses == ALL_STATUSES
    said = {request.input["status"]: request.input.get("message", "") for request in recorder.requests}
    for status in ("smoke_passed", "freeze_passed", "deploying", "health_checking"):
        assert "is not set, nothing" in said[status], status


async def test_gates_that_an_older_server_refuses_do_not_stop_the_deploy(
    run: Run, recorder: Recorder, lines: list[Line]
) -> None:
    def older_server(request: Request) -> Answer:
        return refused("UNKNOWN_STATUS") if request.status in [*GATE_STATUSES, "health_checking"] else accepted()

    recorder.answer = older_server
    assert await run() == 0
    assert recorder.statuses == ALL_STATUSES
    warnings = [line.text for line in lines if "Not recorded by phaseline::" in line.text]
    assert [warning.split("::")[-1].split(" was not")[0] for warning in warnings] == [*GATE_STATUSES, "health_checking"]
    assert [line.text for line in lines if "Summary - - ⚠️ `smoke_running was not recorded" in line.text]


async def test_a_server_that_is_away_does_not_stop_the_deploy(run: Run, lines: list[Line], nobody: str) -> None:
    assert await run(server_url=nobody, variables={"PHASELINE_RETRIES": "0"}) == 0
    warnings = [line.text for line in lines if "Not recorded by phaseline::" in line.text]
    assert len(warnings) == len(ALL_STATUSES)
    assert all("(unreachable)" in warning for warning in warnings)


async def test_a_server_address_that_is_not_set_does_not_stop_the_deploy(run: Run, recorder: Recorder) -> None:
    assert await run(server_url="") == 0
    assert recorder.requests == []


@needs_proc
async def test_a_cancelled_run_reports_that_it_was_cancelled_and_leaves_no_process(
    run: Run, recorder: Recorder
) -> None:
    running = asyncio.ensure_future(run(commands=Commands(deploy="sleep 4321.5 & sleep 4321.5")))
    await asyncio.to_thread(recorder.wait_for, "deploying")
    await until(lambda: len(processes("sleep\x004321.5")) == 2)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert recorder.statuses == [*ALL_STATUSES[:6], "cancelled"]
    assert recorder.requests[-1].input["message"] == "cancelled in deploy"
    await until(lambda: processes("sleep\x004321.5") == [])


@pytest.mark.parametrize("status", ALL_STATUSES[:-1])
async def test_a_run_cancelled_while_it_reports_is_not_taken_for_one_that_succeeded(
    run: Run, recorder: Recorder, status: str
) -> None:
    answering = threading.Event()

    def held(request: Request) -> Answer:
        if request.status == status:
            answering.wait(20)
        return accepted()

    recorder.answer = held
    running = asyncio.ensure_future(run())
    await asyncio.to_thread(recorder.wait_for, status)
    running.cancel()
    await asyncio.to_thread(recorder.wait_for, "cancelled")
    answering.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert recorder.statuses == [*ALL_STATUSES[: ALL_STATUSES.index(status) + 1], "cancelled"]


@needs_proc
async def test_a_run_cancelled_twice_is_killed_without_waiting_for_its_report(run: Run, recorder: Recorder) -> None:
    answering = threading.Event()

    def slow_to_answer(request: Request) -> Answer:
        if request.status == "cancelled":
            answering.wait(30)
        return accepted()

    recorder.answer = slow_to_answer
    running = asyncio.ensure_future(run(commands=Commands(smoke="sleep 4322.5")))
    await until(lambda: len(processes("sleep\x004322.5")) == 1)
    running.cancel()
    await asyncio.to_thread(recorder.wait_for, "cancelled")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(asyncio.shield(running), 5)
    answering.set()
    await until(lambda: processes("notify.sh") == [])


@pytest.mark.takes_seconds
async def test_a_machine_without_curl_and_jq_runs_the_workflow_by_their_stand_ins(
    run: Run, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda command: None if command in STAND_INS else which(command))
    assert await run() == 0
    assert recorder.statuses == ALL_STATUSES
    assert {request.headers["user-agent"].split("/")[0] for request in recorder.requests} == {"PycURL"}


async def test_a_rerun_of_failed_jobs_starts_where_the_deploy_failed(
    run: Run, recorder: Recorder, tmp_path: Path
) -> None:
    workflow = rerun_of_failed_jobs(tmp_path / "deploy-console.yml", passed=["smoke", "freeze-check"])
    assert await run(workflow=workflow, attempt=2) == 0
    assert recorder.statuses == ["building", "deploying", "health_checking", "succeeded"]
    assert {request.input["attempt"] for request in recorder.requests} == {2}


async def test_a_command_finds_out_what_to_deploy_and_none_of_the_secrets(run: Run, tmp_path: Path) -> None:
    told = tmp_path / "told"
    command = f"""echo "$DEPLOY_ENVIRONMENT|$DEPLOY_REF|$(basename "$PWD")" >'{told}'; env >>'{told}'"""
    assert await run(ref="a'b\"$(exit 3)`x", token="s3cret", commands=Commands(deploy=command)) == 0
    assert told.read_text().splitlines()[0] == "staging|a'b\"$(exit 3)`x|source"
    assert "s3cret" not in told.read_text()


async def test_a_command_stops_at_its_first_error(run: Run, recorder: Recorder) -> None:
    assert await run(commands=Commands(smoke="false; true")) != 0
    assert await run(commands=Commands(smoke="false | true")) != 0
    assert await run(commands=Commands(smoke='echo "$not_set"')) != 0
    assert "smoke_passed" not in recorder.statuses


async def test_a_line_too_long_to_log_does_not_stop_the_run(run: Run, recorder: Recorder) -> None:
    assert await run(commands=Commands(smoke="head -c 3000000 /dev/zero | tr '\\0' x; echo")) == 0
    assert recorder.statuses == ALL_STATUSES


def processes(part_of_command_line: str) -> list[str]:
    """The running processes whose command line, with NUL between arguments, contains this."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            command_line = (directory / "cmdline").read_bytes()
        except OSError:
            continue  # it has ended
        if part_of_command_line.encode() in command_line:
            found.append(directory.name)
    return found


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Waits for what no event tells of: that a process has come or gone."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
