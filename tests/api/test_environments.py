"""Environments of the file, as callers meet them: who is told of them, what may be started, and whose runs report."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from phaseline.callers import tokens
from phaseline.environments import refs
from phaseline.store import Store
from phaseline_schema.pipelines.console import CONSOLE
from phaseline_schema.rights import Role
from tests.support.asking import over_http
from tests.support.caller import Caller
from tests.support.issuer import OWNER_ID, REPOSITORY, REPOSITORY_ID, WORKFLOW, Issuer
from tests.support.logins import OPERATOR, VIEWER
from tests.support.server import Server, serving

CLAIMS = f"repository_id = {REPOSITORY_ID}\nrepository_owner_id = {OWNER_ID}\nseveral_deploys = true\n"
FILE = f"""
[environments.production]
repository = "{REPOSITORY}"
workflow = "{WORKFLOW}"
refs = ["refs/heads/main", "refs/heads/release/*", "refs/tags/v*"]
protected = true
when_busy = "wait"
url = "https://console.example"

[environments.production.claims]
workflow_refs = ["refs/heads/main"]
{CLAIMS}
[environments.anywhere]
repository = "octo-org/other"
workflow = ".github/workflows/other.yml"
refs = ["refs/heads/*"]
commits = true
"""
TO_BE_DEPLOYED_AND_NOT_RUN = dict.fromkeys(
    ("workflow_ref", "job_workflow_ref"), f"{REPOSITORY}/{WORKFLOW}@refs/tags/v1"
)
COMMIT = "0f1e2d3c4b5a69788796a5b4c3d2e1f001122334"
ASKED = """{ environments {
    name repository workflow refs commits protected whenBusy url mayStart dispatches
    pipeline { name statuses { key } }
} }"""


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as running:
        yield running


@pytest.fixture(scope="module")
async def server(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server with an environments file, and a trust file that says no more than who makes ID tokens, and for whom."""
    folder = tmp_path_factory.mktemp("environments")
    (folder / "environments.toml").write_text(FILE)
    (folder / "trust.toml").write_text(f'[github]\nissuer = "{issuer.url}"\naudience = "{issuer.audience}"\n')
    files = {"environments_file": str(folder / "environments.toml"), "trust_file": str(folder / "trust.toml")}
    async with serving(folder / "phaseline.db", **files) as running:
        yield running


@pytest.fixture
async def caller(server: Server) -> AsyncIterator[Caller]:
    async with Caller(server.url) as calling:
        yield calling


@pytest.fixture(autouse=True)
async def free(server: Server) -> AsyncIterator[None]:
    """Behind each test every environment is nobody's: in one of them there is one deploy at a time."""
    yield
    in_progress = "{ deploys(filter: {outcome: IN_PROGRESS}, first: 200) { edges { node { id } } } }"
    found = (await over_http(server.url, OPERATOR, in_progress)).payload["data"]["deploys"]["edges"]
    for deploy_id in (edge["node"]["id"] for edge in found):
        abandon = f'mutation {{ abandonDeploy(input: {{deployId: "{deploy_id}", reason: "over"}}) {{ id }} }}'
        assert (await over_http(server.url, OPERATOR, abandon)).code is None


async def _start(server: Server, environment: str, ref: str, token: str = OPERATOR, more: str = "") -> Any:
    fields = f'environment: "{environment}", ref: "{ref}"{more}'
    return await over_http(server.url, token, f"mutation {{ startDeploy(input: {{{fields}}}) {{ id ref }} }}")


async def _operator_for(server: Server, *environments: str) -> str:
    store, name = Store(server.database_url), "-".join(environments)
    _, token = await store.write(
        lambda connection: tokens.create(connection, name, Role.OPERATOR, set(environments), None)
    )
    await store.close()
    return token


