"""The recipes of docs/other-ci.md, taken from the page and run, reporting to a real server."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.caller import Caller
from tests.support.logins import WORKFLOW
from tests.support.server import Server

from .gitlab import Interruption, Pipeline
from .jenkins import Job
from .recipes import COMMANDS, SCRIPT, Project, recipe, run
from .test_deploy_console import ALL_STATUSES

GITLAB, JENKINS = recipe("yaml"), recipe("groovy")

# Where each command fails or is cut short: what has been reported by then, and how the phases stand after the end.
ENDS = {
    "smoke-test": (1, ["{}", "NOT_REPORTED", "NOT_REPORTED", "NOT_REPORTED"]),
    "freeze-check": (3, ["PASSED", "{}", "NOT_REPORTED", "NOT_REPORTED"]),
    "build": (5, ["PASSED", "PASSED", "{}", "NOT_REPORTED"]),
    "deploy": (6, ["PASSED", "PASSED", "{}", "NOT_REPORTED"]),
    "health-check": (7, ["PASSED", "PASSED", "PASSED", "{}"]),
}
each_command = pytest.mark.parametrize("command", COMMANDS)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def reporting(server: Server) -> dict[str, str]:
    """What is set in the system's own settings, for all runs."""
    return {"PHASELINE_URL": server.url, "PHASELINE_TOKEN": WORKFLOW, "PHASELINE_RETRIES": "0"}


@pytest.fixture
def pipeline(project: Project, reporting: dict[str, str]) -> Callable[..., Pipeline]:
    """A pipeline of the recipe's, for this deploy."""

    def pipeline(deploy_id: str, number: int = 7, **more: str) -> Pipeline:
        return Pipeline(GITLAB, project, {**reporting, "PHASELINE_DEPLOY_ID": deploy_id, **more}, number)

    return pipeline


@pytest.fixture
def job(project: Project, reporting: dict[str, str]) -> Job:
    """The recipe's job on Jenkins; its first build here has the number 57."""
    token = reporting.pop("PHASELINE_TOKEN")
    properties = {**reporting, "BUILD_URL": "https://jenkins.example.com/job/deploy-console/57/"}
    return Job(JENKINS, project, properties, {"phaseline-token": token})


async def started(caller: Caller) -> str:
    return str((await caller.start("staging"))["id"])


async def reported(caller: Caller, deploy_id: str) -> list[tuple[str, int]]:
    """Each status that was reported and its attempt, in order; nothing may have been refused."""
    entries = (await caller.entries(deploy_id))[1:]
    assert {entry["kind"] for entry in entries} <= {"TRANSITION"}
    return [(entry["toStatus"], entry["attempt"]) for entry in entries]


async def phases(caller: Caller, deploy_id: str) -> list[tuple[str, int | None]]:
    """What a viewer sees of each phase: its state, and the attempt that said so."""
    return [(phase["state"], phase["attempt"]) for phase in (await caller.deploy(deploy_id))["phases"]]


async def states(caller: Caller, deploy_id: str) -> list[str]:
    return [state for state, _ in await phases(caller, deploy_id)]


def of(attempt: int, statuses: list[str]) -> list[tuple[str, int]]:
    return [(status, attempt) for status in statuses]


# --- GitLab CI


def test_gitlabs_own_schema_takes_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".gitlab-ci.yml"
    file.write_text(GITLAB)
    checker = Path(sys.executable).with_name("check-jsonschema")
    subprocess.run([checker, "--builtin-schema", "vendor.gitlab-ci", file], check=True, capture_output=True)


async def test_a_pipeline_that_goes_well_reports_every_status_once_in_order(
    pipeline: Callable[..., Pipeline], caller: Caller
) -> None:
    deploy_id = await started(caller)
    assert await pipeline(deploy_id).run()
    assert await reported(caller, deploy_id) == of(1, ALL_STATUSES)
    assert await phases(caller, deploy_id) == [("PASSED", 1)] * 4
    address = "https://gitlab.example.com/acme/console/-/pipelines/7"
    for entry in (await caller.entries(deploy_id))[1:]:
        assert (entry["actor"], entry["runId"], entry["runUrl"]) == ("token:workflow", "7", address)


