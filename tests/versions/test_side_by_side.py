"""Two versions on one database, as while a release is rolled out and while it is rolled back."""

import asyncio
import random
from pathlib import Path

import pytest

from tests.support import model
from tests.support.caller import Caller
from tests.support.consistency import assert_consistent, plain
from tests.support.database import settings_on
from tests.support.server import serving
from tests.support.told import Told
from tests.versions import graphs
from tests.versions.conftest import on_postgresql
from tests.versions.operating import assert_faultless, migrate, readiness
from tests.versions.traffic import OLDER_RUNS, RUNS, Traffic, reports
from tests.versions.watching import Watching

_PIPELINE = (
    "{ pipeline { name phases { key label } statuses { key label phase outcome } transitions { from to why } } }"
)
_AUDIT = "{ auditEntries(first: 200) { edges { cursor node { id sequence kind deploy { status { key next } } } } } }"
_DEPLOYS = (
    "{ deploys(first: 200) { edges { cursor node { id status { key label outcome next } phases { key state } } } } }"
)


async def _know_what_comes_next(caller: Caller, *deploys: Told) -> None:
    """Also a node that has had no callback since the graph has changed."""
    for told in deploys:
        says = (await caller.deploy(told.id))["status"]["next"]
        assert set(says) == model.open_to(told.status, told.attempt, told.attempt + 1), told


async def _tell_the_same(one: Caller, other: Caller, *deploys: Told) -> None:
    # What depends on the graph comes first: to ask for the graph itself may remind a node of it.
    for told in deploys:
        assert await one.deploy(told.id) == await other.deploy(told.id)
        assert await one.entries(told.id) == await other.entries(told.id)
    for query in (_AUDIT, _DEPLOYS, _PIPELINE):
        assert (await one.send(query)).data == (await other.send(query)).data


async def _go_on_through(migrating: asyncio.Task[None], node: Caller) -> list[str]:
    """Deploys one after the other until some time after the migration; what each said to its first gate."""
    said: list[str] = []
    while said[-2:] != ["accepted", "accepted"]:
        deploy = await node.start()
        answer = await node.report(deploy["id"], "smoke_running")
        assert answer.code in (None, "UNKNOWN_STATUS"), answer
        said.append("accepted" if answer.code is None else "refused")
        assert not (migrating.done() and said[-1] == "refused") or len(said) == 1 or said[-2] == "refused"
        await node.walk(deploy["id"], "building", "deploying", "succeeded")
    return said


@pytest.mark.timeout(300)
async def test_a_release_is_rolled_out_and_back_under_deploys(
    log: Path | str, older_graph: Path, newer_graph: Path
) -> None:
    chance = random.Random(20261123)
    settings = settings_on(log)
    async with serving(log, older_graph, **settings) as old, Caller(old.url) as with_old:
        assert await readiness(with_old) == {"status": "ok", "revision": graphs.OLDER}
        before = Traffic([with_old], chance, model.older_refusal)
        finished = [(await before.start(), reports(run)) for run in OLDER_RUNS]
        await before.walk_all(finished)
        under_way = [(await before.start(), reports(run)) for run in RUNS]
        begun = await before.start()
        await before.walk(begun, reports("building"))
        deploys = [told for told, _ in finished + under_way] + [begun]

        async with Watching(old.url) as on_old:
            await on_old.follow(*deploys)
            migrating = asyncio.create_task(migrate(log, version=newer_graph))
            said = await asyncio.gather(*(_go_on_through(migrating, with_old) for _ in range(2)))
            await migrating
            assert all(answers == sorted(answers, reverse=True) for answers in said), said
            assert await readiness(with_old) == {"status": "ok", "revision": graphs.NEWER}

            async with (
                serving(log, newer_graph, **settings) as new,
                Caller(new.url) as with_new,
                Watching(new.url) as on_new,
            ):
                assert await readiness(with_new) == {"status": "ok", "revision": graphs.NEWER}
                await on_new.follow(*deploys)
                both = Traffic([with_old, with_new], chance)
                await both.walk_all([(told, run[:-1]) for told, run in under_way])
                for told in deploys:
                    assert plain(await on_new.seen(told)) == plain(await on_old.seen(told))
                await _tell_the_same(with_old, with_new, *deploys)
                await assert_consistent(log, new.url, only=[told.id for told in deploys], was_older=True)
            assert new.process.returncode == 0
    assert old.process.returncode == 0

    async with serving(log, older_graph, **settings) as fresh, Caller(fresh.url) as caller:
        assert await readiness(caller) == {"status": "ok", "revision": graphs.NEWER}
        after = Traffic([caller], chance)
        await after.walk_all([*under_way, (begun, reports("building deploying health_checking succeeded"))])
        await after.walk_all([(await after.start(), reports(run)) for run in RUNS[:2]])
        await assert_consistent(log, fresh.url, was_older=True)
    assert_faultless(old, new, fresh)


@on_postgresql
@pytest.mark.timeout(300)
async def test_the_new_version_serves_the_older_graph_beside_the_older_graph(
    log: Path | str, older_graph: Path, newer_graph: Path
) -> None:
    chance = random.Random(1)
    settings = settings_on(log)
    async with (
        serving(log, older_graph, **settings) as old,
        serving(log, newer_graph, accept_revision=graphs.OLDER, **settings) as new,
        Caller(old.url) as with_old,
        Caller(new.url) as with_new,
        Watching(old.url) as on_old,
        Watching(new.url) as on_new,
    ):
        assert await readiness(with_new) == await readiness(with_old) == {"status": "ok", "revision": graphs.OLDER}
        before = Traffic([with_old, with_new], chance, model.older_refusal)
        finished = [(await before.start(), reports(run)) for run in OLDER_RUNS]
        under_way = [(await before.start(), reports(run)) for run in RUNS]
        deploys = [told for told, _ in finished + under_way]
        await on_old.follow(*deploys)
        await on_new.follow(*deploys)
        await before.walk_all(finished)
        await _tell_the_same(with_old, with_new, *deploys)

        await migrate(log, version=newer_graph)
        for node in (with_old, with_new):
            await _know_what_comes_next(node, *deploys)
        assert await readiness(with_new) == await readiness(with_old) == {"status": "ok", "revision": graphs.NEWER}
        await _tell_the_same(with_old, with_new, *deploys)
        await Traffic([with_old, with_new], chance).walk_all(under_way)
        for told in deploys:
            assert plain(await on_new.seen(told)) == plain(await on_old.seen(told))
        await _tell_the_same(with_old, with_new, *deploys)
        await assert_consistent(log, new.url, was_older=True)
    assert_faultless(old, new)
