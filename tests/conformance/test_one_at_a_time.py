"""One deploy at a time in an environment, as callers of two nodes meet it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.conftest import Nodes
from tests.conformance.stores import Store, on_newest_postgresql
from tests.support import logs
from tests.support.caller import DEPLOY, Answer, Caller
from tests.support.consistency import assert_consistent
from tests.support.holds import assert_one_at_a_time, environments, kept
from tests.support.raw import Raw
from tests.support.server import start
from tests.support.witness import faults

START = "mutation ($input: StartDeployInput!) { startDeploy(input: $input) {" + DEPLOY + " queuePosition } }"
ABANDON = "mutation ($input: SteerInput!) { abandonDeploy(input: $input) {" + DEPLOY + " queuePosition } }"
STANDS = """{ environments { name whenBusy inProgress { deploy { id ref } since } queue { id queuePosition } waiting
    deployed { id } } }"""
POSITION = "query ($id: ID!) { deploy(id: $id) { queuePosition } }"

# More than there are tests, so that each has environments that nobody has used.
_MANY = 30
_numbers = count()


@pytest.fixture(scope="module")
async def nodes(store: Store, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Nodes]:
    """Two servers on one database, whose environments are one deploy's at a time."""
    file = tmp_path_factory.mktemp("environments") / "environments.toml"
    file.write_text(
        environments("refuse", *(f"alone-{number}" for number in range(_MANY)))
        + environments("wait", *(f"queued-{number}" for number in range(_MANY)))
    )
    database = await store.empty()
    settings = {"poll_seconds": store.poll_seconds, "environments_file": str(file)}
    one, other = await asyncio.gather(*(start(database, **settings) for _ in range(2)))
    async with Caller(one.url) as calling_one, Caller(other.url) as calling_other:
        yield Nodes(database, one, other, (calling_one, calling_other))
        await assert_one_at_a_time(database)
        await assert_consistent(database, one.url)
    assert not any(await asyncio.gather(one.stop(), other.stop()))
    assert not [fault for server in (one, other) for fault in faults(server)]


@pytest.fixture
def alone() -> str:
    """An environment in which a second start is refused."""
    return f"alone-{next(_numbers) % _MANY}"


@pytest.fixture
def queued() -> str:
    """An environment in which a second start waits."""
    return f"queued-{next(_numbers) % _MANY}"


async def _start(caller: Caller, environment: str, **more: Any) -> Answer:
    return await caller.send(START, input={"environment": environment, "ref": "main", **more})


async def _started(caller: Caller, environment: str, **more: Any) -> tuple[str, int | None]:
    """The id of a new deploy, and its place in the queue."""
    deploy = (await _start(caller, environment, **more)).data["startDeploy"]
    return deploy["id"], deploy["queuePosition"]


async def _abandon(caller: Caller, deploy_id: str, reason: str = "its run was deleted") -> Answer:
    return await caller.send(ABANDON, input={"deployId": deploy_id, "reason": reason})


async def _stands(caller: Caller, environment: str) -> dict[str, Any]:
    found = (await caller.send(STANDS)).data["environments"]
    stands: dict[str, Any] = next(one for one in found if one["name"] == environment)
    return stands


async def test_of_two_starts_at_once_on_two_nodes_one_is_a_deploy_and_the_other_is_told_whose(
    nodes: Nodes, alone: str
) -> None:
    for round_number in range(20):
        sent = [
            _start(caller, alone, ref=f"topic-{round_number}-{number}") for number, caller in enumerate(nodes.callers)
        ]
        answers = await asyncio.gather(*sent)
        (made,), (refused,) = ([answer for answer in answers if answer.status == status] for status in (200, 409))
        deploy = made.data["startDeploy"]
        assert refused.error == {
            "code": "ENVIRONMENT_BUSY",
            "deployId": deploy["id"],
            "ref": deploy["ref"],
            "startedBy": "token:operator",
            "since": deploy["startedAt"].replace("+00:00", "Z"),
        }
        assert alone in refused.body["errors"][0]["message"]
        rows = [log.row for log in (await logs.read(nodes.database)).values()]
        recorded = [row for row in rows if row and row["environment"] == alone]
        assert len(recorded) == round_number + 1, "nothing is recorded of what was refused"
        assert (await kept(nodes.database)).holds[alone] == deploy["id"]
        await nodes.callers[round_number % 2].walk(deploy["id"], "building", "failed")
        assert alone not in (await kept(nodes.database)).holds


