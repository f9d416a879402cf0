"""Following a deploy on one node while callbacks come to another.

On PostgreSQL these nodes look by themselves once an hour: what comes in time has been told by NOTIFY.
"""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.api.test_metrics import told
from tests.conformance.conftest import Nodes, on_one_of_each
from tests.conformance.stores import on_newest_postgresql, waits
from tests.support import tokens
from tests.support.caller import Caller
from tests.support.logins import bearer
from tests.support.model import GATES
from tests.support.postgres import Postgres
from tests.support.raw import Raw, append, connected
from tests.support.server import serving
from tests.support.viewer import AUDIT_ENTRY_ADDED, PHASE_CHANGED, PROTOCOL, Viewer, codes, viewing

TO_SUCCESS = (*GATES, "building", "deploying", "health_checking", "succeeded")


async def test_a_viewer_gets_the_deploy_as_it_stands_and_then_every_transition(nodes: Nodes) -> None:
    caller, _ = nodes.callers
    deploy = await caller.start()
    await caller.walk(deploy["id"], *TO_SUCCESS[:2])
    async with viewing(nodes.one.url) as here, viewing(nodes.other.url) as there:
        for viewer in (here, there):
            await viewer.subscribe(PHASE_CHANGED, id=deploy["id"])
            first = await viewer.event()
            assert first["entry"]["sequence"] == first["deploy"]["sequence"] == 3
        for sequence, status in enumerate(TO_SUCCESS[2:], start=4):
            await nodes.callers[sequence % 2].walk(deploy["id"], status)
            for viewer in (here, there):
                event = await viewer.event()
                assert event["entry"]["sequence"] == event["deploy"]["sequence"] == sequence
                assert event["entry"]["toStatus"] == event["deploy"]["status"]["key"] == status
        assert [phase["state"] for phase in event["deploy"]["phases"]] == ["PASSED"] * 4


async def test_after_gives_what_was_missed_oldest_first_and_each_as_it_stood_then(nodes: Nodes) -> None:
    caller, _ = nodes.callers
    deploy = await caller.start()
    await caller.walk(deploy["id"], *TO_SUCCESS)
    for server in nodes.servers:
        async with viewing(server.url) as viewer:
            await viewer.subscribe(PHASE_CHANGED, id=deploy["id"], after=3)
            events = [await viewer.event() for _ in TO_SUCCESS[2:]]
        assert [event["entry"]["sequence"] for event in events] == [4, 5, 6, 7, 8, 9]
        assert [event["deploy"]["status"]["key"] for event in events] == list(TO_SUCCESS[2:])
        assert events[0]["deploy"]["phases"][1] == {"key": "freeze_check", "state": "ACTIVE", "attempt": 1}


async def test_after_0_begins_with_the_start_of_the_deploy(nodes: Nodes) -> None:
    caller, _ = nodes.callers
    deploy = await caller.start()
    async with viewing(nodes.other.url) as viewer:
        await viewer.subscribe(PHASE_CHANGED, id=deploy["id"], after=0)
        event = await viewer.event()
    assert event["entry"]["kind"] == "DEPLOY_STARTED"
    assert {phase["state"] for phase in event["deploy"]["phases"]} == {"PENDING"}


async def test_who_goes_from_node_to_node_gets_every_entry_once_and_in_order(nodes: Nodes) -> None:
    """It is cut off after every second event, and goes on at the other node after what it has seen."""
    deploy = await nodes.callers[0].start()
    seen: list[int] = []

    async def report() -> None:
        for number, status in enumerate(TO_SUCCESS):
            caller = nodes.callers[number % 2]
            await caller.report(deploy["id"], "queued")  # refused, and recorded
            await caller.walk(deploy["id"], status)

    reporting = asyncio.create_task(report())
    for turn in range(9):
        async with viewing(nodes.servers[turn % 2].url) as viewer:
            await viewer.subscribe(AUDIT_ENTRY_ADDED, id=deploy["id"], after=len(seen))
            for _ in range(2 if turn < 8 else 1):
                seen.append((await viewer.event())["sequence"])
    await reporting
    assert seen == list(range(1, 18))


