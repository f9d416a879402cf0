"""Callbacks that come at once, to two nodes: one log, numbered without a gap, and nobody waits without need."""

import asyncio
import time
from collections import Counter

from tests.conformance.conftest import Nodes, on_one_of_each
from tests.conformance.stores import on_newest_postgresql, on_postgresql, waits
from tests.support import model
from tests.support.caller import Caller
from tests.support.postgres import Postgres
from tests.support.raw import Raw


async def test_of_two_callbacks_that_race_for_one_move_exactly_one_is_accepted(nodes: Nodes) -> None:
    one, other = nodes.callers
    for _ in range(10):
        deploy = await one.start()
        await one.walk(deploy["id"], "building", "deploying")
        answers = await asyncio.gather(one.report(deploy["id"], "succeeded"), other.report(deploy["id"], "failed"))
        assert sorted(answer.status for answer in answers) == [200, 422]
        entries = await one.entries(deploy["id"])
        assert [entry["sequence"] for entry in entries] == [1, 2, 3, 4, 5]
        assert [entry["kind"] for entry in entries[3:]] == ["TRANSITION", "CALLBACK_REFUSED"]


async def test_of_many_equal_callbacks_at_once_one_is_accepted_and_the_rest_are_repeats(nodes: Nodes) -> None:
    deploy = await nodes.callers[0].start()
    answers = await asyncio.gather(*(caller.report(deploy["id"], "building") for caller in nodes.callers * 15))
    assert {answer.status for answer in answers} == {200}
    receipts = [answer.data["applyCallback"] for answer in answers]
    assert Counter(receipt["duplicate"] for receipt in receipts) == {True: 29, False: 1}
    assert len({receipt["entry"]["id"] for receipt in receipts}) == 1
    assert len(await nodes.callers[0].entries(deploy["id"])) == 2


async def test_whatever_is_reported_at_once_each_status_moves_the_deploy_once_and_no_number_is_left_out(
    nodes: Nodes,
) -> None:
    deploy = await nodes.callers[0].start()
    reports = [(caller, status) for status in model.STATUSES for caller in nodes.callers]
    answers = await asyncio.gather(*(caller.report(deploy["id"], status) for caller, status in reports))
    entries = await nodes.callers[0].entries(deploy["id"])
    assert [entry["sequence"] for entry in entries] == list(range(1, len(entries) + 1))
    moves = [entry for entry in entries if entry["kind"] == "TRANSITION"]
    assert [move["fromStatus"] for move in moves] == ["queued", *(move["toStatus"] for move in moves[:-1])]
    assert all(model.is_legal(move["fromStatus"], 1, move["toStatus"], 1) for move in moves)
    first = [answer for answer in answers if answer.status == 200 and not answer.data["applyCallback"]["duplicate"]]
    assert len(first) == len(moves) == len({move["toStatus"] for move in moves})
    assert sum(answer.status == 422 for answer in answers) == len(entries) - len(moves) - 1


@on_one_of_each
async def test_many_callers_at_once_with_deploys_of_their_own_all_succeed(nodes: Nodes) -> None:
    async def run(caller: Caller) -> None:
        deploy = await caller.start()
        await caller.walk(deploy["id"], *model.GATES, "building")
        sequences = [entry["sequence"] for entry in await caller.entries(deploy["id"])]
        assert sequences == list(range(1, 7))

    await asyncio.gather(*(run(caller) for caller in nodes.callers * 10))


@on_postgresql
async def test_a_callback_waits_for_whoever_holds_its_deploy_and_those_to_others_do_not(
    nodes: Nodes, raw: Raw, postgres: Postgres
) -> None:
    """Though more wait for it than a node has connections."""
    one, other = nodes.callers
    held, free = await one.start(), await one.start()
    await raw.begin()
    await raw.execute("SELECT 1 FROM deploys WHERE id = :id FOR UPDATE", id=held["id"])
    waiting = [asyncio.create_task(caller.report(held["id"], "building")) for caller in nodes.callers * 15]
    await waits(postgres, nodes.database, "FOR NO KEY UPDATE")
    for caller, status in zip((one, other) * 2, model.GATES, strict=True):
        await caller.walk(free["id"], status)
    assert (await one.deploy(held["id"]))["sequence"] == 1
    assert not any(report.done() for report in waiting)
    await raw.roll_back()
    assert {answer.status for answer in await asyncio.gather(*waiting)} == {200}


@on_newest_postgresql
async def test_who_waits_too_long_for_a_deploy_is_told_to_try_again_and_nothing_is_written(
    nodes: Nodes, raw: Raw
) -> None:
    one, other = nodes.callers
    deploy = await one.start()
    await raw.begin()
    await raw.execute("SELECT 1 FROM deploys WHERE id = :id FOR UPDATE", id=deploy["id"])
    before = time.monotonic()
    answers = await asyncio.gather(*(caller.report(deploy["id"], "building") for caller in nodes.callers))
    assert [(answer.status, answer.code) for answer in answers] == [(503, "UNAVAILABLE")] * 2
    assert 1 < time.monotonic() - before < 9
    await raw.roll_back()
    assert len(await one.entries(deploy["id"])) == 1
    await other.walk(deploy["id"], "building")