async def test_of_many_starts_at_once_one_goes_and_the_others_have_places_of_their_own(
    nodes: Nodes, queued: str
) -> None:
    started = await asyncio.gather(*(_started(caller, queued) for caller in nodes.callers * 8))
    positions = sorted([((await _position(nodes.callers[0], deploy_id)) or 0, deploy_id) for deploy_id, _ in started])
    assert [position for position, _ in positions] == list(range(16))
    found = await assert_one_at_a_time(nodes.database, queued)
    ordered = [deploy_id for _, deploy_id in positions]
    assert [found.holds[queued], *found.queues[queued]] == ordered
    for place, deploy_id in enumerate(ordered):
        found = await assert_one_at_a_time(nodes.database, queued)
        assert found.holds[queued] == deploy_id
        assert found.queues.get(queued, []) == ordered[place + 1 :]
        await nodes.callers[place % 2].walk(deploy_id, "building", "failed")
    assert queued not in (await kept(nodes.database)).holds


async def _position(caller: Caller, deploy_id: str) -> int | None:
    found: int | None = (await caller.send(POSITION, id=deploy_id)).data["deploy"]["queuePosition"]
    return found


async def test_starts_and_ends_at_once_leave_nobody_waiting_for_a_free_environment(nodes: Nodes, queued: str) -> None:
    """Who comes while the one before is ending either waits and is handed the environment, or finds it free."""
    running, _ = await _started(nodes.callers[0], queued)
    for _ in range(20):
        one, other = nodes.callers
        (next_id, _), _ = await asyncio.gather(_started(one, queued), other.walk(running, "failed"))
        found = await assert_one_at_a_time(nodes.database, queued)
        assert (found.holds[queued], found.queues.get(queued)) == (next_id, None)
        running = next_id
    await nodes.callers[0].walk(running, "failed")


async def test_environments_say_whose_they_are_who_waits_and_what_is_there(nodes: Nodes, queued: str) -> None:
    one, other = nodes.callers
    assert await _stands(one, queued) == {
        "name": queued,
        "whenBusy": "WAIT",
        "inProgress": None,
        "queue": [],
        "waiting": 0,
        "deployed": None,
    }
    (first, _), (second, place), (third, last) = [await _started(one, queued, ref=f"r{number}") for number in range(3)]
    assert (place, last) == (1, 2)
    stands = await _stands(other, queued)
    assert stands["inProgress"]["deploy"] == {"id": first, "ref": "r0"}
    assert stands["queue"] == [{"id": second, "queuePosition": 1}, {"id": third, "queuePosition": 2}]
    assert stands["waiting"] == 2
    await other.walk(first, "building", "deploying", "succeeded")
    stands = await _stands(one, queued)
    assert (stands["inProgress"]["deploy"]["id"], stands["deployed"]) == (second, {"id": first})
    end = datetime.fromisoformat((await one.deploy(first))["finishedAt"])
    assert datetime.fromisoformat(stands["inProgress"]["since"]) == end
    assert (await _abandon(one, second)).status == 200
    await one.walk(third, "building", "failed")
    # What failed, or was abandoned, is not there.
    assert (await _stands(one, queued))["deployed"] == {"id": first}
    fourth, _ = await _started(one, queued)
    await one.walk(fourth, "building", "deploying", "succeeded")
    assert (await _stands(other, queued))["deployed"] == {"id": fourth}
    # A re-run of an earlier one has succeeded since.
    for status in ("building", "deploying", "succeeded"):
        assert (await one.report(third, status, 2)).status == 200
    assert (await _stands(one, queued))["deployed"] == {"id": third}


