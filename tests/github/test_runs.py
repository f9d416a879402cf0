"""Runs: how they are dispatched, looked at, cancelled and begun again."""

from datetime import UTC, datetime, timedelta

import pytest

from phaseline.github.client import GitHub
from phaseline.github.credentials import Token
from phaseline.github.errors import Refused
from phaseline.github.values import Dispatched, Wait
from tests.support.github import FakeGitHub
from tests.support.github.access import TOKEN
from tests.support.github.fake import REPOSITORY, WORKFLOW
from tests.support.github.state import Run

INPUTS = {"environment": "staging", "ref": "main", "console_deploy_id": "0d9f"}


async def dispatched(github: FakeGitHub, client: GitHub, **inputs: str) -> Run:
    answer = await client.dispatch(REPOSITORY, WORKFLOW, "main", INPUTS | inputs)
    assert answer.run_id is not None
    return github.repository.runs[int(answer.run_id)]


async def test_a_dispatch_is_answered_with_the_run_that_it_has_become(github: FakeGitHub, client: GitHub) -> None:
    answer = await client.dispatch(REPOSITORY, WORKFLOW, "refs/heads/main", INPUTS)
    (run,) = github.repository.runs.values()
    assert answer == Dispatched(str(run.id), f"{github.url}/{REPOSITORY}/actions/runs/{run.id}")
    assert run.inputs == INPUTS


async def test_who_asks_says_which_phaseline_it_is_and_which_version_of_the_api_it_means(
    github: FakeGitHub, client: GitHub
) -> None:
    await client.refs_like(REPOSITORY, "ma", 1)
    (asked, _) = github.asked
    assert asked.headers["x-github-api-version"] == "2022-11-28"
    assert asked.headers["user-agent"].startswith("phaseline/0.")
    assert "python" not in asked.headers["user-agent"]


async def test_a_server_that_knows_less_is_asked_without_what_it_does_not_know_and_is_not_asked_for_it_again(
    enterprise: FakeGitHub,
) -> None:
    async with GitHub(enterprise.api_url, Token(TOKEN)) as client:
        for _ in range(2):
            assert await client.dispatch(REPOSITORY, WORKFLOW, "main", INPUTS) == Dispatched(None, None)
    assert [b"return_run_details" in asked.body for asked in enterprise.asked] == [True, False, False]
    assert len(enterprise.repository.runs) == 2


@pytest.mark.parametrize(
    ("ref", "inputs", "reason"),
    [
        ("elsewhere", INPUTS, "No ref found for: refs/heads/elsewhere"),
        ("main", INPUTS | {"foo": "1"}, 'Unexpected inputs provided: ["foo"]'),
        ("main", {"ref": "main"}, "Required input 'environment' not provided"),
    ],
)
async def test_a_dispatch_that_github_refuses_is_sent_once_and_says_why(
    github: FakeGitHub, client: GitHub, ref: str, inputs: dict[str, str], reason: str
) -> None:
    with pytest.raises(Refused) as refused:
        await client.dispatch(REPOSITORY, WORKFLOW, f"heads/{ref}", inputs)
    assert (refused.value.message, refused.value.status) == (reason, 422)
    assert (len(github.asked), github.repository.runs) == (1, {})


async def test_a_workflow_that_is_not_there_is_named(client: GitHub) -> None:
    with pytest.raises(Refused, match=r"Not Found: actions/workflows/other\.yml/dispatches"):
        await client.dispatch(REPOSITORY, ".github/workflows/other.yml", "main", INPUTS)


async def test_a_run_is_told_in_its_newest_attempt_and_in_each(github: FakeGitHub, client: GitHub) -> None:
    run = await dispatched(github, client)
    await github.runs.begin(run)
    await github.runs.end(run, "failure", {"smoke-gate": "success"})
    await client.rerun_failed(REPOSITORY, str(run.id))
    newest, first = await client.run(REPOSITORY, str(run.id)), await client.attempt(REPOSITORY, str(run.id), 1)
    assert (newest.attempt, newest.status, newest.conclusion) == (2, "queued", None)
    assert (first.attempt, first.status, first.conclusion) == (1, "completed", "failure")
    assert (newest.id, newest.name, newest.path) == (str(run.id), run.name, WORKFLOW)
    assert (newest.head_sha, newest.head_branch, newest.event) == (run.sha, "main", "workflow_dispatch")
    assert newest.created_at == run.created_at.replace(microsecond=0)
    assert newest.waits_for is Wait.RUNNER


async def test_a_conclusion_that_nobody_knows_yet_is_told_as_it_is(github: FakeGitHub, client: GitHub) -> None:
    run = await dispatched(github, client)
    run.newest.status, run.newest.conclusion = "completed", "abducted"
    assert (await client.run(REPOSITORY, str(run.id))).conclusion == "abducted"