@each_command
async def test_a_job_that_fails_ends_the_deploy_as_failed(
    pipeline: Callable[..., Pipeline], project: Project, caller: Caller, command: str
) -> None:
    deploy_id = await started(caller)
    project.fails(command)
    assert not await pipeline(deploy_id).run()
    count, expected = ENDS[command]
    assert await reported(caller, deploy_id) == of(1, [*ALL_STATUSES[:count], "failed"])
    assert await states(caller, deploy_id) == [state.format("FAILED") for state in expected]
    assert (await caller.entries(deploy_id))[-1]["message"].endswith(": failed")


@each_command
async def test_a_job_that_is_cancelled_ends_the_deploy_as_cancelled(
    pipeline: Callable[..., Pipeline], project: Project, caller: Caller, command: str
) -> None:
    deploy_id = await started(caller)
    assert not await pipeline(deploy_id).run(Interruption.CANCELLED, at=project.goes_on(command))
    count, expected = ENDS[command]
    assert await reported(caller, deploy_id) == of(1, [*ALL_STATUSES[:count], "cancelled"])
    assert await states(caller, deploy_id) == [state.format("CANCELLED") for state in expected]


async def test_a_job_that_is_retried_goes_on_in_the_next_attempt(
    pipeline: Callable[..., Pipeline], project: Project, caller: Caller
) -> None:
    deploy_id = await started(caller)
    running = pipeline(deploy_id)
    project.fails("deploy")
    for _ in range(2):
        assert not await running.run()
    project.passes("deploy")
    assert await running.run()
    assert await reported(caller, deploy_id) == [
        *of(1, [*ALL_STATUSES[:6], "failed"]),
        *of(2, ["building", "deploying", "failed"]),
        *of(3, ALL_STATUSES[4:]),
    ]
    assert await phases(caller, deploy_id) == [("PASSED", 1), ("PASSED", 1), ("PASSED", 3), ("PASSED", 3)]


@pytest.mark.parametrize(("command", "count"), [("smoke-test", 1), ("freeze-check", 3), ("health-check", 7)])
async def test_a_retried_jobs_attempt_is_that_of_the_jobs_after_it(
    pipeline: Callable[..., Pipeline], project: Project, caller: Caller, command: str, count: int
) -> None:
    deploy_id = await started(caller)
    running = pipeline(deploy_id)
    assert not await running.run(Interruption.CANCELLED, at=project.goes_on(command))
    project.passes(command)
    assert await running.run()
    again = ALL_STATUSES[count - 1 :]
    assert await reported(caller, deploy_id) == [*of(1, [*ALL_STATUSES[:count], "cancelled"]), *of(2, again)]
    assert await states(caller, deploy_id) == ["PASSED"] * 4


async def test_a_job_that_had_passed_may_be_retried_too_after_another_has_failed(
    pipeline: Callable[..., Pipeline], project: Project, caller: Caller
) -> None:
    deploy_id = await started(caller)
    running = pipeline(deploy_id)
    project.fails("deploy")
    for _ in range(2):
        assert not await running.run()
    project.passes("deploy")
    for name in running.jobs:
        assert await running.run_job(name)
    assert (await reported(caller, deploy_id))[-8:] == of(3, ALL_STATUSES)
    assert await phases(caller, deploy_id) == [("PASSED", 3)] * 4


async def test_a_new_pipeline_for_a_deploy_that_has_failed_is_its_next_attempt(
    pipeline: Callable[..., Pipeline], project: Project, caller: Caller
) -> None:
    deploy_id = await started(caller)
    project.fails("freeze-check")
    assert not await pipeline(deploy_id).run()
    project.passes("freeze-check")
    assert await pipeline(deploy_id, number=8).run()
    assert (await reported(caller, deploy_id))[4:] == of(2, ALL_STATUSES)
    assert (await caller.deploy(deploy_id))["runUrl"].endswith("/pipelines/8")