@pytest.mark.parametrize(("after", "code"), [(7, "AFTER_AHEAD"), (-1, "BAD_USER_INPUT"), (2**31 - 1, "AFTER_AHEAD")])
async def test_an_after_that_the_log_does_not_hold_is_refused(nodes: Nodes, after: int, code: str) -> None:
    deploy = await nodes.callers[0].start()
    async with viewing(nodes.other.url) as viewer:
        await viewer.subscribe(PHASE_CHANGED, id=deploy["id"], after=after)
        assert codes(await viewer.receive()) == [code]


async def test_following_an_unknown_deploy_is_refused(nodes: Nodes) -> None:
    async with viewing(nodes.one.url) as viewer:
        await viewer.subscribe(PHASE_CHANGED, id="nowhere")
        assert codes(await viewer.receive()) == ["DEPLOY_NOT_FOUND"]


async def test_a_long_log_is_caught_up_with_at_once(nodes: Nodes, raw: Raw) -> None:
    """It is read piece by piece, and nothing is waited for in between: here nothing would come."""
    caller, _ = nodes.callers
    deploy = await caller.start()
    await append(raw, deploy["id"], "succeeded", refusal="ILLEGAL_TRANSITION", times=449)
    async with viewing(nodes.other.url) as viewer:
        await viewer.subscribe(AUDIT_ENTRY_ADDED, id=deploy["id"], after=0)
        async with asyncio.timeout(10):
            sequences = [(await viewer.event())["sequence"] for _ in range(450)]
        assert sequences == list(range(1, 451))
        await caller.walk(deploy["id"], "building")
        assert (await viewer.event())["sequence"] == 451


@on_one_of_each
async def test_every_one_of_many_viewers_gets_every_event_once(nodes: Nodes) -> None:
    caller, _ = nodes.callers
    deploy = await caller.start()

    async def watch(number: int, ready: asyncio.Event) -> list[int]:
        async with viewing(nodes.servers[number % 2].url) as viewer:
            await viewer.subscribe(PHASE_CHANGED, id=deploy["id"], after=0)
            seen = [(await viewer.event())["entry"]["sequence"]]
            ready.set()
            while len(seen) < len(TO_SUCCESS) + 1:
                seen.append((await viewer.event())["entry"]["sequence"])
            return seen

    readies = [asyncio.Event() for _ in range(40)]
    viewers = [asyncio.create_task(watch(number, ready)) for number, ready in enumerate(readies)]
    await asyncio.gather(*(ready.wait() for ready in readies))
    await caller.walk(deploy["id"], *TO_SUCCESS)
    assert await asyncio.gather(*viewers) == [[1, 2, 3, 4, 5, 6, 7, 8, 9]] * 40


@on_newest_postgresql
async def test_what_nobody_tells_of_is_found_by_looking(nodes: Nodes, raw: Raw) -> None:
    """A wake-up that is lost costs a viewer some delay, and no more. On SQLite, all that others write is found so."""
    deploy = await nodes.callers[0].start()
    async with serving(nodes.database, poll_seconds="0.2") as looking, viewing(looking.url) as viewer:
        await viewer.subscribe(PHASE_CHANGED, id=deploy["id"])
        assert (await viewer.event())["entry"]["sequence"] == 1
        for sequence, status in enumerate(TO_SUCCESS[:3], start=2):
            await append(raw, deploy["id"], status)
            assert (await viewer.event())["entry"] == {
                "sequence": sequence,
                "kind": "TRANSITION",
                "toStatus": status,
                "attempt": 1,
            }


