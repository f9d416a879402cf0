"""GitHub's own account of runs arrives by webhooks, and by asking: each alone, both, late, doubled, and not at all.

On real servers, before a GitHub that is held to what GitHub publishes of itself.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.conftest import on_one_of_each
from tests.support.accounting import ENDS_BY
from tests.support.asking import over_http
from tests.support.caller import Caller
from tests.support.consistency import assert_consistent
from tests.support.github import FakeGitHub
from tests.support.github.access import APP_ID, INSTALLATION_ID, TOKEN, private_key_pem
from tests.support.github.faults import Answer, Fault, failing, primary_limit, refusal, secondary_limit, slow
from tests.support.github.hooks import Manner
from tests.support.github.stage import OFTEN, SELDOM, WAITS, Stage, settings, staged
from tests.support.github.telling import environments
from tests.support.issuer import Issuer, trust_file
from tests.support.server import serving, start_again
from tests.support.starting import start
from tests.support.viewer import PHASE_CHANGED, viewing
from tests.support.waiting import until

pytestmark = on_one_of_each


@pytest.fixture
async def told(database: Path | str, tmp_path: Path) -> AsyncIterator[Stage]:
    """Where webhooks come, and nothing is asked but what they call for."""
    async with staged(database, tmp_path, SELDOM) as stage:
        yield stage


@pytest.fixture
async def asking(database: Path | str, tmp_path: Path) -> AsyncIterator[Stage]:
    """Where no webhook ever comes, unless a test lets it."""
    async with staged(database, tmp_path, OFTEN) as stage:
        stage.github.hooks.manner = Manner.NEVER
        yield stage


def _ended(conclusion: str, attempt: int = 1) -> tuple[Any, ...]:
    return "TRANSITION", ENDS_BY[conclusion], attempt, "completed", conclusion


GOES_ON = "RUN_REPORTED", "deploying", 1, "in_progress", None


async def test_every_conclusion_by_webhook_alone(told: Stage) -> None:
    for conclusion in ENDS_BY:
        deploy_id, run = await told.under_way()
        await told.github.runs.begin(run)
        await told.github.runs.end(run, conclusion)
        await told.has_said(deploy_id, GOES_ON, _ended(conclusion))
        assert told.asked(run) == 0
    assert {answer for delivery in told.github.hooks.all for answer in delivery.answers} == {202}


async def test_every_conclusion_by_asking_alone(asking: Stage) -> None:
    for conclusion in ENDS_BY:
        deploy_id, run = await asking.known()
        await asking.github.runs.begin(run)
        await asking.has_said(deploy_id, WAITS, GOES_ON)
        await asking.github.runs.end(run, conclusion)
        await asking.has_said(deploy_id, WAITS, GOES_ON, _ended(conclusion))


@pytest.mark.parametrize("manner", [Manner.ONCE, Manner.TWICE])
async def test_by_both_ways_there_is_one_end_whichever_is_first(asking: Stage, manner: Manner) -> None:
    asking.github.hooks.manner = Manner.HELD
    deploy_id, run = await asking.known()
    await asking.github.runs.end(run, "failure")
    await asking.has_said(deploy_id, WAITS, _ended("failure"))
    for _ in range(1 + (manner is Manner.TWICE)):
        for delivery in asking.github.hooks.all:
            await asking.github.hooks.deliver(delivery)
    asking.github.hooks.manner = manner
    other_id, other = await asking.under_way()
    await asking.github.runs.end(other, "cancelled")
    another_id, another = await asking.under_way()
    await asking.is_asked_again(another, 2)
    assert await asking.by_github(deploy_id) == [WAITS, _ended("failure")]
    ended = [line for line in await asking.by_github(other_id) if line[3] == "completed"]
    assert ended == [_ended("cancelled")]
    assert [line[3] for line in await asking.by_github(another_id)] == ["queued"]


async def test_a_viewer_sees_the_end_arrive_that_was_asked_for(asking: Stage) -> None:
    deploy_id, run = await asking.under_way()
    async with viewing(asking.server.url) as viewer:
        await viewer.subscribe(PHASE_CHANGED, id=deploy_id)
        assert (await viewer.event())["deploy"]["status"]["key"] == "deploying"
        await asking.github.runs.end(run, "timed_out")
        while (event := await viewer.event())["entry"]["kind"] != "TRANSITION":
            assert event["deploy"]["status"]["key"] == "deploying"
    assert event["deploy"]["status"] == {"key": "failed", "outcome": "FAILED"}
    assert [phase["state"] for phase in event["deploy"]["phases"]][2] == "NOT_REPORTED"


async def test_late_callbacks_after_githubs_end_are_refused_and_recorded(asking: Stage) -> None:
    deploy_id, run = await asking.known()
    await asking.github.runs.end(run, "failure")
    await asking.has_said(deploy_id, WAITS, _ended("failure"))
    same, other = await asking.caller.report(deploy_id, "failed"), await asking.caller.report(deploy_id, "succeeded")
    assert same.data["applyCallback"]["duplicate"]
    assert (other.status, other.code) == (422, "ILLEGAL_TRANSITION")
    assert (await asking.log(deploy_id))[-1][:3] == ("CALLBACK_REFUSED", "CALLBACK", "succeeded")


async def test_a_webhook_of_a_re_run_has_the_attempt_before_it_asked_for_first(told: Stage) -> None:
    told.github.hooks.manner = Manner.NEVER
    deploy_id, run = await told.under_way()
    await told.github.runs.end(run, "failure")
    run.add_attempt()
    told.github.hooks.manner = Manner.ONCE
    await told.github.runs.begin(run)
    await told.has_said(deploy_id, _ended("failure"), ("RUN_REPORTED", "failed", 2, "in_progress", None))
    await told.github.runs.end(run, "success")
    await told.has_said(
        deploy_id,
        _ended("failure"),
        ("RUN_REPORTED", "failed", 2, "in_progress", None),
        _ended("success", 2),
    )


async def test_a_re_run_that_is_found_by_asking_is_told_of_after_the_attempts_before_it(asking: Stage) -> None:
    deploy_id, run = await asking.known()
    await asking.github.away()
    await asking.logged("GitHub does not tell how a run stands")
    for conclusion in ("failure", "cancelled"):
        await asking.github.runs.end(run, conclusion)
        run.add_attempt()
    await asking.github.runs.end(run, "success")
    await asking.github.back()
    await asking.has_said(deploy_id, WAITS, _ended("failure"), _ended("cancelled", 2), _ended("success", 3))
    assert await asking.logged("GitHub tells again how runs stand")


async def test_an_attempt_that_github_says_goes_on_though_there_is_a_later_one_has_no_end(asking: Stage) -> None:
    deploy_id, run = await asking.known()
    run.newest.status = "in_progress"
    run.add_attempt()
    await asking.is_asked_again(run, 6)
    assert await asking.by_github(deploy_id) == [WAITS, GOES_ON]


async def test_a_job_that_waits_has_github_asked_for_what_its_run_waits_for(told: Stage) -> None:
    deploy_id, run = await told.under_way()
    await told.github.runs.wait(run, "production")
    await told.has_said(deploy_id, ("RUN_REPORTED", "deploying", 1, "waiting", None))
    found = await told.caller.send("query ($id: ID!) { deploy(id: $id) { run { status attempt } } }", id=deploy_id)
    assert found.data["deploy"]["run"] == {"status": "waiting", "attempt": 1}


async def test_a_run_that_outlives_its_deploy_s_end_is_asked_for_until_it_is_over(asking: Stage) -> None:
    deploy_id, run = await asking.known()
    await asking.github.runs.begin(run)
    await asking.has_said(deploy_id, WAITS, GOES_ON)
    await asking.caller.walk(deploy_id, "succeeded")
    await asking.github.runs.end(run, "success")
    await asking.has_said(deploy_id, WAITS, GOES_ON, ("RUN_REPORTED", "succeeded", 1, "completed", "success"))
    _, other = await asking.under_way()
    await asking.is_asked_again(other, 2)
    before = asking.asked(run)
    await asking.is_asked_again(other, 3)
    assert asking.asked(run) == before


async def test_what_has_not_changed_costs_nothing(asking: Stage) -> None:
    _, run = await asking.under_way()
    await asking.is_asked_again(run, 2)
    before, began = asking.github.remaining, datetime.now(UTC)
    await asking.is_asked_again(run, 10)
    # Our GitHub says with every second that the run was touched.
    assert before - asking.github.remaining <= (datetime.now(UTC) - began).total_seconds() + 2


async def test_deploys_without_a_known_run_and_runs_of_elsewhere_are_asked_for_by_nobody(asking: Stage) -> None:
    silent = await start(asking.database)
    for environment, run_id in (("production", None), ("production", "gitlab-7"), ("shop", "17")):
        given: dict[str, Any] = {} if run_id is None else {"runId": run_id}
        deploy_id = await start(asking.database, environment)
        assert (await asking.caller.report(deploy_id, "building", **given)).status == 200
    _, run = await asking.under_way()
    await asking.is_asked_again(run, 3)
    assert {asked.path.rsplit("/", 1)[-1] for asked in asking.github.asked if "/octo-org/shop" not in asked.path} == {
        str(run.id)
    }
    assert await asking.log(silent) == []
    # The other repository is not to be seen: that is said once, and what was refused once is let be for a while.
    assert len(await asking.logged("GitHub does not tell how a run stands")) == 1


LIMITS = {
    "primary": primary_limit(3),
    "secondary": secondary_limit("3"),
    "by another status": secondary_limit("3", 429),
}


@pytest.mark.parametrize("limit", LIMITS, ids=LIMITS)
async def test_while_github_limits_nothing_is_asked_and_callbacks_go_on(asking: Stage, limit: str) -> None:
    deploy_id, run = await asking.under_way()
    asking.github.faults.add(LIMITS[limit], "GET", "/runs/")
    (line,) = await asking.logged("GitHub does not tell how a run stands")
    assert line["kind"] == "Limited"
    began, asked = datetime.now(UTC), asking.asked(run)
    assert (await asking.caller.report(deploy_id, "health_checking")).status == 200
    await asking.github.runs.end(run, "success")
    await until(lambda: asking.asked(run) > asked)
    assert datetime.now(UTC) - began > timedelta(seconds=1)

    async def has_ended() -> bool:
        return (await asking.by_github(deploy_id))[-1:] == [_ended("success")]

    await until(has_ended)


def _refused(status: int, message: str, **more: str) -> Fault:
    return Fault(lambda: refusal(status, message, more))


def _unreadable() -> Fault:
    return Fault(lambda: Answer(200, b"<html>", {"content-type": "text/html"}))


TROUBLES = {
    "a fault of its own": ("Unclear", lambda: failing(502)),
    "an answer that is none": ("Unclear", _unreadable),
    "a token that is revoked": ("NotAllowed", lambda: _refused(401, "Bad credentials")),
}


@pytest.mark.parametrize(("kind", "fault"), TROUBLES.values(), ids=TROUBLES)
async def test_while_github_does_not_tell_nothing_is_invented_and_callbacks_go_on(
    asking: Stage, kind: str, fault: Any
) -> None:
    asking.github.faults.add(fault(), "GET", "/runs/", times=10_000)
    deploy_id, run = await asking.under_way()
    await asking.github.runs.end(run, "failure")
    await asking.is_asked_again(run, 3)
    assert (await asking.caller.report(deploy_id, "health_checking")).status == 200
    assert await asking.by_github(deploy_id) == []
    text = (await asking.caller.http.get("/metrics")).text
    assert "phaseline_github_answers 0.0" in text
    asking.github.faults.clear()
    await asking.has_said(deploy_id, _ended("failure"))
    (line,) = [line for line in asking.server.log if line["event"] == "GitHub does not tell how a run stands"]
    assert (line["level"], line["kind"], line["run"]) == ("warning", kind, str(run.id))
    assert TOKEN not in json.dumps(asking.server.log)
    assert (await asking.logged("GitHub tells again how runs stand"))[0]["over"] == [kind]
    assert "phaseline_github_answers 1.0" in (await asking.caller.http.get("/metrics")).text


async def test_a_github_that_is_slow_keeps_no_callback_waiting(asking: Stage) -> None:
    free = asyncio.Event()
    asking.github.faults.add(slow(free), "GET", "/runs/", times=10_000)
    deploy_id, run = await asking.under_way()
    await asking.is_asked_again(run)
    assert (await asking.caller.report(deploy_id, "health_checking")).status == 200
    await asking.github.runs.end(run, "failure")
    asking.github.hooks.manner = Manner.ONCE
    other_id, other = await asking.under_way()
    await asking.github.runs.end(other, "success")  # by webhook, meanwhile
    assert await asking.by_github(other_id) == [_ended("success")]
    assert await asking.by_github(deploy_id) == []
    asking.github.faults.clear()
    free.set()
    await asking.has_said(deploy_id, ("RUN_REPORTED", "health_checking", 1, "queued", None), _ended("failure"))


async def test_a_run_that_is_gone_is_let_be_and_keeps_no_other_from_being_asked_for(asking: Stage) -> None:
    gone = await start(asking.database)
    assert (await asking.caller.report(gone, "building", runId="404")).status == 200
    (line,) = await asking.logged("GitHub does not tell how a run stands")
    assert line["kind"] == "Refused"
    deploy_id, run = await asking.under_way()
    await asking.is_asked_again(run, 3)
    assert asking.github.times("GET", "/runs/404") == 1
    await asking.github.runs.end(run, "success")

    async def has_ended() -> bool:
        return (await asking.by_github(deploy_id))[-1:] == [_ended("success")]

    await until(has_ended)
    assert await asking.by_github(gone) == []


async def test_an_environment_that_is_no_longer_in_the_file_is_left_alone(asking: Stage, tmp_path: Path) -> None:
    deploy_id, run = await asking.under_way(environment="staging")
    await asking.server.stop()
    given = settings(asking.github, tmp_path, OFTEN, without="staging")
    asking.server = await start_again(asking.database, None, **given)
    asking.caller = Caller(asking.server.url)
    try:
        before = asking.asked(run)
        _, other = await asking.under_way()
        await asking.is_asked_again(other, 3)
        assert asking.asked(run) == before
        assert (await asking.caller.deploy(deploy_id))["status"]["key"] == "deploying"
        await assert_consistent(asking.database, asking.server.url)
    finally:
        await asking.caller.http.aclose()
        await asking.server.stop()


async def test_as_an_app_it_asks_with_a_token_of_its_installation(
    database: Path | str, tmp_path: Path, told: Stage
) -> None:
    file, key = tmp_path / "app.toml", tmp_path / "key.pem"
    of_app = f"app_id = {APP_ID}\ninstallation_id = {INSTALLATION_ID}\n"
    file.write_text(environments(told.github.api_url, told.github.url, of_app))
    key.write_text(private_key_pem())
    given = {"environments_file": str(file), "github_key_file": str(key), "reconcile_seconds": OFTEN}
    told.github.access.revoke(TOKEN)
    told.github.hooks.manner = Manner.NEVER
    async with serving(database, **given):
        deploy_id, run = await told.under_way()
        await told.github.runs.end(run, "failure")
        await until(lambda: bool(told.github.access.given))

        async def has_ended() -> bool:
            return (await told.by_github(deploy_id))[-1:] == [_ended("failure")]

        await until(has_ended)


async def test_a_run_that_has_proven_itself_is_asked_for_where_its_environment_is_in_the_file_and_not_elsewhere(
    database: Path | str, tmp_path: Path
) -> None:
    with Issuer() as issuer:
        trust = tmp_path / "trust.toml"
        trust.write_text(trust_file(issuer, {"environments": ["production", "gone"]}))
        async with FakeGitHub() as github:
            given = settings(github, tmp_path, OFTEN) | {"trust_file": str(trust)}
            async with serving(database, **given) as server, Caller(server.url) as caller:
                stage, runs = Stage(github, server, caller, database), []
                # As of before the file left the one out.
                for environment in ("gone", "production"):
                    deploy, run = await start(database, environment), stage.begin()
                    await github.runs.end(run, "failure")  # before it is known, so that its end is all that is told
                    callback = f'applyCallback(input: {{deployId: "{deploy}", status: "building"}}) {{ duplicate }}'
                    token = issuer.token(run_id=str(run.id), run_attempt="1")
                    said = await over_http(server.url, token, f"mutation {{ {callback} }}")
                    assert "errors" not in said.payload, said
                    runs.append(run)
                gone, there = runs
                await stage.has_said(deploy, _ended("failure"))
                assert (stage.asked(gone), stage.asked(there) > 0) == (0, True)