async def test_a_job_whose_runner_was_lost_goes_on_in_the_same_attempt(
    pipeline: Callable[..., Pipeline], project: Project, caller: Caller
) -> None:
    deploy_id = await started(caller)
    running = pipeline(deploy_id)
    assert not await running.run(Interruption.LOST, at=project.goes_on("deploy"))
    assert (await caller.deploy(deploy_id))["status"]["key"] == "deploying"
    project.passes("deploy")
    assert await running.run()
    assert await reported(caller, deploy_id) == of(1, ALL_STATUSES)


async def test_a_first_report_that_was_lost_does_not_keep_a_retried_job_from_the_next_attempt(
    pipeline: Callable[..., Pipeline], caller: Caller
) -> None:
    deploy_id = await started(caller)
    await caller.walk(deploy_id, "failed")
    assert await pipeline(deploy_id).run()
    entries = (await caller.entries(deploy_id))[2:]
    assert [(entry["kind"], entry["toStatus"], entry["attempt"]) for entry in entries] == [
        ("CALLBACK_REFUSED", "smoke_running", 1),
        *(("TRANSITION", status, 2) for status in ALL_STATUSES),
    ]


async def test_what_is_run_again_after_a_deploy_has_succeeded_changes_nothing(
    pipeline: Callable[..., Pipeline], caller: Caller
) -> None:
    deploy_id = await started(caller)
    for number in (7, 8):
        assert await pipeline(deploy_id, number).run()
    assert await reported(caller, deploy_id) == of(1, ALL_STATUSES)


async def test_a_pipeline_without_an_id_deploys_and_reports_nothing(pipeline: Callable[..., Pipeline]) -> None:
    running = pipeline("")
    assert await running.run()
    assert running.lines == []


async def test_a_server_that_is_away_stops_no_pipeline(pipeline: Callable[..., Pipeline], nobody: str) -> None:
    running = pipeline("d-1", PHASELINE_URL=nobody)
    assert await running.run()
    told = [line for line in running.lines if line.startswith("warning: ")]
    assert [line.split()[1] for line in told] == ALL_STATUSES
    assert [line for line in running.lines if line not in told] == [f"{status}: unreachable" for status in ALL_STATUSES]


# --- Jenkins


async def test_a_build_that_goes_well_reports_every_status_once_in_order(job: Job, caller: Caller) -> None:
    deploy_id = await started(caller)
    assert await job.build({"PHASELINE_DEPLOY_ID": deploy_id}) == "SUCCESS"
    assert await reported(caller, deploy_id) == of(57, ALL_STATUSES)
    assert await phases(caller, deploy_id) == [("PASSED", 57)] * 4
    address = "https://jenkins.example.com/job/deploy-console/57/"
    for entry in (await caller.entries(deploy_id))[1:]:
        assert (entry["actor"], entry["runId"], entry["runUrl"]) == ("token:workflow", "57", address)


@each_command
async def test_a_stage_that_fails_ends_the_deploy_as_failed(
    job: Job, project: Project, caller: Caller, command: str
) -> None:
    deploy_id = await started(caller)
    project.fails(command)
    assert await job.build({"PHASELINE_DEPLOY_ID": deploy_id}) == "FAILURE"
    count, expected = ENDS[command]
    assert await reported(caller, deploy_id) == of(57, [*ALL_STATUSES[:count], "failed"])
    assert await states(caller, deploy_id) == [state.format("FAILED") for state in expected]


@each_command
async def test_a_build_that_is_aborted_ends_the_deploy_as_cancelled(
    job: Job, project: Project, caller: Caller, command: str
) -> None:
    deploy_id = await started(caller)
    assert await job.build({"PHASELINE_DEPLOY_ID": deploy_id}, abort_at=project.goes_on(command)) == "ABORTED"
    count, expected = ENDS[command]
    assert await reported(caller, deploy_id) == of(57, [*ALL_STATUSES[:count], "cancelled"])
    assert await states(caller, deploy_id) == [state.format("CANCELLED") for state in expected]