async def test_an_abandoned_deploy_says_who_has_said_so_and_why_and_ends_for_good(nodes: Nodes, alone: str) -> None:
    one, other = nodes.callers
    deploy_id, _ = await _started(one, alone)
    await one.walk(deploy_id, "building")
    for reason in ("", "  ", "two\nlines", "x" * 501):
        answer = await _abandon(one, deploy_id, reason)
        assert (answer.status, answer.code, answer.error["field"]) == (400, "BAD_USER_INPUT", "reason")
    deploy = (await _abandon(other, deploy_id, "the runner has burnt down")).data["abandonDeploy"]
    assert (deploy["status"]["key"], deploy["status"]["outcome"]) == ("abandoned", "ABANDONED")
    assert deploy["finishedAt"] is not None
    assert [phase["state"] for phase in deploy["phases"]][2] == "NOT_REPORTED"
    entry = (await one.entries(deploy_id))[-1]
    assert [entry[name] for name in ("kind", "source", "actor", "message", "toStatus")] == [
        *("TRANSITION", "OPERATOR", "token:operator", "the runner has burnt down", "abandoned"),
    ]
    again = await _abandon(one, deploy_id)
    assert (again.status, again.error) == (409, {"code": "NOT_POSSIBLE_NOW", "status": "abandoned"})
    assert (await one.report(deploy_id, "deploying", 2)).code == "ILLEGAL_TRANSITION"
    assert (await _abandon(one, "nowhere")).code == "DEPLOY_NOT_FOUND"
    assert (await _start(one, alone)).status == 200


async def test_of_two_who_abandon_at_once_one_has(nodes: Nodes, queued: str) -> None:
    for _ in range(10):
        (first, _), (second, _) = [await _started(caller, queued) for caller in nodes.callers]
        answers = await asyncio.gather(*(_abandon(caller, first) for caller in nodes.callers))
        assert sorted(answer.status for answer in answers) == [200, 409]
        found = await assert_one_at_a_time(nodes.database, queued)
        assert found.holds[queued] == second
        await nodes.callers[0].walk(second, "failed")


async def test_the_same_request_is_one_deploy_whichever_node_it_comes_to_and_however_often(
    nodes: Nodes, alone: str, queued: str
) -> None:
    for environment in (alone, queued):
        for round_number in range(10):
            name = f"{environment} {round_number}"
            answers = await asyncio.gather(
                *(_start(caller, environment, requestId=name, note="now") for caller in nodes.callers * 4)
            )
            deploys = [answer.data["startDeploy"] for answer in answers]
            assert len({deploy["id"] for deploy in deploys}) == 1
            found = await assert_one_at_a_time(nodes.database, environment)
            assert (found.holds[environment], environment in found.queues) == (deploys[0]["id"], False)
            assert len(await nodes.callers[0].entries(deploys[0]["id"])) == 1
            # Busy or not, it is answered with how that one stands now.
            await nodes.callers[1].walk(deploys[0]["id"], "building", "failed")
            later = (await _start(nodes.callers[0], environment, requestId=name, note="now")).data["startDeploy"]
            assert (later["id"], later["status"]["key"]) == (deploys[0]["id"], "failed")
            assert environment not in (await kept(nodes.database)).holds


async def test_another_request_of_the_same_name_is_refused_and_nothing_is_written(
    nodes: Nodes, alone: str, queued: str
) -> None:
    one, other = nodes.callers
    deploy_id, _ = await _started(one, alone, requestId="r", note="now")
    before = await logs.read(nodes.database)
    for changed in ({"environment": queued}, {"ref": "topic"}, {"note": "later"}, {"note": None}):
        asked = {"environment": alone, "ref": "main", "note": "now", "requestId": "r", **changed}
        answer = await other.send(START, input=asked)
        assert (answer.status, answer.code, answer.error["field"]) == (400, "BAD_USER_INPUT", "requestId"), changed
    assert await logs.read(nodes.database) == before
    for wrong in ("x" * 65, " r", "a\nb"):
        answer = await _start(one, alone, requestId=wrong)
        assert (answer.code, answer.error["field"]) == ("BAD_USER_INPUT", "requestId")
    # A name that says nothing is none.
    assert (await _start(one, alone, requestId="")).code == "ENVIRONMENT_BUSY"
    await one.walk(deploy_id, "failed")


async def test_of_two_requests_of_one_name_at_once_that_ask_for_different_things_one_is_a_deploy(
    nodes: Nodes, alone: str, queued: str
) -> None:
    one, other = nodes.callers
    for round_number in range(10):
        name = f"both {round_number}"
        answers = await asyncio.gather(_start(one, alone, requestId=name), _start(other, queued, requestId=name))
        assert sorted(answer.status for answer in answers) == [200, 400]
        (made,) = [answer.data["startDeploy"] for answer in answers if answer.status == 200]
        found = await assert_one_at_a_time(nodes.database, alone, queued)
        assert {environment for environment in found.holds if environment in (alone, queued)} == {made["environment"]}
        await one.walk(made["id"], "failed")


