"""What each way of following a deploy carries: both subscriptions, WebSocket and SSE, and the reference clients."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support import node
from tests.support.caller import Caller
from tests.support.logins import VIEWER
from tests.support.server import Server
from tests.support.viewer import AUDIT_ENTRY_ADDED, PHASE_CHANGED, viewing


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
    process = await node.start("follow.mjs", protocol, f"{server.url}/graphql", VIEWER, deploy["id"], "1", "3")
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