async def test_the_jobs_of_an_attempt_are_told_however_many_pages_they_fill(github: FakeGitHub, client: GitHub) -> None:
    github.repository.workflows["deploy-console.yml"].jobs = tuple(f"job-{number}" for number in range(230))
    run = await dispatched(github, client)
    jobs = await client.jobs(REPOSITORY, str(run.id), 1)
    assert [job.name for job in jobs] == [f"job-{number}" for number in range(230)]
    assert {(job.status, job.conclusion, job.attempt, job.waits_for) for job in jobs} == {
        ("queued", None, 1, Wait.RUNNER)
    }
    assert github.times("GET", "/jobs") == 3


async def test_a_run_that_waits_for_people_says_for_which_environment(github: FakeGitHub, client: GitHub) -> None:
    run = await dispatched(github, client)
    assert await client.pending_approvals(REPOSITORY, str(run.id)) == []
    await github.runs.wait(run, "production")
    run.newest.timers.append("staging")  # for nobody but the clock
    assert await client.pending_approvals(REPOSITORY, str(run.id)) == ["production"]
    assert (await client.run(REPOSITORY, str(run.id))).waits_for is Wait.APPROVAL


async def test_to_cancel_is_to_ask_for_it(github: FakeGitHub, client: GitHub) -> None:
    run = await dispatched(github, client)
    await client.cancel(REPOSITORY, str(run.id))
    assert run.cancelling
    assert (await client.run(REPOSITORY, str(run.id))).status == "queued"
    await github.runs.end(run, "cancelled")
    with pytest.raises(Refused) as refused:
        await client.cancel(REPOSITORY, str(run.id))
    assert (refused.value.status, refused.value.message) == (409, "Cannot cancel a workflow run that is completed.")


async def test_only_failed_jobs_are_run_again_or_all_are(github: FakeGitHub, client: GitHub) -> None:
    run = await dispatched(github, client)
    with pytest.raises(Refused, match="already running"):
        await client.rerun_failed(REPOSITORY, str(run.id))
    await github.runs.end(run, "failure", {"smoke-gate": "success"})
    await client.rerun_failed(REPOSITORY, str(run.id))
    assert [job.status for job in await client.jobs(REPOSITORY, str(run.id), 2)] == ["completed", "queued"]
    await github.runs.end(run, "cancelled")
    with pytest.raises(Refused, match="cannot be retried") as refused:
        await client.rerun_failed(REPOSITORY, str(run.id))
    assert refused.value.status == 403
    await client.rerun(REPOSITORY, str(run.id))
    assert [job.status for job in await client.jobs(REPOSITORY, str(run.id), 3)] == ["queued", "queued"]


async def test_a_run_is_found_by_its_name_among_many_newest_first(github: FakeGitHub, client: GitHub) -> None:
    since = datetime.now(UTC)
    ours = [await dispatched(github, client, console_deploy_id="ours") for _ in range(2)]
    workflow = github.repository.workflows["deploy-console.yml"]
    for number in range(60):
        github.repository.start(workflow, "main", INPUTS | {"console_deploy_id": str(number)})
    found = await client.runs_named(REPOSITORY, WORKFLOW, "ours", since)
    assert [run.id for run in found] == [str(run.id) for run in reversed(ours)]


async def test_runs_of_before_are_not_looked_through(github: FakeGitHub, client: GitHub) -> None:
    run = await dispatched(github, client)
    run.created_at -= timedelta(minutes=5)
    workflow = github.repository.workflows["deploy-console.yml"]
    for _ in range(200):
        github.repository.start(workflow, "main", INPUTS).created_at -= timedelta(minutes=4)
    since = datetime.now(UTC) - timedelta(minutes=3)
    assert await client.runs_named(REPOSITORY, WORKFLOW, "0d9f", since) == []
    assert github.times("GET", "/runs") == 1


async def test_no_more_than_the_newest_300_runs_are_looked_through(github: FakeGitHub, client: GitHub) -> None:
    run = await dispatched(github, client, console_deploy_id="ours")
    workflow = github.repository.workflows["deploy-console.yml"]
    for _ in range(299):
        github.repository.start(workflow, "main", INPUTS)
    since = datetime.now(UTC) - timedelta(hours=1)
    assert [found.id for found in await client.runs_named(REPOSITORY, WORKFLOW, "ours", since)] == [str(run.id)]
    github.repository.start(workflow, "main", INPUTS)
    assert await client.runs_named(REPOSITORY, WORKFLOW, "ours", since) == []
    assert github.times("GET", "/runs") == 12


async def test_a_run_that_the_listing_does_not_have_yet_is_not_there(github: FakeGitHub, client: GitHub) -> None:
    github.lag()
    since = datetime.now(UTC)
    run = await dispatched(github, client)
    assert await client.runs_named(REPOSITORY, WORKFLOW, "0d9f", since) == []
    assert (await client.run(REPOSITORY, str(run.id))).id == str(run.id)
    github.catch_up()
    assert len(await client.runs_named(REPOSITORY, WORKFLOW, "0d9f", since)) == 1
