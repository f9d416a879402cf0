"""Whoever asks GitHub is woken for a deploy: that is not lost, wherever it comes and whatever stands in the way.

The server looks at everything once an hour, so that nothing but a wake-up can have it ask.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conformance.conftest import on_one_of_each
from tests.support.github.faults import Fault, failing, lost, primary_limit, refusal, slow
from tests.support.github.hooks import Manner
from tests.support.github.stage import SELDOM, Stage, staged
from tests.support.raw import connected
from tests.support.waiting import until

pytestmark = on_one_of_each

WAITING = "RUN_REPORTED", "deploying", 1, "waiting", None

ANOTHER_S = "INSERT INTO duties (name, holder, until) VALUES ('reconciling', 'another 1 2', '2099-01-01 00:00:00')"


@pytest.fixture
async def told(database: Path | str, tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(database, tmp_path, SELDOM) as stage:
        yield stage


async def test_the_node_that_it_came_to_asks_though_it_is_another_s_to_look_at_everything(told: Stage) -> None:
    deploy_id, run = await told.under_way()
    async with connected(told.database) as raw:
        await raw.execute(ANOTHER_S)
    await told.github.runs.wait(run, "production")
    await told.has_said(deploy_id, WAITING)


PASSING = {
    "a fault of its own": failing(502),
    "a connection that is lost": lost(),
    "no such run yet": Fault(lambda: refusal(404, "Not Found")),
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
async def test_it_is_asked_again_where_github_did_not_tell(told: Stage, fault: Fault) -> None:
    told.github.faults.add(fault, "GET", "/runs/", times=2)
    deploy_id, run = await told.under_way()
    await told.github.runs.wait(run, "production")
    await told.has_said(deploy_id, WAITING)
    assert told.asked(run) == 3


async def test_it_is_asked_again_where_github_was_not_there(told: Stage) -> None:
    deploy_id, run = await told.under_way()
    await told.github.away()
    await told.github.runs.wait(run, "production")
    (line,) = await told.logged("GitHub does not tell how a run stands")
    assert line["kind"] == "NotSent"
    await told.github.back()
    await told.has_said(deploy_id, WAITING)
    assert (await told.logged("GitHub tells again how runs stand"))[0]["over"] == ["NotSent"]


async def test_it_is_asked_again_as_soon_as_a_limit_is_over_and_no_sooner(told: Stage) -> None:
    told.github.faults.add(primary_limit(4), "GET", "/runs/")
    deploy_id, run = await told.under_way()
    await told.github.runs.wait(run, "production")
    await told.has_said(deploy_id, WAITING)
    assert told.asked(run) == 2


async def test_it_is_asked_again_where_the_answer_could_not_be_recorded(told: Stage) -> None:
    free = asyncio.Event()
    told.github.faults.add(slow(free), "GET", "/runs/")
    deploy_id, run = await told.under_way()
    await told.github.runs.wait(run, "production")
    await until(lambda: told.asked(run) == 1)
    async with connected(told.database) as raw:
        await raw.begin()
        await raw.execute("SELECT id FROM deploys WHERE id = :id" + " FOR UPDATE" * (not raw.is_sqlite), id=deploy_id)
        free.set()
        await told.logged("the database does not say of which runs GitHub is to be asked")
        await raw.roll_back()
    await told.has_said(deploy_id, WAITING)


async def test_a_later_attempt_is_asked_for_until_the_one_before_it_is_over_though_its_deploy_has_ended(
    told: Stage,
) -> None:
    told.github.hooks.manner = Manner.NEVER
    deploy_id, run = await told.under_way("building", "failed")
    await told.github.runs.end(run, "failure")
    run.add_attempt().status = "in_progress"
    run.add_attempt()
    told.github.hooks.manner = Manner.ONCE
    await told.github.runs.begin(run)  # the third
    await until(lambda: told.asked(run) >= 4)
    run.attempts[1].status, run.attempts[1].conclusion = "completed", "cancelled"
    await told.has_said(
        deploy_id,
        ("RUN_REPORTED", "failed", 2, "in_progress", None),
        ("TRANSITION", "cancelled", 2, "completed", "cancelled"),
        ("RUN_REPORTED", "cancelled", 3, "in_progress", None),
    )
