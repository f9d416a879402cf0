"""Numbers of more digits than anything here has: refused in our own words, and never repeated."""

import json

import pytest

from tests.support.caller import Caller
from tests.support.logins import VIEWER, bearer
from tests.support.server import Server
from tests.support.viewer import viewing
from tests.support.witness import clear_codes, faultless

LONG = [31, 4301, 40_000]
DOCUMENTS = [
    "{ deploys(first: $number) { edges { node { id } } } }",
    "query ($first: Int = $number) { deploys(first: $first) { edges { node { id } } } }",
    "{ deploys(first: [{a: $number}]) { edges { node { id } } } }",
    'mutation { applyCallback(input: {deployId: "x", status: "y", attempt: $number}) { duplicate } }',
]
QUERY = "query ($first: Int) { deploys(first: $first) { edges { node { id } } } }"


@pytest.mark.parametrize("digits", LONG)
@pytest.mark.parametrize("form", ["%s", "-%s", "%s.0", "%se1"])
async def test_in_a_document(server: Server, caller: Caller, form: str, digits: int) -> None:
    for document in DOCUMENTS:
        query = document.replace("$number", form % ("7" * digits))
        async with faultless(server):
            response = await caller.http.post("/graphql", json={"query": query})
        assert clear_codes(response.json()["errors"]) == ["OPERATION_TOO_LARGE"]
        assert response.status_code == 400
        assert "777" not in response.text
        async with viewing(server.url) as viewer:
            await viewer.subscribe(query)
            message = await viewer.receive()
            assert clear_codes(message["payload"]) == ["OPERATION_TOO_LARGE"]
            assert "777" not in json.dumps(message)


@pytest.mark.parametrize("digits", LONG)
async def test_in_a_variable(server: Server, caller: Caller, digits: int) -> None:
    body = json.dumps({"query": QUERY, "variables": {"first": 0}}).replace("0", "7" * digits)
    async with faultless(server):
        response = await caller.http.post(
            "/graphql", content=body, headers={"content-type": "application/json"} | bearer(VIEWER)
        )
        assert response.status_code == 400
        assert clear_codes(response.json()["errors"]) == ["BAD_REQUEST"]
        assert "777" not in response.text
        async with viewing(server.url) as viewer:
            await viewer.socket.send(f'{{"id": "1", "type": "subscribe", "payload": {body}}}')
            await viewer.socket.wait_closed()
            assert viewer.socket.close_code == 4400
            assert "777" not in (viewer.socket.close_reason or "")
