"""Over a socket that is open still, nothing more is written in the name of who was shut out."""

import httpx
import pytest

from tests.support import tokens
from tests.support.caller import Caller
from tests.support.logins import COOKIE, TOOL, VIEWER, bearer
from tests.support.server import Server
from tests.support.viewer import Viewer, codes, viewing

_START = 'mutation { startDeploy(input: {environment: "staging", ref: "by-nobody"}) { id } }'
_REPORT = 'mutation ($id: ID!) { applyCallback(input: {deployId: $id, status: "building"}) { duplicate } }'
_WHO = "{ identity { name } }"


async def _refused(viewer: Viewer, query: str, **variables: str) -> None:
    """It is told so, whether it is by the answer to this or by what ends the socket that ends just now."""
    await viewer.subscribe(query, operation="last", **variables)
    message = await viewer.receive()
    while message.get("id") != "last":
        message = await viewer.receive()
    assert message["type"] in ("error", "next")
    assert codes(message) == ["UNAUTHENTICATED"]


async def test_who_may_write_does_so_more_than_once(server: Server) -> None:
    token = await tokens.make(server.database, "writer-twice", "operator")
    async with viewing(server.url, token) as viewer:
        for number in range(2):
            await viewer.subscribe(_START, operation=str(number))
            assert (await viewer.event(str(number)))["id"]
            assert (await viewer.receive())["type"] == "complete"


async def test_a_revoked_operator_starts_nothing(server: Server, caller: Caller) -> None:
    token = await tokens.make(server.database, "writer-operator", "operator")
    async with viewing(server.url, token) as viewer:
        await tokens.revoke(server.database, "writer-operator")
        await _refused(viewer, _START)
    found = await caller.send("{ auditEntries(first: 200) { edges { node { actor } } } }")
    assert "token:writer-operator" not in [edge["node"]["actor"] for edge in found.data["auditEntries"]["edges"]]


async def test_a_revoked_workflow_moves_nothing(server: Server, caller: Caller) -> None:
    deploy = await caller.start()
    token = await tokens.make(server.database, "writer-workflow", "workflow")
    async with viewing(server.url, token) as viewer:
        await tokens.revoke(server.database, "writer-workflow")
        await _refused(viewer, _REPORT, id=deploy["id"])
    assert (await caller.deploy(deploy["id"]))["status"]["key"] == "queued"


async def test_a_browser_that_has_signed_out_starts_nothing(server: Server) -> None:
    token = await tokens.make(server.database, "writer-browser", "operator")
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as browser:
        assert (await browser.post("/sign-in", json={"token": token})).status_code == 204
        cookie = {"cookie": f"phaseline={browser.cookies['phaseline']}"}
        async with viewing(server.url, None, additional_headers=cookie) as viewer:
            assert (await browser.post("/sign-out")).status_code == 204
            await _refused(viewer, _START)


@pytest.mark.parametrize(
    ("authorization", "name"),
    [
        ("Basic b3BlcmF0b3I6", "token:operator"),
        ("Negotiate", "token:operator"),
        ("", "token:operator"),
        (f"Bearer {TOOL}", "token:tool"),
        ("Bearer", "anonymous"),
        ("bearer x", "anonymous"),
        (f"Bearer {VIEWER}x", "anonymous"),
    ],
)
async def test_only_a_bearers_authorization_comes_before_a_cookie(
    caller: Caller, authorization: str, name: str
) -> None:
    headers = {"authorization": authorization, "cookie": f"phaseline={COOKIE}"}
    response = await caller.http.post("/graphql", json={"query": _WHO}, headers=headers)
    assert response.json()["data"]["identity"]["name"] == name


async def test_another_schemes_authorization_alone_proves_nothing(caller: Caller) -> None:
    headers = bearer(VIEWER) | {"authorization": "Basic b3BlcmF0b3I6"}
    response = await caller.http.post("/graphql", json={"query": "{ pipeline { name } }"}, headers=headers)
    assert response.status_code == 401
    assert "Bearer" in response.json()["errors"][0]["message"]
