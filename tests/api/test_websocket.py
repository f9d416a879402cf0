"""The graphql-transport-ws protocol: which message closes a socket, and with which code."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing, suppress
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.support.caller import Caller
from tests.support.logins import VIEWER, WORKFLOW, bearer
from tests.support.server import Server
from tests.support.viewer import AUDIT_ENTRY_ADDED, PHASE_CHANGED, PROTOCOL, Viewer, viewing
from tests.support.witness import clear_codes, faultless, faults, lines_on, sockets, sockets_fall_to

INIT = {"type": "connection_init", "payload": bearer(VIEWER)}
QUERY = {"query": "{ __typename }"}
SUBSCRIBE = {"id": "1", "type": "subscribe", "payload": QUERY}


@pytest.fixture(scope="module", autouse=True)
async def _nothing_is_unexpected(server: Server) -> AsyncIterator[None]:
    """No test here may leave a trace in the server's log."""
    async with faultless(server):
        yield


def _connect(server: Server, *protocols: str) -> connect:
    address = server.url.replace("http", "ws", 1) + "/graphql"
    return connect(address, subprotocols=[Subprotocol(name) for name in protocols] or None, proxy=None)


async def _send(socket: ClientConnection, *messages: Any) -> None:
    for message in messages:
        await socket.send(message if isinstance(message, str | bytes) else json.dumps(message))


async def _code_of_closing(socket: ClientConnection) -> int | None:
    """How the server closes it, whatever it says before."""
    with suppress(ConnectionClosed):
        async with asyncio.timeout(15):
            while True:
                await socket.recv()
    return socket.close_code


@pytest.mark.parametrize("protocols", [(), ("graphql-ws",), ("nope", "graphql-ws")])
async def test_a_socket_without_our_protocol_is_closed_with_4406(server: Server, protocols: tuple[str, ...]) -> None:
    async with _connect(server, *protocols) as socket:
        assert await _code_of_closing(socket) == 4406


async def test_our_protocol_is_chosen_among_others(server: Server) -> None:
    async with _connect(server, "graphql-ws", PROTOCOL, "nope") as socket:
        assert socket.subprotocol == PROTOCOL


@pytest.mark.slow
async def test_a_socket_that_says_nothing_is_closed_with_4408(server: Server) -> None:
    async with _connect(server, PROTOCOL) as socket:
        assert await _code_of_closing(socket) == 4408


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([SUBSCRIBE], 4401),
        ([INIT, INIT], 4429),
    ],
    ids=["an operation before the acknowledgement", "two beginnings"],
)
async def test_a_message_out_of_turn_closes_the_socket(server: Server, messages: list[Any], code: int) -> None:
    async with _connect(server, PROTOCOL) as socket:
        await _send(socket, *messages)
        assert await _code_of_closing(socket) == code


async def test_a_second_operation_with_an_id_in_use_closes_the_socket_with_4409(server: Server, caller: Caller) -> None:
    deploy = await caller.start()
    async with viewing(server.url) as viewer:
        for _ in range(2):
            await viewer.subscribe(PHASE_CHANGED, id=deploy["id"])
        assert await _code_of_closing(viewer.socket) == 4409


def _members(message: dict[str, Any], member: str, *values: object) -> list[dict[str, Any]]:
    return [message | {member: value} for value in values]


def _payloads(member: str, *values: object) -> list[dict[str, Any]]:
    return [SUBSCRIBE | {"payload": payload} for payload in _members(QUERY, member, *values)]


NO_MESSAGES: list[Any] = [
    *(
        "",
        "{",
        "5",
        "[]",
        "[{}]",
        "null",
        "true",
        '"x"',
        "NaN",
        "\0",
        "[" * 50_000,
        '{"a":' * 20_000,
        b"",
        b"{}",
        b"\xff",
    ),
    *({}, {"type": None}, {"type": 5}, {"type": []}, {"type": {}}, {"type": "nope"}, {"type": "x" * 200}),
    *({"type": "half \ud800 a pair"}, {"type": "next", "id": "1"}, {"type": "connection_ack"}, {"type": "start"}),
    *_members(INIT, "payload", 5, "x", [], True),
    *_members({"type": "complete"}, "id", 5, None, True, [], {}, ""),
    *_members(SUBSCRIBE, "id", 5, 1.5, None, True, [], {}, ""),
    *_members(SUBSCRIBE, "payload", 5, "x", None, True, [], {}),
    *({"type": "complete"}, {"type": "subscribe"}, {"type": "subscribe", "id": "1"}),
    *_payloads("query", 5, None, True, [], {}),
    *_payloads("variables", 5, "x", True, [], [1]),
    *_payloads("operationName", 5, True, [], {}),
    *_payloads("extensions", 5, "x", True, []),
]


