"""Whatever ends a deploy, its environment goes to the next one in the same transaction."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count
from pathlib import Path

import pytest

from phaseline.accounting.hearing import Hearing
from phaseline.accounting.whose import Where
from phaseline.feed import Feed
from phaseline.github.webhooks import Delivered
from phaseline.graph import GraphCache
from phaseline_schema.environments import WhenBusy
from phaseline_schema.records import AuditKind, Source
from phaseline_schema.refusals import EnvironmentBusy, NotPossibleNow
from tests.conformance.conftest import on_one_of_each
from tests.conformance.stores import Store
from tests.support.consistency import assert_consistent
from tests.support.database import migrate
from tests.support.holds import Kept, assert_one_at_a_time
from tests.support.raw import connected
from tests.support.verbs import DISPATCH, Verbs

pytestmark = on_one_of_each

_numbers = count()


@pytest.fixture(scope="module")
async def database(store: Store) -> AsyncIterator[Path | str]:
    """One for all tests here. What they have written holds in the end."""
    made = await store.empty()
    await migrate(made)
    yield made
    await assert_one_at_a_time(made)
    await assert_consistent(made)


@pytest.fixture
async def verbs(database: Path | str) -> AsyncIterator[Verbs]:
    made = Verbs(database)
    yield made
    await made.store.close()


@pytest.fixture
def environment() -> str:
    """One that nobody has used."""
    return f"environment-{next(_numbers)}"


async def _three(verbs: Verbs, environment: str) -> list[str]:
    """One that has the environment, and two that wait for it."""
    started = [await verbs.start(environment) for _ in range(3)]
    assert [one.waits for one in started] == [False, True, True]
    return [one.deploy.id for one in started]


async def _as_set(verbs: Verbs, deploy_id: str, state: str) -> None:
    """Its dispatch, as whoever asks GitHub leaves it."""
    async with connected(verbs.database) as raw:
        await raw.execute("UPDATE dispatches SET state = :state WHERE deploy_id = :id", state=state, id=deploy_id)


async def _kept(verbs: Verbs, environment: str) -> tuple[Kept, list[str]]:
    found = await assert_one_at_a_time(verbs.database, environment)
    return found, [*filter(None, [found.holds.get(environment)]), *found.queues.get(environment, [])]


End = Callable[[Verbs, str], Awaitable[object]]


async def _unfinished(verbs: Verbs, deploy_id: str) -> None:
    await verbs.call_back(deploy_id, "building")
    await verbs.call_back(deploy_id, "deploying")
    await verbs.hear(deploy_id, "completed", "success")


ENDS: dict[str, tuple[End, str]] = {
    "a callback that says it has failed": (lambda verbs, one: verbs.call_back(one, "failed"), "sent"),
    "a callback that says it was cancelled": (lambda verbs, one: verbs.call_back(one, "cancelled"), "sent"),
    "GitHub, after callbacks": (_unfinished, "sent"),
    "GitHub alone": (lambda verbs, one: verbs.hear(one, "completed", "timed_out"), "sent"),
    "an operator who abandons it": (lambda verbs, one: verbs.abandon(one), "withdrawn"),
    "an operator who cancels it": (lambda verbs, one: verbs.withdraw(one), "withdrawn"),
}


@pytest.mark.parametrize(("end", "state"), ENDS.values(), ids=ENDS)
async def test_the_environment_goes_to_the_next_one_in_the_transaction_that_says_the_end(
    verbs: Verbs, environment: str, end: End, state: str
) -> None:
    first, second, third = await _three(verbs, environment)
    found, order = await _kept(verbs, environment)
    assert order == [first, second, third]
    assert [found.dispatches[one] for one in order] == ["pending", "waiting", "waiting"]
    for one, others in ((first, [second, third]), (second, [third]), (third, [])):
        await end(verbs, one)
        found, order = await _kept(verbs, environment)
        assert order == others
        expected = [state, "pending", "waiting"][: len(others) + 1]
        assert [found.dispatches[other] for other in (one, *others)] == expected
    assert environment not in found.holds


@pytest.mark.parametrize(("end", "state"), ENDS.values(), ids=ENDS)
async def test_one_that_ends_while_it_waits_leaves_the_queue_and_the_others_as_they_are(
    verbs: Verbs, environment: str, end: End, state: str
) -> None:
    first, second, third = await _three(verbs, environment)
    await end(verbs, second)
    found, order = await _kept(verbs, environment)
    assert order == [first, third]
    assert [found.dispatches[one] for one in (first, second, third)] == ["pending", state, "waiting"]


async def test_an_operator_cancels_at_once_only_what_was_not_sent(verbs: Verbs, environment: str) -> None:
    first, second, third = await _three(verbs, environment)
    for state in ("sending", "sent", "unclear", "refused"):
        await _as_set(verbs, first, state)
        assert await verbs.withdraw(first) is None
    _, order = await _kept(verbs, environment)
    assert order == [first, second, third]
    await verbs.call_back(first, "failed")
    done = await verbs.withdraw(second)
    assert done is not None
    assert (done.deploy.status, done.entry.source, done.entry.message) == ("cancelled", Source.OPERATOR, "not now")
    with pytest.raises(NotPossibleNow) as raised:
        await verbs.withdraw(second)
    assert raised.value.details == {"status": "cancelled"}


async def test_where_github_is_not_asked_what_waits_can_be_cancelled_and_what_goes_cannot(
    verbs: Verbs, environment: str
) -> None:
    first, second = [(await verbs.start(environment, dispatch=None)).deploy.id for _ in range(2)]
    assert await verbs.withdraw(first) is None
    assert await verbs.withdraw(second) is not None
    _, order = await _kept(verbs, environment)
    assert order == [first]


@pytest.mark.parametrize("state", ["pending", "sending", "unclear"])
async def test_what_is_known_of_a_run_settles_that_it_was_begun(verbs: Verbs, environment: str, state: str) -> None:
    by_callback, by_github = ENDS["a callback that says it has failed"][0], ENDS["GitHub alone"][0]
    for tell in (by_callback, by_github, lambda verbs, one: verbs.hear(one, "queued")):
        deploy_id = (await verbs.start(f"{environment}-{next(_numbers)}")).deploy.id
        await _as_set(verbs, deploy_id, state)
        await verbs.note(deploy_id, AuditKind.CANCEL_REQUESTED, Source.OPERATOR, "x")
        await verbs.note(deploy_id, AuditKind.REQUEST_FAILED, Source.CONSOLE, "not reached")
        refused = await verbs.call_back(deploy_id, "paused")
        assert refused.refusal is not None
        assert (await assert_one_at_a_time(verbs.database)).dispatches[deploy_id] == state
        await tell(verbs, deploy_id)
        assert (await assert_one_at_a_time(verbs.database)).dispatches[deploy_id] == "sent"


async def test_what_was_abandoned_while_github_was_asked_stays_what_it_is_for_whoever_asks(
    verbs: Verbs, environment: str
) -> None:
    deploy_id = (await verbs.start(environment)).deploy.id
    for state in ("sending", "unclear"):
        await _as_set(verbs, deploy_id, state)
    await verbs.abandon(deploy_id)
    assert (await assert_one_at_a_time(verbs.database, environment)).dispatches[deploy_id] == "unclear"


async def test_a_waiting_deploy_s_run_that_github_knows_of_was_begun_by_hand(verbs: Verbs, environment: str) -> None:
    first, second, third = await _three(verbs, environment)
    await verbs.hear(second, "in_progress")
    found, order = await _kept(verbs, environment)
    assert (order, found.beside[environment], found.dispatches[second]) == ([first, third], {second}, "sent")
    await verbs.abandon(first)
    assert (await _kept(verbs, environment))[1] == [second, third]


async def test_of_several_re_runs_beside_the_one_that_has_it_the_oldest_is_next(verbs: Verbs, environment: str) -> None:
    older, newer = [(await verbs.start(environment, when_busy=None, dispatch=None)).deploy.id for _ in range(2)]
    for one in (newer, older):
        await verbs.call_back(one, "failed")
    holder, waiting = [(await verbs.start(environment)).deploy.id for _ in range(2)]
    for one in (newer, older):
        await verbs.call_back(one, "building", 2)
    assert (await _kept(verbs, environment))[1] == [holder, waiting]
    for one, next_ones in ((holder, [older, waiting]), (older, [newer, waiting]), (newer, [waiting]), (waiting, [])):
        await verbs.abandon(one)
        assert (await _kept(verbs, environment))[1] == next_ones


async def test_an_end_after_an_end_frees_nothing_of_another_s(verbs: Verbs, environment: str) -> None:
    """An attempt whose every callback was lost leads from one end to another."""
    first = (await verbs.start(environment)).deploy.id
    await verbs.call_back(first, "failed")
    holder = (await verbs.start(environment)).deploy.id
    await verbs.hear(first, "completed", "failure", 1)
    await verbs.hear(first, "completed", "cancelled", 2)
    assert (await _kept(verbs, environment))[1] == [holder]


async def test_who_may_not_wait_is_refused_whatever_waits(verbs: Verbs, environment: str) -> None:
    first, second, _ = await _three(verbs, environment)
    with pytest.raises(EnvironmentBusy) as raised:
        await verbs.start(environment, WhenBusy.REFUSE)
    assert raised.value.details["deployId"] == first
    await verbs.withdraw(first)
    with pytest.raises(EnvironmentBusy) as raised:
        await verbs.start(environment, WhenBusy.REFUSE)
    assert raised.value.details["deployId"] == second


async def test_all_that_happens_at_once_leaves_the_environment_with_one(verbs: Verbs, environment: str) -> None:
    for _ in range(10):
        first, second, third = await _three(verbs, environment)
        await asyncio.gather(
            verbs.call_back(first, "failed"),
            verbs.hear(first, "completed", "timed_out"),
            verbs.call_back(second, "building"),
            verbs.withdraw(third),
            verbs.start(environment),
            verbs.start(environment),
            return_exceptions=True,
        )
        while (await _kept(verbs, environment))[1]:
            for one in (await _kept(verbs, environment))[1]:
                await verbs.abandon(one)


async def test_those_that_wait_and_the_one_that_has_it_may_end_at_once(verbs: Verbs, environment: str) -> None:
    for _ in range(25):
        first, second, third = await _three(verbs, environment)
        await asyncio.gather(*(verbs.call_back(one, "failed") for one in (third, second, first)))
        assert (await _kept(verbs, environment))[1] == []


async def test_one_webhook_that_ends_several_deploys_waits_with_nobody_in_a_circle(
    verbs: Verbs, environment: str
) -> None:
    """One run may report for several deploys; and meanwhile each of them ends by a callback, and others start."""
    names = [f"{environment} {name}" for name in ("a", "b")]
    hearing = Hearing(verbs.store, Feed(), GraphCache(), Where(dict.fromkeys(names, "example/service")))
    ended = Delivered("workflow_run", None, "example/service", 1, "17", 1, "completed", "failure", None, None, None)
    for number in range(15):
        reporting = [(await verbs.start(name)).deploy.id for name in names]
        for one in reporting:
            await verbs.call_back(one, "building")
        await asyncio.gather(
            *(hearing.deliver(ended, f"{environment}-{number}-{times}") for times in range(2)),
            *(verbs.call_back(one, "failed") for one in reversed(reporting)),
            *(verbs.start(name) for name in names),
        )
        for name in names:
            (left,) = (await _kept(verbs, name))[1]
            await verbs.abandon(left)


async def test_what_github_is_to_be_asked_for_is_written_down_with_the_deploy(verbs: Verbs, environment: str) -> None:
    deploy_id = (await verbs.start(environment)).deploy.id
    async with connected(verbs.database) as raw:
        query = "SELECT state, repository, workflow, ref, run_id, reason FROM dispatches WHERE deploy_id = :id"
        found = await raw.execute(query, id=deploy_id)
    assert found == [("pending", DISPATCH.repository, DISPATCH.workflow, DISPATCH.ref, None, None)]
