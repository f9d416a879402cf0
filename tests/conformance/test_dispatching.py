"""GitHub is asked for a run once, whatever becomes of the question: on real servers, on each kind of database."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conformance.conftest import on_one_of_each
from tests.support.caller import Caller
from tests.support.github.desk import Desk, at_desk, settings
from tests.support.github.fake import REPOSITORY
from tests.support.github.faults import Fault, failing, lost, refusal, secondary_limit, slow
from tests.support.raw import connected
from tests.support.server import serving, start_again
from tests.support.waiting import until

pytestmark = on_one_of_each

# How SQLite says that, as times are kept there.
_EARLIER = "strftime('%Y-%m-%d %H:%M:%f', updated_at, '-2 minutes') || '000'"

BY_GITHUB = f"github:{REPOSITORY}"


@pytest.fixture
async def desk(database: Path | str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with at_desk(database, tmp_path) as found:
        yield found


def _dispatches(desk: Desk, fault: Fault, times: int = 1) -> None:
    """What goes wrong with the next ones."""
    desk.github.faults.add(fault, "POST", "/dispatches", times)


async def _settled(desk: Desk) -> None:
    """Return after the server has looked for something to be sent, and for runs, more than once."""
    before = len(desk.github.asked)
    other = await desk.start("test")
    await desk.run(other)
    await until(lambda: len(desk.github.asked) > before + 2)


async def test_a_start_is_pinned_and_dispatched_once_with_all_that_the_workflow_needs(desk: Desk) -> None:
    commit = desk.github.repository.refs["refs/heads/main"]
    deploy_id = await desk.start()
    run = await desk.run(deploy_id)
    assert desk.asked() == [
        {
            "ref": "refs/heads/main",
            "inputs": {
                "environment": "production",
                "ref": "refs/heads/main",
                "commit": commit,
                "console_deploy_id": deploy_id,
            },
            "return_run_details": True,
        }
    ]
    stands = await desk.deploy(deploy_id)
    assert (stands["ref"], stands["commit"]) == ("main", commit)
    assert stands["dispatch"] == {"state": "SENT", "reason": None, "ref": "refs/heads/main", "runId": str(run.id)}

    async def is_told() -> bool:
        return (await desk.deploy(deploy_id))["run"] is not None

    await until(is_told)
    stands = await desk.deploy(deploy_id)
    assert stands["run"] == {"id": str(run.id), "status": "queued", "attempt": 1}
    assert stands["runUrl"] == f"{desk.github.url}/{REPOSITORY}/actions/runs/{run.id}/attempts/1"


async def test_what_the_branch_was_when_the_deploy_was_started_is_deployed(desk: Desk) -> None:
    commit = desk.github.repository.refs["refs/heads/main"]
    busy = await desk.start()
    await desk.run(busy)
    waiting = await desk.start()
    assert (await desk.deploy(waiting))["queuePosition"] == 1
    desk.github.repository.commit()
    await desk.caller.walk(busy, "building", "failed")
    await desk.run(waiting)
    assert desk.asked()[1]["inputs"]["commit"] == commit == (await desk.deploy(waiting))["commit"]


async def test_a_commit_is_deployed_by_the_workflow_of_the_ref_that_the_environment_names(desk: Desk) -> None:
    old = desk.github.repository.refs["refs/heads/main"]
    desk.github.repository.commit()
    deploy_id = await desk.start("anything", old.upper())
    await desk.run(deploy_id)
    (asked,) = desk.asked()
    assert (asked["ref"], asked["inputs"]["commit"]) == ("refs/heads/main", old)
    assert (await desk.deploy(deploy_id))["commit"] == old


async def test_a_ref_that_is_not_there_or_is_two_is_refused_and_nothing_is_recorded(desk: Desk) -> None:
    repository = desk.github.repository
    repository.tag("v1", repository.refs["refs/heads/main"])
    repository.branch("v1", repository.commit("topic"))
    for ref, problem in (("gone", "is not there, as GitHub says: No commit found"), ("v1", "is a branch and a tag")):
        answer = await desk.try_to_start(ref=ref)
        assert (answer.status, answer.code, answer.error["field"]) == (400, "BAD_USER_INPUT", "ref")
        assert problem in answer.body["errors"][0]["message"]
    assert (await desk.caller.send("{ deploys { edges { cursor } } }")).data["deploys"]["edges"] == []
    await desk.run(await desk.start(ref="refs/tags/v1"))
    assert desk.asked()[0]["ref"] == "refs/tags/v1"


async def test_where_github_does_not_say_which_commit_it_is_nothing_is_recorded(desk: Desk) -> None:
    desk.github.faults.add(Fault(lambda: refusal(401, "Bad credentials")), "GET", "/commits/")
    desk.github.faults.add(failing(502), "GET", "/commits/")
    desk.github.faults.add(secondary_limit("60"), "GET", "/commits/")
    answers = [await desk.try_to_start() for _ in range(3)]
    assert [answer.code for answer in answers] == ["GITHUB_REFUSED", "GITHUB_UNAVAILABLE", "GITHUB_UNAVAILABLE"]
    assert [answer.status for answer in answers] == [422, 503, 503]
    assert 50 < answers[2].error["retryAfterSeconds"] <= 60
    await desk.github.away()
    assert (await desk.try_to_start()).code == "GITHUB_UNAVAILABLE"
    await desk.github.back()
    assert (await desk.caller.send("{ deploys { edges { cursor } } }")).data["deploys"]["edges"] == []
    assert desk.asked() == []


REFUSALS: dict[str, tuple[Fault, str]] = {
    "unprocessable": (
        Fault(lambda: refusal(422, 'Unexpected inputs provided: ["commit"]')),
        'Unexpected inputs provided: ["commit"]',
    ),
    "no such workflow": (Fault(lambda: refusal(404, "Not Found")), "Not Found: actions/workflows/deploy-console.yml"),
    "no permission": (
        Fault(lambda: refusal(403, "Resource not accessible by integration")),
        "GitHub does not allow it: Resource not accessible by integration",
    ),
    "a token that was revoked meanwhile": (
        Fault(lambda: refusal(401, "Bad credentials")),
        "GitHub does not accept the credential: Bad credentials",
    ),
}


@pytest.mark.parametrize(("fault", "reason"), REFUSALS.values(), ids=REFUSALS)
async def test_what_github_refuses_ends_the_deploy_with_its_reason_and_frees_the_environment(
    desk: Desk, fault: Fault, reason: str
) -> None:
    _dispatches(desk, fault)
    deploy_id = await desk.start("staging")
    await desk.stands_at(deploy_id, "failed")
    kind, source, status, attempt, actor, message = (await desk.log(deploy_id))[-1]
    assert (kind, source, status, attempt, actor) == ("TRANSITION", "GITHUB", "failed", 1, BY_GITHUB)
    assert message.startswith(reason)
    dispatch = await desk.dispatch(deploy_id)
    assert (dispatch["state"], dispatch["reason"]) == ("REFUSED", message)
    other = await desk.start("staging")
    await desk.run(other)
    assert (len(desk.asked()), desk.runs(deploy_id)) == (2, [])


BROKEN = {"answered by something before it": failing, "a connection that is lost": lost}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
async def test_what_github_has_taken_without_saying_so_is_found_by_its_name_and_never_sent_again(
    desk: Desk, broken: Any
) -> None:
    desk.github.lag()
    _dispatches(desk, broken(done=True))
    deploy_id = await desk.start()
    dispatch = await desk.comes_to(deploy_id, "UNCLEAR")
    ((source, actor, message),) = await desk.of_kind(deploy_id, "DISPATCH_UNCLEAR")
    assert (source, actor, message) == ("CONSOLE", "phaseline", dispatch["reason"])
    assert message.startswith("it is not known what GitHub has made of it")
    assert (await desk.deploy(deploy_id))["status"]["key"] == "queued"
    desk.github.catch_up()
    run = await desk.run(deploy_id)
    assert await desk.dispatch(deploy_id) == {
        "state": "SENT",
        "reason": None,
        "ref": "refs/heads/main",
        "runId": str(run.id),
    }
    await desk.github.runs.end(run, "success")
    await desk.stands_at(deploy_id, "succeeded")
    assert len(desk.asked()) == 1


async def test_what_github_may_not_have_taken_stays_unclear_and_is_not_sent_again(desk: Desk) -> None:
    _dispatches(desk, failing(502))
    deploy_id = await desk.start()
    await desk.comes_to(deploy_id, "UNCLEAR")
    await _settled(desk)
    assert (await desk.dispatch(deploy_id))["state"] == "UNCLEAR"
    assert len([asked for asked in desk.asked() if asked["inputs"]["console_deploy_id"] == deploy_id]) == 1
    assert len(await desk.of_kind(deploy_id, "DISPATCH_UNCLEAR")) == 1
    refused = await desk.steer("cancelDeploy", deploy_id)
    assert (refused.status, refused.code, refused.error["status"]) == (409, "NOT_POSSIBLE_NOW", "queued")
    assert "it is not known whether GitHub has begun a run" in refused.body["errors"][0]["message"]
    assert (await desk.steer("abandonDeploy", deploy_id)).status == 200


async def test_callbacks_show_that_a_run_was_begun_of_which_it_was_not_known(desk: Desk) -> None:
    desk.github.lag()
    _dispatches(desk, failing(502, done=True))
    deploy_id = await desk.start()
    await desk.comes_to(deploy_id, "UNCLEAR")
    (run,) = desk.runs(deploy_id)
    assert (await desk.caller.report(deploy_id, "building", runId="17")).status == 200
    assert (await desk.comes_to(deploy_id, "SENT"))["reason"] is None
    # Which run it is, a token does not say: it is looked for on.
    await _settled(desk)
    assert (await desk.dispatch(deploy_id))["runId"] is None
    desk.github.catch_up()

    async def is_known() -> bool:
        return bool((await desk.dispatch(deploy_id))["runId"] == str(run.id))

    await until(is_known)


async def test_of_several_runs_that_bear_a_deploy_s_id_none_is_taken_for_its(desk: Desk) -> None:
    desk.github.lag()
    _dispatches(desk, failing(502, done=True))
    deploy_id = await desk.start()
    await desk.comes_to(deploy_id, "UNCLEAR")
    (run,) = desk.runs(deploy_id)
    desk.github.repository.start(run.workflow, "main", run.inputs)
    desk.github.catch_up()
    line = await desk.logged("several runs bear the id of a deploy")
    assert (line["deploy"], len(line["runs"])) == (deploy_id, 2)
    assert await desk.dispatch(deploy_id) == {
        "state": "UNCLEAR",
        "ref": "refs/heads/main",
        "runId": None,
        "reason": (await desk.dispatch(deploy_id))["reason"],
    }


async def test_a_run_that_bears_the_ids_of_two_deploys_is_taken_for_neither_s(desk: Desk) -> None:
    desk.github.lag()
    _dispatches(desk, failing(502), times=2)
    ids = [await desk.start(environment) for environment in ("production", "staging")]
    for deploy_id in ids:
        await desk.comes_to(deploy_id, "UNCLEAR")
    workflow = next(iter(desk.github.repository.workflows.values()))
    inputs = {"environment": "staging", "ref": "main", "console_deploy_id": " ".join(ids)}
    desk.github.repository.start(workflow, "main", inputs)
    desk.github.catch_up()
    looked = desk.github.times("GET", f"/workflows/{workflow.file}/runs")
    await until(lambda: desk.github.times("GET", f"/workflows/{workflow.file}/runs") > looked + 4)
    assert [(await desk.dispatch(one))["runId"] for one in ids] == [None, None]


async def test_while_github_limits_it_waits_and_says_why_and_is_sent_after_that(desk: Desk) -> None:
    _dispatches(desk, secondary_limit("3"))
    deploy_id = await desk.start()
    dispatch, began = await desk.says_why(deploy_id), time.monotonic()
    assert (dispatch["state"], dispatch["runId"]) == ("PENDING", None)
    assert dispatch["reason"].startswith("GitHub takes no more requests until")
    other = await desk.start("staging")
    for one in (deploy_id, other):
        assert (await desk.run(one)).inputs["console_deploy_id"] == one
    assert time.monotonic() - began > 1
    sent = [asked["inputs"]["console_deploy_id"] for asked in desk.asked()]
    assert sorted(sent) == sorted([deploy_id, deploy_id, other])
    assert await desk.of_kind(deploy_id, "DISPATCH_UNCLEAR") == []


async def test_while_github_is_away_it_waits_and_is_sent_when_it_is_back(desk: Desk) -> None:
    first = await desk.start("staging")
    await desk.run(first)
    await desk.caller.walk(first, "building", "failed")
    await desk.github.away()
    again = (await desk.steer("redeploy", first)).data["redeploy"]["id"]
    dispatch = await desk.says_why(again)
    assert dispatch["state"] in ("PENDING", "SENDING")
    assert dispatch["reason"].startswith("GitHub was not reached")
    await desk.github.back()
    await desk.run(again)
    assert len(desk.asked()) == 2
    assert len(desk.runs(again)) == 1


async def test_a_node_that_is_killed_while_it_asks_leaves_it_unclear_and_nobody_asks_again(
    desk: Desk, tmp_path: Path
) -> None:
    free = asyncio.Event()
    _dispatches(desk, slow(free))
    deploy_id = await desk.start()
    await until(lambda: len(desk.asked()) == 1)
    assert (await desk.dispatch(deploy_id))["state"] == "SENDING"
    await desk.server.kill()
    free.set()
    async with connected(desk.database) as raw:
        # As if that had been a while ago.
        if raw.is_sqlite:
            await raw.execute("UPDATE dispatches SET updated_at = " + _EARLIER)
        else:
            await raw.execute("UPDATE dispatches SET updated_at = updated_at - interval '2 minutes'")
    desk.server = await start_again(desk.database, **settings(desk.github, tmp_path))
    await desk.caller.http.aclose()
    desk.caller = Caller(desk.server.url)
    run = await desk.run(deploy_id)
    ((source, _, message),) = await desk.of_kind(deploy_id, "DISPATCH_UNCLEAR")
    assert source == "CONSOLE"
    assert message == "the server that asked GitHub for the run ended before it knew what came of it"
    assert (await desk.dispatch(deploy_id))["runId"] == str(run.id)
    assert len(desk.asked()) == 1
    await desk.caller.http.aclose()


async def test_a_node_that_is_stopped_while_it_asks_hears_the_answer_first(desk: Desk, tmp_path: Path) -> None:
    free = asyncio.Event()
    _dispatches(desk, slow(free))
    deploy_id = await desk.start()
    await until(lambda: len(desk.asked()) == 1)
    stopping = asyncio.create_task(desk.server.stop())
    await desk.caller.http.aclose()

    async def lets_nobody_in() -> bool:
        async with Caller(desk.server.url) as late:
            try:
                await late.http.get("/sign-in")
            except httpx.TransportError:
                return True
        return False

    await until(lets_nobody_in)
    await asyncio.sleep(0.5)  # nobody tells when it has ended all else
    free.set()
    assert await stopping == 0
    desk.server = await start_again(desk.database, **settings(desk.github, tmp_path))
    desk.caller = Caller(desk.server.url)
    assert (await desk.dispatch(deploy_id))["state"] == "SENT"
    assert await desk.of_kind(deploy_id, "DISPATCH_UNCLEAR") == []
    await desk.caller.http.aclose()


async def test_two_nodes_ask_for_each_run_once(desk: Desk, tmp_path: Path) -> None:
    given = settings(desk.github, tmp_path, poll_seconds="0.02")
    async with serving(desk.database, **given) as other, Caller(other.url) as caller:
        nodes = [desk, Desk(desk.github, other, caller, desk.database)]
        ids = []
        for _ in range(5):
            started = await asyncio.gather(
                *(nodes[turn % 2].start(name) for turn, name in enumerate(("staging", "test", "anything")))
            )
            ids += started
            for deploy_id in started:
                await desk.run(deploy_id)
                await desk.caller.walk(deploy_id, "building", "failed")
    sent = [asked["inputs"]["console_deploy_id"] for asked in desk.asked()]
    assert sorted(sent) == sorted(ids)


async def test_a_double_click_is_one_deploy_and_one_run(desk: Desk) -> None:
    answers = await asyncio.gather(*(desk.try_to_start("staging", requestId="click") for _ in range(4)))
    (deploy_id,) = {answer.data["startDeploy"]["id"] for answer in answers}
    await desk.run(deploy_id)
    commit = (await desk.deploy(deploy_id))["commit"]
    desk.github.repository.commit()
    await desk.github.away()
    again = (await desk.try_to_start("staging", requestId="click")).data["startDeploy"]
    assert (again["id"], again["commit"]) == (deploy_id, commit)
    await desk.github.back()
    assert len(desk.asked()) == 1


async def test_a_deploy_that_is_abandoned_before_it_is_sent_never_is(desk: Desk) -> None:
    _dispatches(desk, secondary_limit("2"))
    deploy_id = await desk.start("staging")
    await desk.says_why(deploy_id)
    assert (await desk.steer("abandonDeploy", deploy_id)).status == 200
    assert (await desk.dispatch(deploy_id))["state"] == "WITHDRAWN"
    other = await desk.start("staging")
    await desk.run(other)  # after the limit
    assert desk.runs(deploy_id) == []


async def test_while_github_takes_its_time_callbacks_of_others_go_on(desk: Desk) -> None:
    other = await desk.start("staging")
    await desk.run(other)
    free = asyncio.Event()
    _dispatches(desk, slow(free))
    deploy_id = await desk.start("test")
    await until(lambda: len(desk.asked()) == 2)
    await desk.caller.walk(other, "building", "deploying", "succeeded")
    assert (await desk.dispatch(deploy_id))["state"] == "SENDING"
    free.set()
    await desk.run(deploy_id)


async def test_a_server_that_does_not_tell_which_run_it_is_has_it_found_by_its_name(
    database: Path | str, tmp_path: Path
) -> None:
    async with at_desk(database, tmp_path, enterprise=True) as desk:
        deploy_id = await desk.start()

        async def is_found() -> bool:
            return (await desk.dispatch(deploy_id))["runId"] is not None

        await until(is_found)
        (run,) = desk.runs(deploy_id)
        assert (await desk.dispatch(deploy_id))["runId"] == str(run.id)
        assert [asked.get("return_run_details") for asked in desk.asked()] == [True, None]


async def test_how_it_ended_is_counted(desk: Desk) -> None:
    _dispatches(desk, failing(502, done=True))
    await desk.run(await desk.start("test"))
    await desk.run(await desk.start("staging"))
    text = (await desk.caller.http.get("/metrics")).text
    for outcome, count in (("sent", 1), ("unclear", 1), ("found", 1), ("refused", 0), ("put off", 0)):
        assert f'phaseline_dispatches_total{{outcome="{outcome}"}} {count:.1f}' in text
