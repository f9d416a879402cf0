"""A run that was dispatched for a deploy is the deploy's before any callback, by GitHub's answer or by its own name."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.conftest import on_one_of_each
from tests.support.github.fake import REPOSITORY, WORKFLOW
from tests.support.github.hooks import Manner
from tests.support.github.stage import INPUTS, OFTEN, SELDOM, Stage, staged
from tests.support.github.state import Run
from tests.support.github.telling import deliver, of_run
from tests.support.raw import connected
from tests.support.starting import start
from tests.support.waiting import until

pytestmark = on_one_of_each

_INTO = """
    INSERT INTO dispatches (deploy_id, state, repository, workflow, ref, run_id, reason, updated_at)
    VALUES (:deploy_id, :state, :repository, :workflow, 'refs/heads/main', :run_id, 'no answer', :updated_at)
"""
_OF = "SELECT state, run_id, reason FROM dispatches WHERE deploy_id = :deploy_id"

_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

MAKES = ("RUN_REPORTED", "queued", 1, "queued", None)
ENDS = ("TRANSITION", "failed", 1, "completed", "failure")


@pytest.fixture
async def told(database: Path | str, tmp_path: Path) -> AsyncIterator[Stage]:
    """Where nothing is asked but what webhooks call for."""
    async with staged(database, tmp_path, SELDOM) as stage:
        yield stage


async def _dispatched(stage: Stage, state: str, **instead: Any) -> str:
    """A deploy of which no callback has come, and what has become of asking GitHub for its run."""
    given = {"repository": REPOSITORY, "workflow": WORKFLOW, "run_id": None, "updated_at": datetime.now(UTC)}
    deploy_id = await start(stage.database)
    async with connected(stage.database) as raw:
        await raw.execute(_INTO, deploy_id=deploy_id, state=state, **given | instead)
    return deploy_id


async def _became(stage: Stage, deploy_id: str) -> tuple[Any, ...]:
    async with connected(stage.database) as raw:
        (row,) = await raw.execute(_OF, deploy_id=deploy_id)
    return row


def _named(stage: Stage, deploy_id: str) -> Run:
    """A run that was begun for it, of which nobody is told."""
    workflow = next(iter(stage.github.repository.workflows.values()))
    return stage.github.repository.start(workflow, "main", INPUTS | {"console_deploy_id": deploy_id})


async def test_the_run_that_github_has_answered_with_is_asked_for(database: Path | str, tmp_path: Path) -> None:
    async with staged(database, tmp_path, OFTEN) as stage:
        stage.github.hooks.manner = Manner.NEVER
        run = stage.begin()
        deploy_id = await _dispatched(stage, "sent", run_id=str(run.id))
        await stage.has_said(deploy_id, MAKES)
        await stage.github.runs.end(run, "failure")
        await stage.has_said(deploy_id, MAKES, ENDS)


async def test_the_run_that_github_has_answered_with_is_heard_of_also_when_its_deploy_has_ended(told: Stage) -> None:
    run = told.begin()
    deploy_id = await _dispatched(told, "sent", run_id=str(run.id))
    await told.github.runs.end(run, "failure")
    await told.has_said(deploy_id, ENDS)
    run.add_attempt()
    await told.github.runs.begin(run)
    await told.has_said(deploy_id, ENDS, ("RUN_REPORTED", "failed", 2, "in_progress", None))
    assert told.asked(run) == 0


async def test_it_counts_for_more_than_one_that_callbacks_name(told: Stage) -> None:
    run, other = told.begin(), told.begin()
    deploy_id = await _dispatched(told, "sent", run_id=str(run.id))
    assert (await told.caller.report(deploy_id, "building", runId=str(other.id))).status == 200
    await told.github.runs.end(other, "success")
    await told.github.runs.end(run, "failure")
    await told.has_said(deploy_id, ENDS)


@pytest.mark.parametrize("state", ["unclear", "sent"])
async def test_a_run_whose_name_carries_the_deploy_is_taken_for_what_its_dispatch_has_become(
    told: Stage, state: str
) -> None:
    deploy_id = await _dispatched(told, state)
    run = _named(told, deploy_id)
    await told.github.runs.began(run)
    assert await _became(told, deploy_id) == ("sent", str(run.id), None)
    await told.github.runs.begin(run)  # these do not tell the name
    assert ("RUN_REPORTED", "queued", 1, "in_progress", None) in await told.by_github(deploy_id)
    await told.github.runs.end(run, "failure")
    assert (await told.by_github(deploy_id))[-1] == ENDS


@pytest.mark.parametrize("state", ["waiting", "pending", "sending", "refused", "withdrawn"])
async def test_a_name_says_nothing_of_a_deploy_that_github_was_not_asked_for_or_is_just_answering_of(
    told: Stage, state: str
) -> None:
    deploy_id = await _dispatched(told, state)
    await told.github.runs.end(_named(told, deploy_id), "success")
    assert await told.by_github(deploy_id) == []
    assert await _became(told, deploy_id) == (state, None, "no answer")


OTHERS: dict[str, dict[str, Any]] = {
    "another file": {"path": ".github/workflows/other.yml"},
    "no file": {"path": None},
    "not begun by a dispatch": {"event": "pull_request"},
    "nothing in its name": {"display_title": "Deploy main to production"},
    "no name": {"display_title": None},
    "the beginning of an id": {"display_title": "Deploy (console deploy {deploy_id:.35})"},
    "two of them": {"display_title": "Deploy {deploy_id} (console deploy {other_id})"},
    "very many": {"display_title": "{deploy_id} " + " ".join(f"{n:08x}-0000-4000-8000-000000000000" for n in range(9))},
}


@pytest.mark.parametrize("instead", OTHERS.values(), ids=OTHERS)
async def test_no_run_is_taken_for_a_deploy_s_by_less(told: Stage, instead: dict[str, Any]) -> None:
    ids = {"deploy_id": await _dispatched(told, "unclear"), "other_id": await _dispatched(told, "unclear")}
    right = {"display_title": "Deploy (console deploy {deploy_id})", "path": WORKFLOW, "event": "workflow_dispatch"}
    said = {name: value and value.format(**ids) for name, value in (right | instead).items()}
    for given in (of_run("17", "success", **said), of_run("18", "success", repository="octo-org/shop", **said)):
        assert (await _deliver(told, given))["answer"] == "ignored"
    assert await _became(told, ids["deploy_id"]) == ("unclear", None, "no answer")
    whole: dict[str, Any] = {name: value.format(**ids) for name, value in right.items()}
    assert (await _deliver(told, of_run("17", "success", **whole)))["answer"] == "recorded"


async def test_a_name_counts_for_nothing_where_callbacks_say_which_run_it_is(told: Stage) -> None:
    deploy_id, run = await _dispatched(told, "unclear"), told.begin()
    assert (await told.caller.report(deploy_id, "building", runId=str(run.id))).status == 200
    await told.github.runs.end(_named(told, deploy_id), "success")
    assert await told.by_github(deploy_id) == []


async def test_what_was_being_sent_for_a_deploy_that_has_ended_does_not_stay_so(
    database: Path | str, tmp_path: Path
) -> None:
    async with staged(database, tmp_path, SELDOM) as stage:
        deploy_id = await start(stage.database)
        await stage.caller.walk(deploy_id, "building", "failed")
    earlier = datetime.now(UTC) - timedelta(minutes=2)
    async with connected(database) as raw:
        given = {"repository": REPOSITORY, "workflow": WORKFLOW, "run_id": None, "updated_at": earlier}
        await raw.execute(_INTO, deploy_id=deploy_id, state="sending", **given)
    async with staged(database, tmp_path, SELDOM) as stage:

        async def is_told() -> bool:
            return bool((await _became(stage, deploy_id))[0] == "unclear")

        await until(is_told)


async def test_a_run_that_is_claimed_by_its_name_waits_for_whoever_moves_its_deploy_and_keeps_nothing_from_him(
    told: Stage,
) -> None:
    deploy_id = await _dispatched(told, "unclear")
    run = _named(told, deploy_id)
    async with connected(told.database) as raw, connected(told.database) as looking:
        if raw.is_sqlite:  # there is one writer as it is
            return

        async def waits() -> bool:
            return (await looking.execute(_WAITING)) != [(0,)]

        await raw.begin()
        await raw.execute("SELECT 1 FROM deploys WHERE id = :id FOR NO KEY UPDATE", id=deploy_id)
        hearing = asyncio.create_task(told.github.runs.began(run))
        await until(waits)
        await raw.execute("SET LOCAL lock_timeout = 2000")
        await raw.execute("SELECT 1 FROM dispatches WHERE deploy_id = :id FOR UPDATE", id=deploy_id)
        await raw.roll_back()
    await hearing
    assert await _became(told, deploy_id) == ("sent", str(run.id), None)


async def _deliver(stage: Stage, given: dict[str, Any]) -> Any:
    given["repository"]["html_url"] = f"{stage.github.url}/{REPOSITORY}"
    return await deliver(stage.server.url, given)
