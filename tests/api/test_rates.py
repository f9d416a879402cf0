"""How often somebody may ask for something: what is too much is refused with a code and a wait."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.support.application import in_this_process
from tests.support.caller import Answer, Caller
from tests.support.database import change
from tests.support.issuer import Issuer, trust_file
from tests.support.logins import OPERATOR, REVOKED, TOOL, VIEWER, WORKFLOW, bearer
from tests.support.server import Server, serving
from tests.support.viewer import PROTOCOL, viewing
from tests.support.witness import clear_codes, faults, written

READ = "{ pipeline { name } }"
START = '{a}: startDeploy(input: { environment: "staging", ref: "main" }) { id }'
REPORT = 'mutation ($id: ID!) { applyCallback(input: {deployId: $id, status: "%s"}) { duplicate } }'
# Each gives out a sixth of it in ten seconds.
MOST = {"callbacks_per_minute": "72", "starts_per_minute": "54", "reads_per_minute": "90"}


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server that allows little, and believes what this machine says of clients' addresses. Each test here is
    another caller, or comes from another address."""
    path = tmp_path_factory.mktemp("rates") / "phaseline.db"
    more = {"unproven_per_minute": "120", "sign_ins_per_minute": "18", "trusted_proxies": "127.0.0.0/8"}
    async with serving(path, **MOST, **more) as running:
        yield running
    assert not faults(running)


async def _ask(caller: Caller, query: str, token: str | None, address: str = "", **variables: Any) -> Answer:
    headers = bearer(token) if token else {"authorization": ""}
    if address:
        headers["x-forwarded-for"] = address
    response = await caller.http.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
    if response.status_code == 429:
        assert int(response.headers["retry-after"]) == response.json()["errors"][0]["extensions"]["retryAfterSeconds"]
    return Answer(response.status_code, response.json())


def _is_limited(answer: Answer) -> bool:
    """Whether it says so in whole, with a wait that is not longer than the window."""
    if answer.code != "RATE_LIMITED":
        return False
    clear_codes(answer.body["errors"])
    return answer.status == 429 and "data" not in answer.body and 1 <= answer.error["retryAfterSeconds"] <= 10


async def test_too_many_reads_are_refused_over_every_transport_and_others_go_on(server: Server, caller: Caller) -> None:
    async with viewing(server.url, TOOL) as tool:
        answers = [await _ask(caller, READ, TOOL) for _ in range(16)]
        assert [answer.status for answer in answers[:15]] == [200] * 15
        assert _is_limited(answers[15])
        await tool.subscribe(READ)
        message = await tool.receive()
        assert message["type"] == "error"
        assert clear_codes(message["payload"]) == ["RATE_LIMITED"]
        assert 1 <= message["payload"][0]["extensions"]["retryAfterSeconds"] <= 10
    stream = await caller.http.post(
        "/graphql", json={"query": READ}, headers={"accept": "text/event-stream"} | bearer(TOOL)
    )
    assert '"RATE_LIMITED"' in stream.text
    assert (await _ask(caller, READ, VIEWER)).status == 200


async def test_starts_count_one_by_one_however_many_a_document_holds(server: Server, caller: Caller) -> None:
    before, _ = written(server.database)
    three = "mutation { " + " ".join(START.replace("{a}", name) for name in "abc") + " }"
    ten = "mutation { " + " ".join(START.replace("{a}", f"a{number}") for number in range(10)) + " }"
    assert _is_limited(await _ask(caller, ten, VIEWER))
    assert (await _ask(caller, three, OPERATOR)).status == 200
    assert (await _ask(caller, three, OPERATOR)).status == 200
    assert (await _ask(caller, three, OPERATOR)).status == 200
    assert _is_limited(await _ask(caller, three, OPERATOR))
    assert written(server.database)[0] == before + 9


async def test_of_too_many_refused_callbacks_the_rest_leave_no_entry(own_server: Server, own_caller: Caller) -> None:
    """Those of callers who may send none, however many they are: they would bury what else is in the deploy's log."""
    deploy = await own_caller.start()
    for number in range(60):
        answer = await _ask(own_caller, REPORT % f"odd-{number}", VIEWER, id=deploy["id"])
        assert (answer.status, answer.code) == (403, "FORBIDDEN")
    for token, refused in ((VIEWER, (403, "FORBIDDEN")), (None, (401, "UNAUTHENTICATED"))):
        answer = await _ask(own_caller, REPORT % "building", token, id=deploy["id"])
        assert (answer.status, answer.code) == refused
    assert written(own_server.database) == (1, 62), "one more of nobody's, who is counted apart"
    await own_caller.walk(deploy["id"], "building")


async def test_a_workflow_s_callbacks_are_counted_by_caller(server: Server, caller: Caller) -> None:
    answers = [await _ask(caller, REPORT % "building", WORKFLOW, id="nowhere") for _ in range(13)]
    assert {answer.code for answer in answers[:12]} == {"DEPLOY_NOT_FOUND"}
    assert _is_limited(answers[12])