async def test_an_unstable_build_is_reported_as_failed(job: Job, caller: Caller) -> None:
    deploy_id = await started(caller)
    assert await job.build({"PHASELINE_DEPLOY_ID": deploy_id}, marked="UNSTABLE") == "UNSTABLE"
    assert await states(caller, deploy_id) == ["PASSED", "PASSED", "PASSED", "FAILED"]
    assert (await caller.entries(deploy_id))[-1]["message"] == "the build is unstable"


async def test_what_is_built_again_is_a_higher_attempt(job: Job, project: Project, caller: Caller) -> None:
    deploy_id = await started(caller)
    project.fails("health-check")
    assert await job.build({"PHASELINE_DEPLOY_ID": deploy_id}) == "FAILURE"
    project.passes("health-check")
    assert await job.build({"PHASELINE_DEPLOY_ID": deploy_id}) == "SUCCESS"
    assert await reported(caller, deploy_id) == [*of(57, [*ALL_STATUSES[:7], "failed"]), *of(58, ALL_STATUSES)]
    assert await phases(caller, deploy_id) == [("PASSED", 58)] * 4


@pytest.mark.parametrize(("command", "stage", "first"), [("deploy", "Deploy", 4), ("health-check", "Health check", 6)])
async def test_a_restart_from_a_stage_keeps_what_has_passed(
    job: Job, project: Project, caller: Caller, command: str, stage: str, first: int
) -> None:
    assert stage in job.stages
    deploy_id = await started(caller)
    project.fails(command)
    await job.build({"PHASELINE_DEPLOY_ID": deploy_id})
    project.passes(command)
    assert await job.build({"PHASELINE_DEPLOY_ID": deploy_id}, from_stage=stage) == "SUCCESS"
    again = [entry for entry in await reported(caller, deploy_id) if entry[1] == 58]
    assert again == of(58, ALL_STATUSES[first:])
    assert (await phases(caller, deploy_id))[:2] == [("PASSED", 57)] * 2
    assert await states(caller, deploy_id) == ["PASSED"] * 4


async def test_a_jenkins_that_does_not_know_its_own_address_gives_none(
    project: Project, reporting: dict[str, str], caller: Caller
) -> None:
    deploy_id = await started(caller)
    job = Job(JENKINS, project, reporting, {"phaseline-token": WORKFLOW})
    assert await job.build({"PHASELINE_DEPLOY_ID": deploy_id}) == "SUCCESS"
    assert await reported(caller, deploy_id) == of(57, ALL_STATUSES)
    assert {entry["runUrl"] for entry in await caller.entries(deploy_id)} == {None}


async def test_a_build_without_an_id_deploys_and_reports_nothing(job: Job) -> None:
    assert await job.build({}) == "SUCCESS"
    assert not [line for line in job.lines if not line.startswith("+ ")]


# --- Anywhere


@pytest.mark.parametrize("options", [[], ["--posix"]], ids=["bash", "bash --posix"])
async def test_the_script_needs_nothing_in_its_environment_but_where_its_tools_are_and_what_to_report(
    project: Project, reporting: dict[str, str], caller: Caller, options: list[str]
) -> None:
    deploy_id = await started(caller)
    given = {"PATH": project.path, **reporting, "PHASELINE_DEPLOY_ID": deploy_id, "PHASELINE_STATUS": "smoke_running"}
    outcome = project.tree / "outcome"
    told = await run(["bash", *options, str(SCRIPT)], project.tree, {**given, "PHASELINE_OUTCOME_FILE": str(outcome)})
    assert (told.code, told.lines) == (0, ["smoke_running: delivered (entry 2)"])
    assert outcome.read_text() == "delivered\n"
    assert await reported(caller, deploy_id) == [("smoke_running", 1)]
