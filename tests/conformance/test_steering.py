"""The operator's hand: what is asked of GitHub is recorded first, and again where GitHub does not do it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conformance.conftest import on_one_of_each
from tests.support.asking import over_http
from tests.support.github.desk import Desk, at_desk
from tests.support.github.fake import REPOSITORY
from tests.support.github.faults import Fault, failing, refusal, secondary_limit
from tests.support.github.state import Run
from tests.support.logins import VIEWER
from tests.support.waiting import until

pytestmark = on_one_of_each

ASKED = ("CANCEL_REQUESTED", "RERUN_REQUESTED", "REQUEST_FAILED")
OPERATOR = "token:operator"


@pytest.fixture
async def desk(database: Path | str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with at_desk(database, tmp_path) as found:
        yield found


async def _under_way(desk: Desk, environment: str = "staging") -> tuple[str, Run]:
    """A deploy whose run has begun."""
    deploy_id = await desk.start(environment)
    run = await desk.run(deploy_id)
    await desk.github.runs.begin(run)
    await desk.caller.walk(deploy_id, "building")
    return deploy_id, run


async def _over(desk: Desk, conclusion: str, environment: str = "staging") -> tuple[str, Run]:
    """One whose run has ended so, and that knows it."""
    deploy_id, run = await _under_way(desk, environment)
    await desk.github.runs.end(run, conclusion)
    await desk.stands_at(deploy_id, "cancelled" if conclusion == "cancelled" else "failed")
    return deploy_id, run


async def test_a_run_is_cancelled_when_github_says_so_and_the_request_is_seen_until_then(desk: Desk) -> None:
    deploy_id, run = await _under_way(desk)
    answer = await desk.steer("cancelDeploy", deploy_id, "wrong branch")
    assert answer.data["cancelDeploy"]["status"]["key"] == "building"
    stands = await desk.deploy(deploy_id)
    assert stands["request"] == {
        "kind": "CANCEL_REQUESTED",
        "actor": OPERATOR,
        "reason": "wrong branch",
        "failure": None,
        "failedBy": None,
    }
    assert run.cancelling
    assert await desk.of_kind(deploy_id, *ASKED) == [("OPERATOR", OPERATOR, "wrong branch")]
    await desk.github.runs.end(run, "cancelled")
    await desk.stands_at(deploy_id, "cancelled")
    assert (await desk.deploy(deploy_id))["request"] is None


async def test_a_deploy_that_waits_is_cancelled_at_once_and_never_sent(desk: Desk) -> None:
    first, _ = await _under_way(desk, "production")
    waiting, behind = await desk.start(), await desk.start()
    assert (await desk.dispatch(waiting))["state"] == "WAITING"
    answer = await desk.steer("cancelDeploy", waiting, "not today")
    assert answer.data["cancelDeploy"]["status"]["key"] == "cancelled"
    assert (await desk.log(waiting))[-1] == ("TRANSITION", "OPERATOR", "cancelled", 1, OPERATOR, "not today")
    assert (await desk.dispatch(waiting))["state"] == "WITHDRAWN"
    assert (await desk.deploy(behind))["queuePosition"] == 1
    await desk.caller.walk(first, "failed")
    await desk.run(behind)
    assert desk.runs(waiting) == []


async def test_a_deploy_of_which_github_was_not_asked_yet_is_cancelled_at_once(desk: Desk) -> None:
    desk.github.faults.add(secondary_limit("2"), "POST", "/dispatches")
    deploy_id = await desk.start("staging")
    await desk.says_why(deploy_id)
    assert (await desk.steer("cancelDeploy", deploy_id)).data["cancelDeploy"]["status"]["key"] == "cancelled"
    other = await desk.start("staging")
    await desk.run(other)
    assert desk.runs(deploy_id) == []


async def test_who_wants_to_cancel_only_what_was_not_sent_cancels_nothing_else(desk: Desk) -> None:
    first, run = await _under_way(desk, "production")
    waiting = await desk.start()
    refused = await desk.steer("cancelDeploy", first, onlyUnsent=True)
    assert (refused.status, refused.code, refused.error["status"]) == (409, "NOT_POSSIBLE_NOW", "building")
    assert await desk.of_kind(first, *ASKED) == []
    assert not run.cancelling
    answer = await desk.steer("cancelDeploy", waiting, onlyUnsent=True)
    assert answer.data["cancelDeploy"]["status"]["key"] == "cancelled"
    assert (await desk.steer("cancelDeploy", first, onlyUnsent=None)).status == 200
    assert run.cancelling


async def test_what_has_ended_cannot_be_cancelled_and_what_goes_on_cannot_be_run_again(desk: Desk) -> None:
    over, _ = await _over(desk, "failure")
    refused = await desk.steer("cancelDeploy", over)
    assert (refused.status, refused.code, refused.error["status"]) == (409, "NOT_POSSIBLE_NOW", "failed")
    going, _ = await _under_way(desk, "test")
    refused = await desk.steer("rerunFailedJobs", going)
    assert (refused.status, refused.code, refused.error["status"]) == (409, "NOT_POSSIBLE_NOW", "building")
    for deploy_id in (over, going):
        assert await desk.of_kind(deploy_id, *ASKED) == []


async def test_why_github_does_not_cancel_is_recorded_and_told(desk: Desk) -> None:
    deploy_id, run = await _under_way(desk)
    run.newest.status, run.newest.conclusion = "completed", "success"
    refused = await desk.steer("cancelDeploy", deploy_id, "too late")
    assert (refused.status, refused.code) == (422, "GITHUB_REFUSED")
    why = "Cannot cancel a workflow run that is completed."
    assert refused.body["errors"][0]["message"] == f"GitHub has not done it: {why}"
    assert await desk.of_kind(deploy_id, *ASKED) == [
        ("OPERATOR", OPERATOR, "too late"),
        ("GITHUB", f"github:{REPOSITORY}", why),
    ]
    await desk.stands_at(deploy_id, "succeeded")


FAILURES = {
    "limited": (secondary_limit("60"), 503, "GITHUB_UNAVAILABLE", "CONSOLE"),
    "broken": (failing(502), 502, "GITHUB_UNCLEAR", "CONSOLE"),
    "not allowed": (
        Fault(lambda: refusal(403, "Resource not accessible by integration")),
        422,
        "GITHUB_REFUSED",
        "GITHUB",
    ),
}


@pytest.mark.parametrize(("fault", "status", "code", "source"), FAILURES.values(), ids=FAILURES)
async def test_whatever_keeps_github_from_it_is_recorded_and_told(
    desk: Desk, fault: Fault, status: int, code: str, source: str
) -> None:
    deploy_id, _ = await _under_way(desk)
    desk.github.faults.add(fault, "POST", "/cancel")
    refused = await desk.steer("cancelDeploy", deploy_id)
    assert (refused.status, refused.code) == (status, code)
    (_, (told_by, _, why)) = await desk.of_kind(deploy_id, *ASKED)
    assert told_by == source
    request = (await desk.deploy(deploy_id))["request"]
    assert (request["kind"], request["failure"], request["failedBy"]) == ("CANCEL_REQUESTED", why, source)
    assert (await desk.deploy(deploy_id))["status"]["key"] == "building"
    assert (await desk.steer("cancelDeploy", deploy_id)).status == 200
    assert (await desk.deploy(deploy_id))["request"]["failure"] is None


async def test_what_has_failed_is_run_again_as_the_next_attempt_without_a_callback_or_a_webhook(desk: Desk) -> None:
    deploy_id, run = await _over(desk, "failure")
    assert (await desk.steer("rerunFailedJobs", deploy_id, "flaky")).status == 200
    assert await desk.of_kind(deploy_id, *ASKED) == [("OPERATOR", OPERATOR, "flaky")]
    assert (await desk.deploy(deploy_id))["status"]["key"] == "failed"
    assert run.newest.number == 2

    async def is_told() -> bool:
        return bool((await desk.deploy(deploy_id))["run"]["attempt"] == 2)

    await until(is_told)
    await desk.github.runs.end(run, "success")
    await desk.stands_at(deploy_id, "succeeded")
    stands = await desk.deploy(deploy_id)
    assert (stands["attempt"], stands["request"]) == (2, None)
    assert len(desk.asked()) == 1


async def _run_again(desk: Desk, environment: str) -> tuple[str, Run]:
    """A deploy that has failed, and of which GitHub says that it is run again."""
    deploy_id, run = await _over(desk, "failure", environment)
    assert (await desk.steer("rerunFailedJobs", deploy_id)).status == 200

    async def is_told() -> bool:
        return bool((await desk.deploy(deploy_id))["run"]["attempt"] == 2)

    await until(is_told)
    return deploy_id, run


async def _in_progress(desk: Desk, environment: str) -> tuple[str | None, int]:
    """The deploy that is told to be, and how many wait."""
    query = "query ($name: String!) { environment(name: $name) { inProgress { deploy { id } } waiting } }"
    found = (await desk.caller.send(query, name=environment)).data["environment"]
    return found["inProgress"] and found["inProgress"]["deploy"]["id"], found["waiting"]


async def test_what_github_runs_again_stands_in_the_way_before_any_callback_and_until_it_is_over(desk: Desk) -> None:
    deploy_id, run = await _run_again(desk, "staging")
    assert await _in_progress(desk, "staging") == (deploy_id, 0)
    refused = await desk.try_to_start("staging")
    assert (refused.status, refused.code, refused.error["deployId"]) == (409, "ENVIRONMENT_BUSY", deploy_id)
    refused = await desk.steer("rerunFailedJobs", deploy_id)
    assert (refused.status, refused.code) == (409, "NOT_POSSIBLE_NOW")
    await desk.github.runs.end(run, "failure")

    async def is_free() -> bool:
        return await _in_progress(desk, "staging") == (None, 0)

    await until(is_free)
    assert (await desk.deploy(deploy_id))["attempt"] == 2
    assert (await desk.try_to_start("staging")).status == 200


async def test_what_waits_for_a_re_run_goes_when_github_says_that_it_is_over(desk: Desk) -> None:
    deploy_id, run = await _run_again(desk, "production")
    waiting, behind = await desk.start(), await desk.start()
    assert [(await desk.deploy(one))["queuePosition"] for one in (waiting, behind)] == [1, 2]
    assert await _in_progress(desk, "production") == (deploy_id, 2)
    await desk.caller.report(deploy_id, "building", attempt=2, runId=str(run.id))
    assert await _in_progress(desk, "production") == (deploy_id, 2)
    await desk.github.runs.end(run, "success")
    await desk.run(waiting)
    assert await _in_progress(desk, "production") == (waiting, 1)
    assert (await desk.dispatch(behind))["state"] == "WAITING"


async def test_what_was_cancelled_is_run_again_whole(desk: Desk) -> None:
    deploy_id, run = await _over(desk, "cancelled")
    assert (await desk.steer("rerunFailedJobs", deploy_id)).status == 200
    assert run.newest.number == 2
    assert desk.github.times("POST", "/rerun-failed-jobs") == 0


async def test_nothing_is_run_again_while_another_deploy_has_the_environment(desk: Desk) -> None:
    deploy_id, run = await _over(desk, "failure")
    other = await desk.start("staging")
    await desk.run(other)
    for what in ("rerunFailedJobs", "redeploy"):
        refused = await desk.steer(what, deploy_id)
        assert (refused.status, refused.code, refused.error["deployId"]) == (409, "ENVIRONMENT_BUSY", other)
        assert refused.error["startedBy"] == OPERATOR
    assert run.newest.number == 1
    assert await desk.of_kind(deploy_id, *ASKED) == []


async def test_a_redeploy_is_of_the_commit_that_was_deployed_wherever_its_branch_is_now(desk: Desk) -> None:
    deploy_id, _ = await _over(desk, "failure")
    commit = (await desk.deploy(deploy_id))["commit"]
    desk.github.repository.commit()
    asked = await asyncio.gather(*(desk.steer("redeploy", deploy_id, "roll back", requestId="x") for _ in range(2)))
    (again,) = {answer.data["redeploy"]["id"] for answer in asked}
    await desk.run(again)
    assert desk.asked()[1]["inputs"] == {
        "environment": "staging",
        "ref": "refs/heads/main",
        "commit": commit,
        "console_deploy_id": again,
    }
    assert (await desk.deploy(again))["commit"] == commit
    assert (await desk.log(again))[0][-1] == "roll back"
    assert (await desk.deploy(deploy_id))["status"]["key"] == "failed"


async def test_a_redeploy_of_an_old_tag_runs_the_workflow_there_though_a_branch_has_its_name_by_now(desk: Desk) -> None:
    repository = desk.github.repository
    repository.tag("v1", repository.refs["refs/heads/main"])
    deploy_id = await desk.start("production", "v1")
    await desk.run(deploy_id)
    await desk.caller.walk(deploy_id, "building", "failed")
    repository.branch("v1", repository.commit())
    again = (await desk.steer("redeploy", deploy_id)).data["redeploy"]["id"]
    await desk.run(again)
    assert [asked["ref"] for asked in desk.asked()] == ["refs/tags/v1"] * 2


async def test_who_may_not_steer_is_refused_and_nothing_is_asked_or_recorded(desk: Desk) -> None:
    deploy_id, run = await _under_way(desk)
    for field in ("cancelDeploy", "rerunFailedJobs", "redeploy"):
        given = f'input: {{deployId: "{deploy_id}", reason: "no"}}'
        said = await over_http(desk.server.url, VIEWER, f"mutation {{ {field}({given}) {{ id }} }}")
        assert said.code == "FORBIDDEN"
        for reason in ("", "two\nlines", "x" * 501):
            assert (await desk.steer(field, deploy_id, reason)).code == "BAD_USER_INPUT"
        assert (await desk.steer(field, "nothing")).code == "DEPLOY_NOT_FOUND"
    assert not run.cancelling
    assert await desk.of_kind(deploy_id, *ASKED) == []
