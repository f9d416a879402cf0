"""Which environments a token is for, and what each caller hears of itself."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from phaseline.callers import tokens
from phaseline.store import Store
from phaseline_schema.rights import Role
from tests.support.asking import OVER, Ask, over_http
from tests.support.caller import Caller
from tests.support.logins import COOKIE, TOKENS, VIEWER
from tests.support.server import Server

MakeToken = Callable[[Role, set[str]], Awaitable[str]]

_WHO = "{ identity { name role proof rights environments expiresAt } }"
_NOBODY: dict[str, Any] = {
    "name": "anonymous",
    "role": None,
    "proof": "NOTHING",
    "rights": [],
    "environments": None,
    "expiresAt": None,
}
_RIGHTS = {
    "workflow": ["SEND_CALLBACKS"],
    "operator": ["READ_AUDIT", "READ_DEPLOYS", "START_DEPLOYS", "STEER_DEPLOYS"],
    "viewer": ["READ_AUDIT", "READ_DEPLOYS"],
    "tool": ["READ_AUDIT"],
}


@pytest.fixture
async def make_token(server: Server) -> AsyncIterator[MakeToken]:
    """Makes a token of a role for environments."""
    store = Store(server.database_url)

    async def make(role: Role, environments: set[str]) -> str:
        name = f"{role}-for-{'-'.join(sorted(environments))}"
        _, token = await store.write(lambda connection: tokens.create(connection, name, role, environments, None))
        return token

    yield make
    await store.close()


def _start(environment: str) -> str:
    return f'mutation {{ startDeploy(input: {{environment: "{environment}", ref: "x"}}) {{ startedBy }} }}'


def _report(deploy: dict[str, Any]) -> str:
    return f'mutation {{ applyCallback(input: {{deployId: "{deploy["id"]}", status: "building"}}) {{ duplicate }} }}'


@pytest.mark.parametrize("role", TOKENS)
@pytest.mark.parametrize("ask", OVER.values(), ids=OVER)
async def test_each_hears_who_it_is_and_what_it_may_do(server: Server, ask: Ask, role: str) -> None:
    said = await ask(server.url, TOKENS[role], _WHO)
    assert said.payload == {
        "data": {
            "identity": {
                "name": f"token:{role}",
                "role": role.upper(),
                "proof": "TOKEN",
                "rights": _RIGHTS[role],
                "environments": None,
                "expiresAt": None,
            }
        }
    }


@pytest.mark.parametrize("token", [None, VIEWER[:-1] + "x", "x", "a.b.c", ""])
async def test_who_has_proven_nothing_hears_that(server: Server, token: str | None) -> None:
    assert (await over_http(server.url, token, _WHO)).payload == {"data": {"identity": _NOBODY}}


async def test_a_browser_that_is_signed_in_hears_who_it_is(server: Server, caller: Caller) -> None:
    del caller.http.headers["authorization"]
    response = await caller.http.post("/graphql", json={"query": _WHO}, headers={"cookie": f"phaseline={COOKIE}"})
    said = response.json()["data"]["identity"]
    assert (said["name"], said["role"], said["proof"]) == ("token:operator", "OPERATOR", "SIGN_IN")


async def test_an_operator_starts_deploys_to_the_environments_of_its_token(
    server: Server, caller: Caller, make_token: MakeToken
) -> None:
    token = await make_token(Role.OPERATOR, {"staging", "test"})
    identity = (await over_http(server.url, token, _WHO)).payload["data"]["identity"]
    assert identity["environments"] == ["staging", "test"]
    for environment in ("staging", "test"):
        said = await over_http(server.url, token, _start(environment))
        assert said.payload["data"]["startDeploy"]["startedBy"] == identity["name"]
    for environment in ("production", "Staging", "staging ", "stag"):
        refused = await over_http(server.url, token, _start(environment))
        assert refused.is_empty
        assert refused.code == ("BAD_USER_INPUT" if environment.endswith(" ") else "FORBIDDEN")
    started = await caller.send("{ auditEntries(first: 200) { edges { node { actor deploy { environment } } } } }")
    nodes = [edge["node"] for edge in started.data["auditEntries"]["edges"]]
    mine = [node["deploy"]["environment"] for node in nodes if node["actor"] == identity["name"]]
    assert sorted(mine) == ["staging", "test"]
    # Reading is not divided by environment.
    production = await caller.start(environment="production")
    read = await over_http(server.url, token, f'{{ deploy(id: "{production["id"]}") {{ environment }} }}')
    assert read.payload == {"data": {"deploy": {"environment": "production"}}}


async def test_a_workflow_reports_on_the_environments_of_its_token(
    server: Server, caller: Caller, make_token: MakeToken
) -> None:
    token = await make_token(Role.WORKFLOW, {"staging"})
    staging, production = await caller.start(environment="staging"), await caller.start(environment="production")
    assert (await over_http(server.url, token, _report(staging))).payload == {
        "data": {"applyCallback": {"duplicate": False}}
    }
    refused = await over_http(server.url, token, _report(production))
    assert (refused.code, refused.is_empty) == ("FORBIDDEN", True)
    assert refused.payload["errors"][0]["extensions"]["claim"] == "environment"
    assert (await caller.deploy(production["id"]))["status"]["key"] == "queued"
    newest = (await caller.entries(production["id"]))[-1]
    assert (newest["kind"], newest["refusal"]) == ("CALLBACK_REFUSED", "FORBIDDEN")
    assert newest["actor"] == "token:workflow-for-staging"
    # What was accepted before is told to nobody else either.
    assert (await caller.report(production["id"], "building")).code is None
    assert (await over_http(server.url, token, _report(production))).is_empty
