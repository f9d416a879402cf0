"""graphql-sse, one connection for each operation."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.caller import Caller
from tests.support.logins import OPERATOR, WORKFLOW, bearer
from tests.support.server import Server
from tests.support.viewer import PHASE_CHANGED
from tests.support.witness import clear_codes, faultless, faults, sockets, sockets_fall_to

HEADERS = {"content-type": "application/json", "accept": "text/event-stream"}


@pytest.fixture(scope="module", autouse=True)
async def _nothing_is_unexpected(server: Server) -> AsyncIterator[None]:
    """No test here may leave a trace in the server's log."""
    async with faultless(server):
        yield


async def _events(caller: Caller, token: str = OPERATOR, /, **request: Any) -> list[tuple[str, Any]]:
    """The events of a stream that has an end."""
    response = await caller.http.post("/graphql", content=json.dumps(request), headers=HEADERS | bearer(token))
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    found = []
    for block in response.text.replace("\r\n", "\n").strip().split("\n\n"):
        fields = dict(line.split(":", 1) for line in block.split("\n"))
        data = fields.get("data", "").strip()
        found.append((fields["event"].strip(), json.loads(data) if data else None))
    return found


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"query": ""}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "subscription {"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "subscription { nope }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "subscription { ...nope }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "query A{__typename} query B{__typename}"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "{__typename}", "operationName": "half \ud800 a pair"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": PHASE_CHANGED}, "BAD_USER_INPUT"),
        ({"query": PHASE_CHANGED, "variables": {"id": "x", "after": 1.5}}, "BAD_USER_INPUT"),
        ({"query": PHASE_CHANGED, "variables": {"id": "x", "after": -1}}, "BAD_USER_INPUT"),
        ({"query": PHASE_CHANGED, "variables": {"id": "a\0b"}}, "BAD_USER_INPUT"),
        ({"query": PHASE_CHANGED, "variables": {"id": "nowhere"}}, "DEPLOY_NOT_FOUND"),
    ],
)
async def test_an_operation_that_cannot_be_had_is_told_of_and_ends_the_stream(
    caller: Caller, request_: dict[str, Any], code: str
) -> None:
    (kind, payload), (end, _) = await _events(caller, **request_)
    assert (kind, end) == ("next", "complete")
    assert set(clear_codes(payload["errors"])) == {code}


@pytest.mark.parametrize("body", ["", "{", "5", "null", "[]", "NaN", "[" * 50_000, '{"query":5}', '{"variables":[]}'])
async def test_what_is_no_request_gets_400_and_no_stream(caller: Caller, body: str) -> None:
    response = await caller.http.post("/graphql", content=body, headers=HEADERS)
    assert response.status_code == 400
    clear_codes(response.json()["errors"])


async def test_queries_and_mutations_work_and_a_refusal_has_its_code(caller: Caller) -> None:
    assert await _events(caller, query="{ __typename }") == [
        ("next", {"data": {"__typename": "Query"}}),
        ("complete", None),
    ]
    deploy = await caller.start()
    report = 'mutation ($id: ID!) { applyCallback(input: {deployId: $id, status: "succeeded"}) { duplicate } }'
    (_, payload), _ = await _events(caller, WORKFLOW, query=report, variables={"id": deploy["id"]})
    assert clear_codes(payload["errors"]) == ["ILLEGAL_TRANSITION"]


async def test_viewers_that_vanish_leave_no_socket_behind(own_server: Server, own_caller: Caller) -> None:
    deploy = await own_caller.start()
    content = json.dumps({"query": PHASE_CHANGED, "variables": {"id": deploy["id"], "after": 0}})
    before = sockets(own_server)
    for _ in range(40):
        async with own_caller.http.stream("POST", "/graphql", content=content, headers=HEADERS) as response:
            await anext(response.aiter_bytes())
    assert await sockets_fall_to(own_server, before)
    await own_caller.walk(deploy["id"], "building")
    assert not faults(own_server)