@pytest.mark.parametrize("message", NO_MESSAGES, ids=lambda message: repr(message)[:50])
@pytest.mark.parametrize("begin", [[], [INIT]], ids=["at once", "acknowledged"])
async def test_what_is_no_message_closes_the_socket_with_4400(server: Server, begin: list[Any], message: Any) -> None:
    async with _connect(server, PROTOCOL) as socket:
        await _send(socket, *begin, message)
        assert await _code_of_closing(socket) == 4400


@pytest.mark.parametrize("begin", [[], [INIT]], ids=["at once", "acknowledged"])
async def test_a_message_beyond_the_limit_closes_the_socket_with_1009(server: Server, begin: list[Any]) -> None:
    async with _connect(server, PROTOCOL) as socket:
        await _send(socket, *begin, SUBSCRIBE | {"payload": {"query": "x" * 300_000}})
        assert await _code_of_closing(socket) == 1009


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"query": ""}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "\ud800"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{" + "a{" * 300}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{nope}"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "{...nope}"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "fragment a on Query{__typename}"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "query A{__typename} query B{__typename}"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "{__typename}", "operationName": "x" * 500}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": PHASE_CHANGED, "variables": {}}, "BAD_USER_INPUT"),
        ({"query": PHASE_CHANGED, "variables": {"id": "x", "after": "x"}}, "BAD_USER_INPUT"),
    ],
)
async def test_an_operation_that_cannot_be_had_gets_an_error_and_the_socket_goes_on(
    server: Server, payload: dict[str, Any], code: str
) -> None:
    async with viewing(server.url) as viewer:
        await viewer.send(id="odd", type="subscribe", payload=payload)
        message = await viewer.receive()
        assert (message["type"], message["id"]) == ("error", "odd")
        assert clear_codes(message["payload"]) == [code]
        await _answers(viewer)


async def test_queries_and_mutations_work_and_a_refusal_has_its_code(server: Server, caller: Caller) -> None:
    report = 'mutation ($id: ID!) { applyCallback(input: {deployId: $id, status: "%s"}) { duplicate } }'
    deploy = await caller.start()
    async with viewing(server.url, WORKFLOW) as viewer:
        await viewer.subscribe(report % "building", id=deploy["id"])
        assert await viewer.event() == {"duplicate": False}
        assert await viewer.receive() == {"id": "1", "type": "complete"}
        await viewer.subscribe(report % "queued", id=deploy["id"])
        message = await viewer.receive()
        assert clear_codes(message["payload"]["errors"]) == ["ILLEGAL_TRANSITION"]
        assert message["payload"]["errors"][0]["extensions"]["from"] == "building"
    assert (await caller.deploy(deploy["id"]))["status"]["key"] == "building"


async def test_ping_is_answered_and_an_unknown_id_can_be_completed(server: Server) -> None:
    async with viewing(server.url) as viewer:
        await viewer.send(type="complete", id="never begun")
        await viewer.send(type="pong")
        await viewer.send(type="ping", payload={"a": 1})
        assert await viewer.receive() == {"type": "pong"}


async def test_an_id_is_free_again_after_complete(server: Server, caller: Caller) -> None:
    deploy = await caller.start()
    async with viewing(server.url) as viewer:
        for _ in range(3):
            await viewer.subscribe(PHASE_CHANGED, id=deploy["id"])
            assert (await viewer.event())["entry"]["sequence"] == 1
            await viewer.send(type="complete", id="1")


async def test_one_operation_too_many_is_refused_and_the_others_go_on(server: Server, caller: Caller) -> None:
    deploy = await caller.start()
    async with viewing(server.url) as viewer:
        for number in range(101):
            await viewer.subscribe(AUDIT_ENTRY_ADDED, str(number), id=deploy["id"])
        messages = [await viewer.receive() for _ in range(101)]
        (refused,) = [message for message in messages if message["type"] == "error"]
        assert (refused["id"], clear_codes(refused["payload"])) == ("100", ["TOO_MANY_OPERATIONS"])
        await viewer.send(id="0", type="complete")
        await caller.walk(deploy["id"], "building")
        later = [await viewer.receive() for _ in range(99)]
        assert {message["id"] for message in later} == {str(number) for number in range(1, 100)}