async def test_they_are_told_in_the_file_s_order_with_all_that_it_says(server: Server) -> None:
    said = await over_http(server.url, OPERATOR, ASKED)
    pipeline = {"name": "console", "statuses": [{"key": status.key} for status in CONSOLE.statuses]}
    assert said.payload == {
        "data": {
            "environments": [
                {
                    "name": "production",
                    "repository": REPOSITORY,
                    "workflow": WORKFLOW,
                    "refs": ["refs/heads/main", "refs/heads/release/*", "refs/tags/v*"],
                    "commits": False,
                    "protected": True,
                    "whenBusy": "WAIT",
                    "url": "https://console.example",
                    "mayStart": True,
                    "dispatches": False,
                    "pipeline": pipeline,
                },
                {
                    "name": "anywhere",
                    "repository": "octo-org/other",
                    "workflow": ".github/workflows/other.yml",
                    "refs": ["refs/heads/*"],
                    "commits": True,
                    "protected": False,
                    "whenBusy": "REFUSE",
                    "url": None,
                    "mayStart": True,
                    "dispatches": False,
                    "pipeline": pipeline,
                },
            ]
        }
    }


async def test_one_is_told_by_its_name_and_none_by_another(server: Server) -> None:
    asked = '{ one: environment(name: "anywhere") { name url } none: environment(name: "gone") { name } }'
    said = await over_http(server.url, VIEWER, asked)
    assert said.payload["data"] == {"one": {"name": "anywhere", "url": None}, "none": None}


async def test_where_github_is_not_called_nothing_is_suggested_or_compared(server: Server) -> None:
    asked = '{ environments { dispatches refSuggestions { name } comparison(ref: "main") { url } } }'
    found = (await over_http(server.url, OPERATOR, asked)).payload["data"]["environments"]
    assert found == [{"dispatches": False, "refSuggestions": [], "comparison": None}] * 2


async def test_each_caller_is_told_of_all_of_them_and_where_it_may_start(server: Server) -> None:
    asked = "{ environments { name mayStart } }"
    scoped = await _operator_for(server, "anywhere", "elsewhere")
    for token, may in ((OPERATOR, [True, True]), (scoped, [False, True]), (VIEWER, [False, False])):
        found = (await over_http(server.url, token, asked)).payload["data"]["environments"]
        assert [one["name"] for one in found] == ["production", "anywhere"]
        assert [one["mayStart"] for one in found] == may


async def test_where_there_is_no_file_none_are_told_and_any_may_be_started(own_server: Server) -> None:
    assert (await over_http(own_server.url, OPERATOR, ASKED)).payload == {"data": {"environments": []}}
    assert (await _start(own_server, "whatever", "any ref*", more=', pipeline: "console"')).code is None


ALLOWED = {
    "production": ["main", "refs/heads/main", "release/1", "refs/heads/release/a/b", "v1.2", "refs/tags/v1.2"],
    "anywhere": ["main", "x/y", COMMIT, COMMIT.upper(), "feature-1"],
}
REFUSED = {
    "production": [
        *("topic", "mainline", "refs/heads/topic", "refs/heads/v1.2", "refs/tags/main", "refs/pull/1/head", "release"),
        *("heads/main", "tags/v1.2", "release/", "refs/heads/release/", "release/*", "v*", "release/../main", "v1 2"),
        *("v1~1", "v1^", "v1:x", "v1?", "v[1]", "v1@{1}", "release//x", "v1.lock", "v1.", "-v1", "Main", COMMIT, "@"),
        *(COMMIT.upper(), f"refs/heads/{COMMIT}", "release/.x", "release/x.lock/y"),
    ],
    "anywhere": ["refs/tags/main", "x y", "*", "refs/heads/", "../x", "x..y"],
}


@pytest.mark.parametrize(("environment", "ref"), [(name, ref) for name, some in ALLOWED.items() for ref in some])
async def test_a_ref_that_is_allowed_is_started_as_it_was_given(server: Server, environment: str, ref: str) -> None:
    said = await _start(server, environment, ref)
    assert said.payload["data"]["startDeploy"]["ref"] == ref