@on_newest_postgresql
async def test_who_still_waits_for_its_beginning_is_told_at_once_that_its_proof_is_over(
    database: str, postgres: Postgres
) -> None:
    async with serving(database, poll_seconds="0.1") as server, Caller(server.url) as caller:
        deploy = await caller.start()
        token = await tokens.make(database, "soon-gone")
        async with viewing(server.url, token) as viewer, connected(database) as raw:
            await raw.begin()
            await raw.execute("LOCK TABLE audit_entries IN ACCESS EXCLUSIVE MODE")
            await viewer.subscribe(PHASE_CHANGED, id=deploy["id"])
            await waits(postgres, database, "audit_entries")
            await tokens.revoke(database, "soon-gone")
            assert codes(await viewer.receive()) == ["UNAUTHENTICATED"]
            assert (await viewer.receive())["type"] == "complete"
            with pytest.raises(ConnectionClosed):
                await viewer.receive()
            assert (viewer.socket.close_code, viewer.socket.close_reason) == (4403, "UNAUTHENTICATED")
            await raw.roll_back()


@on_newest_postgresql
async def test_viewers_that_come_all_at_once_are_served_by_a_few_reads(database: str, postgres: Postgres) -> None:
    """As after a restart, each with a proof of its own: what one read keeps waiting is read together."""
    crowd = 60
    async with serving(database, poll_seconds="3600") as server, Caller(server.url) as caller, AsyncExitStack() as held:
        deploy = await caller.start()
        names = [f"viewer-{number}" for number in range(crowd)]
        proofs = [await tokens.make(database, name) for name in names]
        address = server.url.replace("http", "ws", 1) + "/graphql"
        raw = await held.enter_async_context(connected(database))
        sockets = [
            await held.enter_async_context(connect(address, subprotocols=[PROTOCOL], proxy=None)) for _ in proofs
        ]
        viewers = [Viewer(socket) for socket in sockets]
        before = (await told(caller))("phaseline_database_seconds_count", kind="read")
        for table, messages in (
            ("tokens", [{"type": "connection_init", "payload": bearer(proof)} for proof in proofs]),
            ("audit_entries", [_following(deploy["id"])] * crowd),
        ):
            await raw.begin()
            await raw.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            await asyncio.gather(*(one.send(**message) for one, message in zip(viewers, messages, strict=True)))
            await waits(postgres, database, table)
            for _ in range(2):  # whatever was sent before that has arrived
                assert (await caller.http.get("/healthz")).status_code == 200
            await raw.roll_back()
            kinds = {(await viewer.receive())["type"] for viewer in viewers}
            assert kinds == {"connection_ack"} if table == "tokens" else {"next"}
        after = (await told(caller))("phaseline_database_seconds_count", kind="read")
        # Of each kind one that waited, and one for all who came meanwhile; and one each for the caller of `told`.
        assert after - before <= 6


@on_one_of_each
async def test_who_come_back_one_after_the_other_are_served_what_was_read_for_the_first(database: Path | str) -> None:
    async with serving(database, poll_seconds="3600") as server, Caller(server.url) as caller:
        deploy = await caller.start()
        await caller.walk(deploy["id"], *TO_SUCCESS[:5])
        reads = []
        async with AsyncExitStack() as held:
            for after in (4, 4, 4, 1, 1, 1, 2):
                viewer = await held.enter_async_context(viewing(server.url))
                before = (await told(caller))("phaseline_database_seconds_count", kind="read")
                await viewer.subscribe(PHASE_CHANGED, id=deploy["id"], after=after)
                assert [(await viewer.event())["entry"]["sequence"] for _ in range(6 - after)] == [*range(after + 1, 7)]
                reads.append((await told(caller))("phaseline_database_seconds_count", kind="read") - before)
        # Each asks how far the log is; only who goes further back than all before reads more.
        assert reads == [2, 1, 1, 2, 1, 1, 1]


def _following(deploy_id: str) -> dict[str, Any]:
    payload = {"query": PHASE_CHANGED, "variables": {"id": deploy_id}}
    return {"id": "1", "type": "subscribe", "payload": payload}
