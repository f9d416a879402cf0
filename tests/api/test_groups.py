"""Subscriptions that ask the same share one execution, and nothing else: each has its own place and its own end."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.api.test_metrics import told
from tests.support import tokens
from tests.support.caller import Caller
from tests.support.logins import OPERATOR, VIEWER, bearer
from tests.support.server import Server
from tests.support.viewer import AUDIT_ENTRY_ADDED, PHASE_CHANGED, Viewer, codes, viewing

SSE = {"accept": "text/event-stream"}

_MANY = 30
_LONG = 20

_WITH_MESSAGES = """
    subscription ($id: ID!) { auditEntryAdded(deployId: $id, after: 0) {
        sequence message deploy { id auditEntries { edges { node { message } } } }
    } }
"""

Executed = Callable[[], Awaitable[float]]


@asynccontextmanager
async def crowd(server: Server, size: int, deploy_id: str, query: str = PHASE_CHANGED) -> AsyncIterator[list[Viewer]]:
    """Viewers who have begun to follow the deploy, and have been sent how it stands."""
    async with AsyncExitStack() as open_sockets:
        viewers = [await open_sockets.enter_async_context(viewing(server.url)) for _ in range(size)]
        for viewer in viewers:
            await viewer.subscribe(query, id=deploy_id)
        for viewer in viewers:
            await viewer.event()
        yield viewers


@pytest.fixture
def executed(own_caller: Caller) -> Executed:
    """How many events the server has executed by now."""

    async def now() -> float:
        return (await told(own_caller))("phaseline_events_executed_total")

    return now


async def test_an_event_is_executed_once_however_many_ask_the_same(
    own_server: Server, own_caller: Caller, executed: Executed
) -> None:
    deploy_id = (await own_caller.start())["id"]
    async with crowd(own_server, _MANY, deploy_id) as viewers:
        assert await executed() == 1
        await own_caller.walk(deploy_id, "smoke_running")
        events = [await viewer.event() for viewer in viewers]
        assert await executed() == 2
    assert events == [events[0]] * _MANY
    assert events[0]["entry"]["sequence"] == 2


async def test_a_stream_is_told_what_was_executed_for_all(
    own_server: Server, own_caller: Caller, executed: Executed
) -> None:
    deploy_id = (await own_caller.start())["id"]
    request = {"query": PHASE_CHANGED, "variables": {"id": deploy_id}}
    sent = [own_caller.http.stream("POST", "/graphql", json=request, headers=SSE | bearer(VIEWER)) for _ in range(2)]
    async with crowd(own_server, 1, deploy_id) as [viewer], sent[0] as one, sent[1] as other:
        streams = [(event async for event in _told(response)) for response in (one, other)]
        assert [(await anext(stream))["entry"]["sequence"] for stream in streams] == [1, 1]
        assert await executed() == 1
        await own_caller.walk(deploy_id, "smoke_running")
        event = await viewer.event()
        assert [await anext(stream) for stream in streams] == [event, event]
        assert await executed() == 2
    async with own_caller.http.stream("POST", "/graphql", json=request, headers=SSE | bearer(VIEWER)) as alone:
        assert (await anext(_told(alone)))["entry"]["sequence"] == 2
        assert await executed() == 3  # for a group that is new, of which it is the only one


async def _told(response: httpx.Response) -> AsyncIterator[Any]:
    async for line in response.aiter_lines():
        if line.startswith("data: {"):
            (data,) = json.loads(line.removeprefix("data: "))["data"].values()
            yield data


async def test_what_asks_something_else_is_executed_by_itself(
    own_server: Server, own_caller: Caller, executed: Executed
) -> None:
    deploy_id = (await own_caller.start())["id"]
    async with (
        crowd(own_server, 2, deploy_id),
        crowd(own_server, 2, deploy_id, AUDIT_ENTRY_ADDED) as others,
        viewing(own_server.url, OPERATOR) as operator,
    ):
        await operator.subscribe(PHASE_CHANGED, id=deploy_id)
        await operator.event()
        before = await executed()
        await own_caller.walk(deploy_id, "smoke_running")
        await operator.event()
        for viewer in others:
            await viewer.event()
        assert await executed() == before + 3


async def test_who_begins_late_or_comes_back_is_sent_the_same_as_all_others(server: Server, caller: Caller) -> None:
    deploy_id = (await caller.start())["id"]
    async with crowd(server, 2, deploy_id) as early:
        await caller.walk(deploy_id, "smoke_running", "smoke_passed")
        for viewer in early:
            assert [(await viewer.event())["entry"]["sequence"] for _ in range(2)] == [2, 3]
        async with viewing(server.url) as late, viewing(server.url) as back:
            await late.subscribe(PHASE_CHANGED, id=deploy_id)
            assert (await late.event())["entry"]["sequence"] == 3
            await back.subscribe(PHASE_CHANGED, id=deploy_id, after=1)
            assert [(await back.event())["entry"]["sequence"] for _ in range(2)] == [2, 3]
            await caller.walk(deploy_id, "freeze_checking")
            events = [await viewer.event() for viewer in (*early, late, back)]
    assert events == [events[0]] * 4
    assert events[0]["entry"]["sequence"] == 4


async def test_who_comes_while_a_deploy_moves_is_sent_each_event_once(server: Server, caller: Caller) -> None:
    deploy_id = (await caller.start())["id"]
    walk = ("smoke_running", "smoke_passed", "freeze_checking", "freeze_passed", "building", "deploying", "succeeded")

    async def follow() -> list[int]:
        async with viewing(server.url) as viewer:
            await viewer.subscribe(AUDIT_ENTRY_ADDED, id=deploy_id, after=0)
            return [(await viewer.event())["sequence"] for _ in range(_LONG + len(walk) + 1)]

    coming = []
    async with asyncio.TaskGroup() as tasks:
        for number in range(_LONG):
            coming += [tasks.create_task(follow()) for _ in range(2)]
            await caller.report(deploy_id, "succeeded", message=str(number))
        await caller.walk(deploy_id, *walk)
    assert [task.result() for task in coming] == [list(range(1, _LONG + len(walk) + 2))] * len(coming)


async def test_who_began_the_group_may_leave_it(server: Server, caller: Caller) -> None:
    deploy_id = (await caller.start())["id"]
    async with crowd(server, 1, deploy_id) as [other]:
        async with viewing(server.url) as first:
            await first.subscribe(AUDIT_ENTRY_ADDED, id=deploy_id)
            await first.event()
            await other.subscribe(AUDIT_ENTRY_ADDED, "audit", id=deploy_id)
            await other.event("audit")
            await first.send(id="1", type="complete")
        await caller.report(deploy_id, "succeeded")
        assert (await other.event("audit"))["refusal"] == "ILLEGAL_TRANSITION"


async def test_a_viewer_may_be_in_a_group_twice_and_leave_it_once(server: Server, caller: Caller) -> None:
    deploy_id = (await caller.start())["id"]
    async with viewing(server.url) as viewer:
        for operation in ("one", "two"):
            await viewer.subscribe(PHASE_CHANGED, operation, id=deploy_id)
            await viewer.event(operation)
        await viewer.send(id="one", type="complete")
        await caller.walk(deploy_id, "smoke_running")
        assert (await viewer.event("two"))["entry"]["sequence"] == 2
        await viewer.subscribe(PHASE_CHANGED, "one", id=deploy_id)
        assert (await viewer.event("one"))["entry"]["sequence"] == 2


@pytest.mark.parametrize("operation", ['"', "\\", "ü", "\u2028", "a" * 200, "\x00"])
async def test_each_is_answered_under_its_own_id(server: Server, caller: Caller, operation: str) -> None:
    deploy_id = (await caller.start())["id"]
    async with crowd(server, 1, deploy_id) as [other], viewing(server.url) as viewer:
        await viewer.subscribe(PHASE_CHANGED, operation, id=deploy_id)
        await viewer.event(operation)
        await caller.walk(deploy_id, "smoke_running")
        assert await viewer.event(operation) == await other.event()


async def test_whose_proof_is_over_leaves_and_the_others_stay(server: Server, caller: Caller) -> None:
    deploy_id = (await caller.start())["id"]
    token = await tokens.make(server.database, "soon-gone")
    async with crowd(server, 2, deploy_id) as others, viewing(server.url, token) as viewer:
        await viewer.subscribe(PHASE_CHANGED, id=deploy_id)
        await viewer.event()
        await tokens.revoke(server.database, "soon-gone")
        ended = await viewer.receive()
        assert (ended["type"], codes(ended)) == ("next", ["UNAUTHENTICATED"])
        assert (await viewer.receive())["type"] == "complete"
        await caller.walk(deploy_id, "smoke_running")
        for other in others:
            assert (await other.event())["entry"]["sequence"] == 2


async def test_one_that_cannot_begin_is_told_why_and_spoils_nothing_for_others(server: Server, caller: Caller) -> None:
    deploy_id = (await caller.start())["id"]

    async def end(viewer: Viewer, **variables: Any) -> list[str]:
        await viewer.subscribe(PHASE_CHANGED, id=deploy_id, **variables)
        ended = await viewer.receive()
        assert (await viewer.receive())["type"] == "complete"
        return codes(ended)

    async with viewing(server.url) as one, viewing(server.url) as other:
        for codes_told in await asyncio.gather(end(one, after=7), end(other, after=7)):
            assert codes_told == ["AFTER_AHEAD"]
        assert await end(one, after=-1) == ["BAD_USER_INPUT"]
        await caller.walk(deploy_id, "smoke_running")
        await other.subscribe(PHASE_CHANGED, id=deploy_id, after=1)
        assert (await other.event())["entry"]["sequence"] == 2


async def test_many_subscriptions_of_a_viewer_that_reads_slowly_are_all_sent_everything(
    server: Server, caller: Caller
) -> None:
    deploy_id = (await caller.start())["id"]
    for number in range(_LONG):
        await caller.report(deploy_id, "succeeded", message=f"{number} " + "x" * 480)
    operations = [str(number) for number in range(_MANY)]
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    url = urlsplit(server.url)
    small.connect((url.hostname, url.port))
    async with viewing(server.url, sock=small, max_queue=1) as viewer:
        for operation in operations:
            await viewer.subscribe(_WITH_MESSAGES, operation, id=deploy_id)
        seen: dict[str, list[int]] = {operation: [] for operation in operations}
        for _ in range(_MANY * (_LONG + 1)):
            message = await viewer.receive()
            assert message["type"] == "next", message
            seen[message["id"]].append(message["payload"]["data"]["auditEntryAdded"]["sequence"])
    assert seen == {operation: list(range(1, _LONG + 2)) for operation in operations}