@pytest.mark.parametrize(("environment", "ref"), [(name, ref) for name, some in REFUSED.items() for ref in some])
async def test_any_other_ref_is_refused_by_its_field(
    server: Server, caller: Caller, environment: str, ref: str
) -> None:
    before = await _newest(caller)
    said = await _start(server, environment, ref)
    assert (said.code, said.is_empty) == ("BAD_USER_INPUT", True)
    assert said.payload["errors"][0]["extensions"]["field"] == "ref"
    assert await _newest(caller) == before


async def test_an_environment_that_the_file_does_not_name_is_refused_by_its_field(
    server: Server, caller: Caller
) -> None:
    before = await _newest(caller)
    for environment in ("staging", "Production", "prod", "production.claims"):
        said = await _start(server, environment, "main")
        error = said.payload["errors"][0]
        assert (said.code, error["extensions"]["field"]) == ("BAD_USER_INPUT", "environment")
        assert error["message"] == "environment is none of those there are: production, anywhere"
    assert await _newest(caller) == before


async def test_an_operator_starts_only_where_the_token_is_for(server: Server) -> None:
    token = await _operator_for(server, "anywhere")
    assert (await _start(server, "anywhere", "main", token)).code is None
    assert (await _start(server, "production", "main", token)).code == "FORBIDDEN"


async def test_another_pipeline_than_the_environment_s_is_refused(server: Server) -> None:
    assert (await _start(server, "production", "main", more=', pipeline: "console"')).code is None
    said = await _start(server, "production", "main", more=', pipeline: "canary"')
    assert (said.code, said.payload["errors"][0]["extensions"]["field"]) == ("BAD_USER_INPUT", "pipeline")


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({}, None),
        (TO_BE_DEPLOYED_AND_NOT_RUN, "FORBIDDEN"),
        ({"repository_id": str(REPOSITORY_ID + 1)}, "FORBIDDEN"),
        ({"repository_owner_id": str(OWNER_ID + 1)}, "FORBIDDEN"),
        ({"event_name": "push"}, "FORBIDDEN"),
    ],
    ids=str,
)
async def test_runs_with_an_environment_s_claims_report_for_it_and_no_others_do(
    server: Server, caller: Caller, issuer: Issuer, claims: dict[str, Any], code: str | None
) -> None:
    for environment, expected in (("production", code), ("anywhere", "FORBIDDEN")):
        deploy = await caller.start(environment)
        sent = f'deployId: "{deploy["id"]}", status: "building"'
        report = f"mutation {{ applyCallback(input: {{{sent}}}) {{ duplicate }} }}"
        assert (await over_http(server.url, issuer.token(**claims), report)).code == expected


async def test_that_github_is_not_called_is_said_at_the_start_and_only_where_there_is_a_file(
    server: Server, own_server: Server
) -> None:
    def said(log: list[dict[str, Any]]) -> list[str]:
        return [line["level"] for line in log if "does not call GitHub" in line["event"]]

    assert (said(server.log), said(own_server.log)) == (["warning"], [])


async def test_with_a_token_nothing_of_the_kind_is_said_and_no_secret_is_told(database: Path) -> None:
    file = database.with_name("environments.toml")
    file.write_text(FILE.partition("[environments.production.claims]")[0])
    secrets = {"github_token": "github_pat_secret", "github_webhook_secret": "webhook_secret"}
    async with serving(database, environments_file=str(file), **secrets) as server:
        assert not [line for line in server.log if "does not call GitHub" in line["event"]]
    assert "secret" not in str(server.log)


def test_what_is_meant_by_a_ref() -> None:
    assert refs.meant("main") == ("refs/heads/main", "refs/tags/main")
    assert refs.meant("refs/tags/v1") == ("refs/tags/v1",)
    assert refs.meant(COMMIT) == refs.meant("a..b") == ()
    assert refs.allowed("v1", ["refs/tags/v*"]) == ("refs/tags/v1",)


async def _newest(caller: Caller) -> Any:
    return (await caller.send("{ deploys(first: 1) { edges { node { id } } } }")).data
