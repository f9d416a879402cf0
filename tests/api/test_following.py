"""Following a deploy over WebSocket and over SSE."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support import node
from tests.support.caller import Caller
from tests.support.database import refuse
from tests.support.server import Server
from tests.support.viewer import AUDIT_ENTRY_ADDED, PHASE_CHANGED, viewing

TO_SUCCESS = (
    "smoke_running",
    "smoke_passed",
    "freeze_checking",
    "freeze_passed",
    "building",
    "deploying",
    "health_checking",
    "succeeded",
)


async def test_a_viewer_gets_the_deploy_as_it_stands_and_then_every_transition(server: Server, caller: Caller) -> None:
    deploy = await caller.start()
    await caller.walk(deploy["id"], *TO_SUCCESS[:2])
    async with viewing(server.url) as viewer:
        await viewer.subscribe(PHASE_CHANGED, id=deploy["id"])
        first = await viewer.event()
        assert first["entry"]["sequence"] == first["deploy"]["sequence"] == 3
        for sequence, status in enumerate(TO_SUCCESS[2:], start=4):
            await caller.walk(deploy["id"], status)
            event = await viewer.event()
            assert event["entry"]["sequence"] == event["deploy"]["sequence"] == sequence
            assert event["entry"]["toStatus"] == event["deploy"]["status"]["key"] == status
        assert [phase["state"] for phase in event["deploy"]["phases"]] == ["PASSED"] * 4


async def test_after_gives_what_was_missed_oldest_first_and_each_as_it_stood_then(
    server: Server, caller: Caller
) -> None:
    deploy = await caller.start()
    await caller.walk(deploy["id"], *TO_SUCCESS)
    async with viewing(server.url) as viewer:
        await viewer.subscribe(PHASE_CHANGED, id=deploy["id"], after=3)
        events = [await viewer.event() for _ in TO_SUCCESS[2:]]
    assert [event["entry"]["sequence"] for event in events] == [4, 5, 6, 7, 8, 9]
    assert [event["deploy"]["status"]["key"] for event in events] == list(TO_SUCCESS[2:])
    assert events[0]["deploy"]["phases"][1] == {
        "key": "freeze_check",
        "state": "ACTIVE",
        "attempt": 1,
    }


async def test_after_0_begins_with_the_start_of_the_deploy(server: Server, caller: Caller) -> None:
    deploy = await caller.start()
    async with viewing(server.url) as viewer:
        await viewer.subscribe(PHASE_CHANGED, id=deploy["id"], after=0)
        event = await viewer.event()
    assert event["entry"]["kind"] == "DEPLOY_STARTED"
    assert {phase["state"] for phase in event["deploy"]["phases"]} == {"PENDING"}


async def test_refusals_come_to_those_who_follow_audit_entries_and_to_no_others(server: Server, caller: Caller) -> None:
    deploy = await caller.start()
    async with viewing(server.url) as viewer:
        await viewer.subscribe(AUDIT_ENTRY_ADDED, "audit", id=deploy["id"])
        assert (await viewer.event("audit"))["sequence"] == 1
        await caller.report(deploy["id"], "succeeded")
        refused = await viewer.event("audit")
        assert (refused["sequence"], refused["refusal"]) == (2, "ILLEGAL_TRANSITION")
        assert refused["deploy"] == {"sequence": 2, "status": {"key": "queued"}}
        await viewer.subscribe(PHASE_CHANGED, "phases", id=deploy["id"])
        first = await viewer.event("phases")
        assert (first["entry"]["sequence"], first["deploy"]["sequence"]) == (1, 2)
        await viewer.send(id="audit", type="complete")
        await caller.report(deploy["id"], "deploying")
        await caller.walk(deploy["id"], "building")
        assert (await viewer.event("phases"))["entry"]["sequence"] == 4


@pytest.mark.parametrize(("after", "code"), [(7, "AFTER_AHEAD"), (-1, "BAD_USER_INPUT"), (2**31 - 1, "AFTER_AHEAD")])
async def test_an_after_that_the_log_does_not_hold_is_refused(
    server: Server, caller: Caller, after: int, code: str
) -> None:
    deploy = await caller.start()
    async with viewing(server.url) as viewer:
        await viewer.subscribe(PHASE_CHANGED, id=deploy["id"], after=after)
        message = await viewer.receive()
    assert _codes(message) == [code]


async def test_following_an_unknown_deploy_is_refused(server: Server) -> None:
    async with viewing(server.url) as viewer:
        await viewer.subscribe(PHASE_CHANGED, id="nowhere")
        assert _codes(await viewer.receive()) == ["DEPLOY_NOT_FOUND"]


async def test_a_long_log_is_caught_up_with_at_once(server: Server, caller: Caller) -> None:
    """It is read piece by piece, and nothing is waited for in between: here nothing would come."""
    deploy = await caller.start()
    refuse(server.database, deploy["id"], 449)
    async with viewing(server.url) as viewer:
        await viewer.subscribe(AUDIT_ENTRY_ADDED, "audit", id=deploy["id"], after=0)
        async with asyncio.timeout(10):
            sequences = [(await viewer.event("audit"))["sequence"] for _ in range(450)]
        assert sequences == list(range(1, 451))
        await caller.walk(deploy["id"], "building")
        assert (await viewer.event("audit"))["sequence"] == 451


async def test_every_one_of_many_viewers_gets_every_event_once(server: Server, caller: Caller) -> None:
    deploy = await caller.start()

    async def watch(ready: asyncio.Event) -> list[int]:
        async with viewing(server.url) as viewer:
            await viewer.subscribe(PHASE_CHANGED, id=deploy["id"], after=0)
            seen = [(await viewer.event())["entry"]["sequence"]]
            ready.set()
            while len(seen) < len(TO_SUCCESS) + 1:
                seen.append((await viewer.event())["entry"]["sequence"])
            return seen

    readies = [asyncio.Event() for _ in range(40)]
    viewers = [asyncio.create_task(watch(ready)) for ready in readies]
    await asyncio.gather(*(ready.wait() for ready in readies))
    await caller.walk(deploy["id"], *TO_SUCCESS)
    assert await asyncio.gather(*viewers) == [[1, 2, 3, 4, 5, 6, 7, 8, 9]] * 40


async def test_sse_carries_the_same_events(server: Server, caller: Caller) -> None:
    deploy = await caller.start()
    await caller.walk(deploy["id"], "building")
    query = {"query": PHASE_CHANGED, "variables": {"id": deploy["id"], "after": 1}}
    headers = {"accept": "text/event-stream"}
    async with caller.http.stream("POST", "/graphql", json=query, headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = (line async for line in response.aiter_lines())
        assert (await _sse_event(lines))["entry"]["toStatus"] == "building"
        await caller.walk(deploy["id"], "deploying")
        assert (await _sse_event(lines))["entry"]["toStatus"] == "deploying"


@pytest.mark.parametrize("protocol", ["ws", "sse"])
async def test_the_reference_client_of_each_protocol_receives_what_it_missed_and_what_comes(
    server: Server, caller: Caller, protocol: str
) -> None:
    deploy = await caller.start()
    await caller.walk(deploy["id"], "smoke_running", "smoke_passed")
    process = await node.start("follow.mjs", protocol, f"{server.url}/graphql", deploy["id"], "1", "3")
    assert process.stdout is not None
    received = [json.loads(await process.stdout.readline()) for _ in range(2)]
    await caller.walk(deploy["id"], "building")
    received.append(json.loads(await process.stdout.readline()))
    assert [event["data"]["phaseChanged"]["entry"]["sequence"] for event in received] == [2, 3, 4]
    assert await asyncio.wait_for(process.wait(), 10) == 0


async def _sse_event(lines: AsyncIterator[str]) -> dict[str, Any]:
    kind = ""
    async for line in lines:
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            assert kind == "next", (kind, line)
            event: dict[str, Any] = json.loads(line.removeprefix("data: "))["data"]["phaseChanged"]
            return event
    raise AssertionError("the stream has ended")


def _codes(message: dict[str, Any]) -> list[str]:
    payload = message["payload"]
    errors = payload if isinstance(payload, list) else payload["errors"]
    return [error["extensions"]["code"] for error in errors]