async def test_a_deploy_that_waits_leaves_the_queue_when_its_workflow_was_started_by_hand(
    nodes: Nodes, queued: str
) -> None:
    one, other = nodes.callers
    first, second, third = [(await _started(one, queued))[0] for _ in range(3)]
    assert (await other.report(second, "paused")).code == "UNKNOWN_STATUS"
    assert await _position(one, second) == 1
    await other.walk(second, "smoke_running")
    assert [await _position(one, deploy) for deploy in (first, second, third)] == [None, None, 1]
    found = await assert_one_at_a_time(nodes.database, queued)
    assert (found.holds[queued], found.beside[queued]) == (first, {second})
    # It has the environment before the one that waits.
    await one.walk(first, "building", "failed")
    found = await assert_one_at_a_time(nodes.database, queued)
    assert (found.holds[queued], found.queues[queued]) == (second, [third])
    await one.walk(second, "failed")
    assert (await assert_one_at_a_time(nodes.database, queued)).holds[queued] == third
    await one.walk(third, "failed")


async def test_a_re_run_is_never_turned_away_and_has_the_environment_as_soon_as_it_is_free(
    nodes: Nodes, alone: str
) -> None:
    one, other = nodes.callers
    first, _ = await _started(one, alone)
    await one.walk(first, "building", "failed")
    # Where it is free, it takes it at once.
    await other.walk(first, "building", attempt=2)
    busy = await _start(one, alone)
    assert (busy.code, busy.error["deployId"]) == ("ENVIRONMENT_BUSY", first)
    await one.walk(first, "failed", attempt=2)
    second, _ = await _started(other, alone)
    await one.walk(first, "building", attempt=3)
    found = await assert_one_at_a_time(nodes.database, alone)
    assert (found.holds[alone], found.beside[alone]) == (second, {first})
    await one.walk(second, "building", "failed")
    assert (await assert_one_at_a_time(nodes.database, alone)).holds[alone] == first
    assert (await _start(other, alone)).error["deployId"] == first
    await one.walk(first, "deploying", "succeeded", attempt=3)
    assert (await _start(other, alone)).status == 200


@on_newest_postgresql
async def test_an_environment_is_handed_on_to_a_deploy_that_somebody_has_locked(
    nodes: Nodes, raw: Raw, queued: str
) -> None:
    """Who moves that one waits for the environment meanwhile: neither may wait for the other."""
    one, _ = nodes.callers
    first, second = [(await _started(one, queued))[0] for _ in range(2)]
    await raw.begin()
    await raw.execute("SELECT 1 FROM deploys WHERE id = :id FOR NO KEY UPDATE", id=second)
    await asyncio.wait_for(one.walk(first, "failed"), 1)
    assert (await assert_one_at_a_time(nodes.database, queued)).holds[queued] == second
    await raw.roll_back()
    await one.walk(second, "failed")


async def test_a_deploy_from_before_environments_were_kept_stands_in_the_way_too(nodes: Nodes, alone: str) -> None:
    """As of one that a server without the file has started: two at a time were two all the same."""
    one, _ = nodes.callers
    before = await start(nodes.database)
    async with Caller(before.url) as caller:
        older = (await caller.start(alone))["id"]
    await before.stop()
    assert alone not in (await kept(nodes.database)).holds
    refused = await _start(one, alone)
    assert (refused.code, refused.error["deployId"]) == ("ENVIRONMENT_BUSY", older)
    told = (await _stands(one, alone))["inProgress"]
    assert (told["deploy"]["id"], told["since"].replace("+00:00", "Z")) == (older, refused.error["since"])
    assert (await _abandon(one, older)).status == 200
    assert (await _start(one, alone)).status == 200


async def test_where_no_file_names_an_environment_it_is_nobody_s_alone(nodes: Nodes) -> None:
    database: Path | str = nodes.database
    server = await start(database)
    async with Caller(server.url) as caller:
        ids = [(await caller.start("free-for-all"))["id"] for _ in range(3)]
        for deploy_id in ids:
            await caller.walk(deploy_id, "building")
        await caller.walk(ids[0], "failed")
        assert "free-for-all" not in (await kept(database)).holds
        for deploy_id in ids[1:]:
            await caller.walk(deploy_id, "failed")
    await server.stop()