async def test_viewers_that_vanish_leave_no_socket_behind(own_server: Server, own_caller: Caller) -> None:
    deploy = await own_caller.start()
    before = sockets(own_server)
    for number in range(10):
        vanishing = [asyncio.create_task(_vanish(own_server, deploy["id"])) for _ in range(5)]
        await own_caller.report(deploy["id"], f"nowhere-{number}")
        await asyncio.gather(*vanishing)
    assert await sockets_fall_to(own_server, before)
    await own_caller.walk(deploy["id"], "building")
    assert not faults(own_server)


async def test_a_viewer_that_speaks_while_its_socket_is_closed_is_no_error(own_server: Server) -> None:
    async with viewing(own_server.url) as viewer:

        async def listen() -> None:
            while True:
                await viewer.receive()

        listening = asyncio.create_task(listen())
        stopping = asyncio.create_task(own_server.stop())
        with suppress(ConnectionClosed):
            while True:
                for _ in range(100):
                    await viewer.send(type="ping")
                await asyncio.sleep(0)
        await asyncio.wait({listening})
        assert isinstance(listening.exception(), ConnectionClosed)
        assert await stopping == 0
    assert not faults(own_server)


@pytest.mark.parametrize("status", ["building", "succeeded"], ids=["accepted", "refused"])
async def test_a_report_of_a_caller_that_vanishes_is_recorded_shown_and_logged(
    server: Server, caller: Caller, status: str
) -> None:
    report = 'mutation ($id: ID!) { applyCallback(input: {deployId: $id, status: "%s"}) { duplicate } }'
    deploy = await caller.start()
    async with viewing(server.url) as viewer:
        await viewer.subscribe(AUDIT_ENTRY_ADDED, id=deploy["id"])
        assert (await viewer.event())["sequence"] == 1
        before = sockets(server)
        with closing(sqlite3.connect(server.database, isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            async with viewing(server.url, WORKFLOW) as vanishing:
                await vanishing.subscribe(report % status, id=deploy["id"])
                await vanishing.send(type="ping")
                assert await vanishing.receive() == {"type": "pong"}  # so the report has been read
                await _waits_for_the_database(caller)
                vanishing.socket.transport.abort()
            assert await sockets_fall_to(server, before)
        async with asyncio.timeout(3):
            event = await viewer.event()
        assert (event["sequence"], event["toStatus"]) == (2, status)
    assert [entry["sequence"] for entry in await caller.entries(deploy["id"])] == [1, 2]
    _, told = await lines_on(server, deploy["id"], 2)
    assert (told["event"], told["status"], told["sequence"]) == ("callback", status, 2)


@pytest.mark.slow
async def test_a_viewer_whose_machine_has_vanished_is_noticed(own_server: Server) -> None:
    """Nothing is read from its socket any more, so no ping is answered; and nothing closes it on its side."""
    before = sockets(own_server)
    async with viewing(own_server.url, ping_interval=None) as viewer:
        viewer.socket.transport.pause_reading()
        assert sockets(own_server) == before + 1
        for _ in range(80):
            await asyncio.sleep(1)
            if sockets(own_server) == before:
                break
        assert sockets(own_server) == before
        viewer.socket.transport.abort()


async def _waits_for_the_database(caller: Caller) -> None:
    """Wait until something has waited there for a while: asking who calls takes far less."""
    looks = 0
    async with asyncio.timeout(10):
        while looks < 20:
            told = (await caller.http.get("/metrics")).text
            looks = looks + 1 if 'phaseline_pool_connections{state="in_use"} 1.0' in told else 0


async def _vanish(server: Server, deploy_id: str) -> None:
    """Follow, and be gone without a word as soon as something has come."""
    async with viewing(server.url) as viewer:
        await viewer.subscribe(AUDIT_ENTRY_ADDED, id=deploy_id, after=0)
        await viewer.event()
        viewer.socket.transport.abort()


async def _answers(viewer: Viewer) -> None:
    await viewer.send(id="next", type="subscribe", payload=QUERY)
    while (message := await viewer.receive())["id"] != "next":
        pass
    assert message["payload"] == {"data": {"__typename": "Query"}}
