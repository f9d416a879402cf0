"""Who carries out runs: what they report, how they end, what they do again, and what GitHub tells of it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from phaseline.demo import Commands, watchable
from phaseline.github.client import GitHub
from phaseline.github.errors import Refused
from tests.support.github import FakeGitHub
from tests.support.github.fake import REPOSITORY, WORKFLOW
from tests.support.github.runner import Runner
from tests.support.github.state import Run
from tests.workflow.recorder import Answer, Recorder

INPUTS = {"environment": "staging", "ref": "main", "console_deploy_id": "0d9f"}
TO_DEPLOYING = ["smoke_running", "smoke_passed", "freeze_checking", "freeze_passed", "building", "deploying"]
TO_THE_END = ["health_checking", "succeeded"]


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """In phaseline's place."""
    recorder = Recorder()
    yield recorder
    recorder.close()


@pytest.fixture
async def runner(github: FakeGitHub, recorder: Recorder, tmp_path: Path) -> AsyncIterator[Runner]:
    async with Runner(github, recorder.url, tmp_path) as running:
        yield running


async def dispatched(github: FakeGitHub, client: GitHub, **inputs: str) -> Run:
    answer = await client.dispatch(REPOSITORY, WORKFLOW, "main", INPUTS | inputs)
    await github.told()
    return github.repository.runs[int(answer.run_id or 0)]


def told(github: FakeGitHub) -> list[tuple[str, int, str | None]]:
    """What GitHub has told of runs: the action, the attempt, and how it ended."""
    said = [delivery.payload for delivery in github.hooks.all if delivery.event == "workflow_run"]
    return [(one["action"], one["workflow_run"]["run_attempt"], one["workflow_run"]["conclusion"]) for one in said]


def queued(github: FakeGitHub, attempt: int) -> list[str]:
    """The jobs of an attempt that GitHub has told of as queued."""
    said = [delivery.payload for delivery in github.hooks.all if delivery.event == "workflow_job"]
    jobs = [one["workflow_job"] for one in said if one["action"] == "queued"]
    return [job["name"] for job in jobs if job["run_attempt"] == attempt]


async def test_a_run_that_is_dispatched_is_carried_out_and_github_tells_how_it_stands(
    github: FakeGitHub, client: GitHub, runner: Runner, recorder: Recorder
) -> None:
    run = await dispatched(github, client)
    await runner.over()
    assert recorder.statuses == [*TO_DEPLOYING, *TO_THE_END]
    assert {(request.input["deployId"], request.input["runId"]) for request in recorder.requests} == {
        ("0d9f", str(run.id))
    }
    assert recorder.requests[0].input["runUrl"] == f"{github.url}/{REPOSITORY}/actions/runs/{run.id}/attempts/1"
    assert told(github) == [("requested", 1, None), ("in_progress", 1, None), ("completed", 1, "success")]
    assert {job.conclusion for job in run.newest.jobs} == {"success"}
    assert runner.began == [(run.id, 1)]


async def test_a_run_takes_what_the_real_workflow_takes_and_nothing_else(
    github: FakeGitHub, client: GitHub, runner: Runner
) -> None:
    with pytest.raises(Refused, match="Unexpected inputs"):
        await client.dispatch(REPOSITORY, WORKFLOW, "main", INPUTS | {"branch": "main"})
    with pytest.raises(Refused, match="Required input 'ref' not provided"):
        await client.dispatch(REPOSITORY, WORKFLOW, "main", {"environment": "staging"})
    assert runner.began == []


async def test_a_run_that_is_cancelled_reports_it_and_has_been_cancelled_only_then(
    github: FakeGitHub, client: GitHub, runner: Runner, recorder: Recorder
) -> None:
    runner.commands = Commands(deploy="sleep 600")
    run = await dispatched(github, client)
    await asyncio.to_thread(recorder.wait_for, "deploying")
    await client.cancel(REPOSITORY, str(run.id))
    assert run.newest.status == "in_progress"
    await runner.over()
    assert recorder.statuses == [*TO_DEPLOYING, "cancelled"]
    assert told(github)[-1] == ("completed", 1, "cancelled")
    with pytest.raises(Refused, match="cannot be retried"):  # none of its jobs has failed
        await client.rerun_failed(REPOSITORY, str(run.id))


async def test_a_run_that_is_cancelled_before_a_runner_takes_it_reports_nothing(
    github: FakeGitHub, runner: Runner, recorder: Recorder
) -> None:
    run = github.repository.start(next(iter(github.repository.workflows.values())), "main", INPUTS)
    run.cancelling = True
    runner.begin(run)
    await runner.over()
    assert (run.newest.status, run.newest.conclusion) == ("completed", "cancelled")
    assert recorder.requests == []


async def test_what_has_failed_is_done_again_as_the_next_attempt_and_what_has_passed_is_not(
    github: FakeGitHub, client: GitHub, runner: Runner, recorder: Recorder
) -> None:
    runner.commands = watchable(0, fail="deploy")
    run = await dispatched(github, client)
    await runner.over()
    ends = {job.name: job.conclusion for job in run.newest.jobs}
    assert ends == {
        "smoke": "success",
        "freeze-check": "success",
        "deploy": "failure",
        "health-check": "skipped",
        "report": "success",
    }
    runner.commands = Commands()
    await client.rerun_failed(REPOSITORY, str(run.id))
    await github.told()
    await runner.over()
    assert recorder.statuses == [*TO_DEPLOYING, "failed", *TO_DEPLOYING[-2:], *TO_THE_END]
    assert [request.input["attempt"] for request in recorder.requests] == [1] * 7 + [2] * 4
    assert told(github)[2:] == [("completed", 1, "failure"), ("in_progress", 2, None), ("completed", 2, "success")]
    assert queued(github, 2) == ["deploy", "health-check", "report"]
    assert runner.began == [(run.id, 1), (run.id, 2)]


async def test_a_run_that_is_lost_reports_nothing_and_ends_as_github_says(
    github: FakeGitHub, client: GitHub, runner: Runner, recorder: Recorder
) -> None:
    runner.commands = Commands(build="sleep 600")
    recorder.answer = lambda request: Answer(hang_up=request.status == "cancelled")
    run = await dispatched(github, client)
    await asyncio.to_thread(recorder.wait_for, "building")
    await runner.lose(run, "timed_out")
    assert told(github)[-1] == ("completed", 1, "timed_out")
    assert run.newest.jobs[0].conclusion == "success"


async def test_what_is_still_under_way_in_the_end_is_ended(
    github: FakeGitHub, client: GitHub, recorder: Recorder, tmp_path: Path
) -> None:
    async with Runner(github, recorder.url, tmp_path) as runner:
        runner.commands = Commands(smoke="sleep 600")
        run = await dispatched(github, client)
        await asyncio.to_thread(recorder.wait_for, "smoke_running")
    assert run.newest.conclusion == "cancelled"
