"""What GitHub has refused is let be for a while: a run that is gone, and all of a repository that is not to be seen."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest

from phaseline.accounting.hearing import Hearing
from phaseline.accounting.reconciling import Reconciler
from phaseline.accounting.whose import Where
from phaseline.feed import Feed
from phaseline.github.client import GitHub
from phaseline.github.credentials import Token
from phaseline.graph import GraphCache
from phaseline.store import Store
from tests.conformance.conftest import on_one_of_each
from tests.support.database import address
from tests.support.github.access import TOKEN
from tests.support.github.faults import Fault, refusal
from tests.support.github.hooks import Manner
from tests.support.github.stage import INPUTS, OFTEN, SELDOM, Stage, staged
from tests.support.github.state import Repository, Run
from tests.support.starting import start
from tests.support.waiting import until

pytestmark = on_one_of_each

SHOP = "octo-org/shop"


@pytest.fixture
async def asking(database: Path | str, tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(database, tmp_path, OFTEN) as stage:
        stage.github.hooks.manner = Manner.NEVER
        yield stage


async def _under_way(stage: Stage, shop: Repository) -> tuple[str, Run]:
    """A deploy of the shop that a run of its own has reported for."""
    deploy_id = await start(stage.database, "shop")
    run = shop.start(next(iter(shop.workflows.values())), "main", INPUTS)
    assert (await stage.caller.report(deploy_id, "building", runId=str(run.id))).status == 200
    return deploy_id, run


def _asked_of_shop(stage: Stage) -> int:
    return stage.github.times("GET", f"/repos/{SHOP}")


async def _tells(stage: Stage, deploy_id: str) -> None:
    await until(lambda: _has_told(stage, deploy_id))


async def _has_told(stage: Stage, deploy_id: str) -> bool:
    return bool(await stage.by_github(deploy_id))


async def test_a_repository_that_may_not_be_seen_is_let_be_until_somebody_wakes(asking: Stage) -> None:
    shop = asking.github.add(SHOP)
    shop.hidden = True
    under_way = [await _under_way(asking, shop) for _ in range(3)]
    (line,) = await asking.logged("GitHub does not tell how a run stands")
    assert (line["kind"], line["repository"]) == ("NotAllowed", SHOP)
    _, other = await asking.known()
    await asking.is_asked_again(other, 5)
    assert _asked_of_shop(asking) == 2  # for the run, and whether there is such a repository
    assert "phaseline_github_answers 0.0" in (await asking.caller.http.get("/metrics")).text

    shop.hidden = False
    await asking.is_asked_again(other, 3)
    assert _asked_of_shop(asking) == 2
    assert not [line for line in asking.server.log if line["event"] == "GitHub tells again how runs stand"]

    asking.github.hooks.manner = Manner.ONCE
    await asking.github.runs.wait(under_way[-1][1], "shop")
    for deploy_id, _ in under_way:
        await _tells(asking, deploy_id)
    (line,) = await asking.logged("GitHub tells again how runs stand")
    assert (line["over"], line["repository"]) == (["NotAllowed"], SHOP)
    assert "phaseline_github_answers 1.0" in (await asking.caller.http.get("/metrics")).text


async def test_what_a_credential_may_not_do_there_is_let_be_as_well(asking: Stage) -> None:
    forbidden = Fault(lambda: refusal(403, "Resource not accessible by integration"))
    asking.github.faults.add(forbidden, "GET", "/runs/", times=10_000)
    shop = asking.github.add(SHOP)
    deploy_id, _ = await _under_way(asking, shop)
    await asking.logged("GitHub does not tell how a run stands")
    asking.github.faults.clear()
    _, other = await asking.known()
    await asking.is_asked_again(other, 3)
    assert _asked_of_shop(asking) == 1
    assert await asking.by_github(deploy_id) == []


async def test_what_is_let_be_when_its_deploy_is_over_is_no_trouble_any_more(asking: Stage) -> None:
    shop = asking.github.add(SHOP)
    shop.hidden = True
    deploy_id, _ = await _under_way(asking, shop)
    await asking.logged("GitHub does not tell how a run stands")
    assert "phaseline_github_answers 0.0" in (await asking.caller.http.get("/metrics")).text
    await asking.caller.walk(deploy_id, "failed")

    async def answers() -> bool:
        return "phaseline_github_answers 1.0" in (await asking.caller.http.get("/metrics")).text

    await until(answers)
    # Nobody can tell whether it would be seen now.
    assert not [line for line in asking.server.log if line["event"] == "GitHub tells again how runs stand"]


@asynccontextmanager
async def _impatient(stage: Stage, seconds: float) -> AsyncIterator[None]:
    """Somebody who asks as well, very often, and lets be for no longer than so many seconds."""
    store, feed, graphs = Store(address(stage.database)), Feed(), GraphCache()
    async with httpx2.AsyncClient(verify=False) as http:
        github = GitHub(stage.github.api_url, Token(TOKEN), http)
        hearing = Hearing(store, feed, graphs, Where({"shop": SHOP}))
        asking = asyncio.create_task(Reconciler(store, github, hearing, 0.05, patience=seconds).run())
        yield
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking
    await store.close()


async def test_a_re_run_that_github_says_twice_is_not_there_stands_in_nobody_s_way(
    database: Path | str, tmp_path: Path
) -> None:
    async with staged(database, tmp_path, SELDOM) as stage:
        stage.github.hooks.manner = Manner.NEVER
        shop = stage.github.add(SHOP)
        deploy_id, run = await _under_way(stage, shop)
        async with _impatient(stage, 0.4):
            await _tells(stage, deploy_id)
            run.newest.status, run.newest.conclusion = "completed", "failure"
            run.add_attempt()
            await until(lambda: _has_said(stage, deploy_id, "RUN_REPORTED", "failed", 2, "queued", None))
            del shop.runs[run.id]
            await until(lambda: _has_said(stage, deploy_id, "RUN_REPORTED", "failed", 2, "not_found", None))
            shop.runs[run.id] = run
            await stage.github.runs.end(run, "failure")
            await until(lambda: _has_said(stage, deploy_id, "TRANSITION", "failed", 2, "completed", "failure"))


async def _has_said(stage: Stage, deploy_id: str, *line: Any) -> bool:
    return (await stage.by_github(deploy_id))[-1:] == [line]


async def test_when_its_time_is_over_it_is_asked_for_again(database: Path | str, tmp_path: Path) -> None:
    async with staged(database, tmp_path, SELDOM) as stage:
        stage.github.hooks.manner = Manner.NEVER
        shop = stage.github.add(SHOP)
        shop.hidden = True
        deploy_id, _ = await _under_way(stage, shop)
        async with _impatient(stage, 0.4):
            began = asyncio.get_running_loop().time()
            await until(lambda: _asked_of_shop(stage) >= 6)
            assert asyncio.get_running_loop().time() - began > 0.7
            shop.hidden = False
            await _tells(stage, deploy_id)
