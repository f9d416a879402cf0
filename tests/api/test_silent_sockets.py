"""Sockets that never say who they are: they keep nobody out, and count as what proves nothing."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.support.caller import Caller
from tests.support.raw_socket import connected, frame
from tests.support.server import serving
from tests.support.viewer import AUDIT_ENTRY_ADDED, viewing
from tests.support.witness import faults

SWITCHED = b"HTTP/1.1 101 Switching Protocols"


@pytest.mark.parametrize("said", [b"", frame(1, b'{"type":"ping"}')], ids=["nothing", "a ping"])
async def test_sockets_of_nobody_give_way_when_there_is_no_room_and_viewers_stay(database: Path, said: bytes) -> None:
    async with serving(database, max_connections="10") as server, AsyncExitStack() as open_:
        caller = await open_.enter_async_context(Caller(server.url))
        deploy = await caller.start()
        viewers = [await open_.enter_async_context(viewing(server.url)) for _ in range(5)]
        silent = await open_.enter_async_context(connected(server.url, 30))
        for one in silent[-4:]:  # the others have had to go by now
            assert await one.upgrade() == SWITCHED
            one.say(said)
        viewers += [await open_.enter_async_context(viewing(server.url)) for _ in range(3)]
        await caller.walk(deploy["id"], "building")
        for viewer in viewers:
            await viewer.subscribe(AUDIT_ENTRY_ADDED, id=deploy["id"])
            assert (await viewer.event())["sequence"] == 2
        assert not faults(server)


@pytest.mark.slow
async def test_a_socket_that_never_says_who_it_is_counts(database: Path) -> None:
    async with serving(database, unproven_per_minute="30") as server, Caller(server.url) as caller:
        async with connected(server.url, 5) as silent:
            for one in silent:
                assert await one.upgrade() == SWITCHED
            assert [(await one.hear())[1][:2] for one in silent] == [(4408).to_bytes(2)] * 5
        answer = await caller.http.post("/graphql", json={"query": "{ __typename }"}, headers={"authorization": ""})
        assert answer.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