async def test_who_proves_nothing_is_counted_by_address_and_who_proves_something_is_not(
    server: Server, caller: Caller
) -> None:
    assert (await _ask(caller, READ, VIEWER, "198.51.100.8")).status == 200
    for number in range(20):
        answer = await _ask(caller, READ, None if number % 2 else "garbage", "198.51.100.7")
        assert (answer.status, answer.code) == (401, "UNAUTHENTICATED")
    assert _is_limited(await _ask(caller, READ, None, "198.51.100.7"))
    assert await _turned_away(server, "198.51.100.7") == (1013, "RATE_LIMITED")
    assert await _turned_away(server, "198.51.100.8") == (4403, "UNAUTHENTICATED")
    assert (await _ask(caller, READ, None, "198.51.100.8")).status == 401
    assert (await _ask(caller, READ, VIEWER, "198.51.100.7")).status == 200


async def test_the_database_is_not_asked_about_guesses_once_there_were_too_many(database: Path) -> None:
    """What has held before is still looked up, from wherever it comes."""
    there = "198.51.100.30"
    async with (
        serving(database, unproven_per_minute="12", trusted_proxies="127.0.0.0/8") as server,
        Caller(server.url) as caller,
    ):
        assert (await _ask(caller, READ, VIEWER, there)).status == 200
        for _ in range(2):
            assert (await _ask(caller, READ, REVOKED, there)).status == 401
        change(database, "ALTER TABLE tokens RENAME TO not_there")
        for token in (REVOKED, TOOL):
            assert _is_limited(await _ask(caller, READ, token, there))
        assert (await _ask(caller, READ, VIEWER, there)).status >= 500
        assert (await _ask(caller, READ, TOOL, "198.51.100.31")).status >= 500


async def test_made_up_id_tokens_count_while_their_issuer_is_away(database: Path, tmp_path: Path) -> None:
    """Nobody can say then that they are made up."""
    with Issuer() as issuer:
        issuer.away = True
        file = tmp_path / "trust.toml"
        file.write_text(trust_file(issuer, {"environments": ["production"]}))
        async with in_this_process(database, trust_file=str(file), unproven_per_minute=30) as caller:
            answers = await asyncio.gather(*(_ask(caller, READ, issuer.token()) for _ in range(8)))
            assert sorted(answer.code or "" for answer in answers) == ["RATE_LIMITED"] * 3 + ["UNAVAILABLE"] * 5
            assert (await _ask(caller, READ, None)).code == "RATE_LIMITED"


@pytest.mark.parametrize("query", ["{", "", READ], ids=["unfinished", "nothing", "whole"])
async def test_documents_that_cannot_be_read_count_too_where_nothing_is_proven(caller: Caller, query: str) -> None:
    there = f"198.51.100.{40 + len(query)}"
    for _ in range(20):
        assert (await _ask(caller, query, None, there)).status in (200, 400, 401)
    assert _is_limited(await _ask(caller, query, None, there))


async def test_documents_that_cannot_be_read_count_as_reads(caller: Caller) -> None:
    answers = [await _ask(caller, "{", WORKFLOW) for _ in range(16)]
    assert {answer.code for answer in answers[:15]} == {"GRAPHQL_PARSE_FAILED"}
    assert _is_limited(answers[15])


async def test_all_addresses_of_an_ipv6_network_are_one_client(caller: Caller) -> None:
    for number in range(20):
        assert (await _ask(caller, READ, None, f"2001:db8::{number:x}")).status == 401
    assert _is_limited(await _ask(caller, READ, None, "2001:db8::ffff:1"))
    assert (await _ask(caller, READ, None, "2001:db8:0:1::1")).status == 401


async def test_attempts_to_sign_in_are_counted_and_asking_how_to_is_not(caller: Caller) -> None:
    headers = {"x-forwarded-for": "198.51.100.20"}
    for _ in range(3):
        response = await caller.http.post("/sign-in", json={"token": "guessed"}, headers=headers)
        assert response.status_code == 401
    response = await caller.http.post("/sign-in", json={"token": "guessed"}, headers=headers)
    assert response.status_code == 429
    assert clear_codes(response.json()["errors"]) == ["RATE_LIMITED"]
    assert 1 <= int(response.headers["retry-after"]) <= 10
    for _ in range(5):
        assert (await caller.http.get("/sign-in", headers=headers)).status_code == 200


async def test_nobody_s_word_for_another_address_is_taken_without_trust(database: Path) -> None:
    async with serving(database, unproven_per_minute="30") as server, Caller(server.url) as caller:
        for number in range(5):
            assert (await _ask(caller, READ, None, f"198.51.100.{number}")).status == 401
        assert _is_limited(await _ask(caller, READ, None, "198.51.100.99"))


async def _turned_away(server: Server, address: str) -> tuple[int | None, str | None]:
    """How a socket from this address ends that proves nothing."""
    url = server.url.replace("http", "ws", 1) + "/graphql"
    headers = {"x-forwarded-for": address}
    async with connect(url, subprotocols=[PROTOCOL], proxy=None, additional_headers=headers) as socket:
        await socket.send('{"type":"connection_init"}')
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        return socket.close_code, socket.close_reason
