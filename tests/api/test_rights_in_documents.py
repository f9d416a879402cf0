"""However a field is asked for, its rule holds; and what is not carried out of a document does not count."""

from collections.abc import AsyncIterator

import pytest

from tests.support.asking import OVER, Ask, over_http
from tests.support.caller import Caller
from tests.support.logins import OPERATOR, TOKENS, TOOL, VIEWER, WORKFLOW, bearer
from tests.support.server import Server
from tests.support.witness import faultless

_DEPLOYS = "deploys { edges { node { id ref } } }"

# Each asks for deploys, which a tool may not read.
_WAYS = {
    "beside others": "{ __typename identity { name } DEPLOYS }",
    "by another name": "{ identity: DEPLOYS }",
    "in a fragment": "{ ...a } fragment a on Query { DEPLOYS }",
    "in a fragment of a fragment": "{ ...a } fragment a on Query { ...b } fragment b on Query { DEPLOYS }",
    "in a fragment that is spread twice": "{ ... { ...a } ...a } fragment a on Query { identity { name } DEPLOYS }",
    "in place": "{ ... on Query { ... { DEPLOYS } } }",
    "where it is left out": "query ($is: Boolean = true) { ... @skip(if: $is) { DEPLOYS } identity { name } }",
    "in a fragment that is left out": "{ identity { name } ...a @include(if: false) } fragment a on Query { DEPLOYS }",
}
_SEVERAL = f"query Mine {{ identity {{ name }} }} query Theirs {{ ...a }} fragment a on Query {{ {_DEPLOYS} }}"


@pytest.fixture(scope="module", autouse=True)
async def _nothing_is_unexpected(server: Server) -> AsyncIterator[None]:
    """No test here may leave a trace in the server's log."""
    async with faultless(server):
        yield


@pytest.mark.parametrize("document", _WAYS.values(), ids=_WAYS)
async def test_a_rule_holds_however_a_field_is_asked_for(server: Server, caller: Caller, document: str) -> None:
    await caller.start(ref="hidden")
    document = document.replace("DEPLOYS", _DEPLOYS)
    said = await over_http(server.url, TOOL, document)
    assert (said.code, said.is_empty) == ("FORBIDDEN", True)
    assert "hidden" not in str(said)
    assert (await over_http(server.url, VIEWER, document)).code is None


@pytest.mark.parametrize("ask", OVER.values(), ids=OVER)
async def test_of_several_operations_the_one_that_is_carried_out_counts(server: Server, ask: Ask) -> None:
    mine = await ask(server.url, TOOL, _SEVERAL, "Mine")
    assert mine.payload == {"data": {"identity": {"name": "token:tool"}}}
    theirs = await ask(server.url, TOOL, _SEVERAL, "Theirs")
    assert (theirs.code, theirs.is_empty) == ("FORBIDDEN", True)
    for name in (None, "Nobodys"):
        neither = await ask(server.url, TOOL, _SEVERAL, name)
        assert neither.code not in (None, "INTERNAL_SERVER_ERROR")
        assert neither.is_empty


@pytest.mark.parametrize(
    "document",
    ["{ __schema { types { name } } }", '{ ...a } fragment a on Query { b: __type(name: "Deploy") { name } }'],
)
async def test_the_form_of_the_api_is_told_to_those_who_have_said_who_they_are(server: Server, document: str) -> None:
    for token in TOKENS.values():
        assert "Deploy" in str((await over_http(server.url, token, document)).payload["data"])
    nobody = await over_http(server.url, None, document)
    assert (nobody.code, nobody.is_empty) == ("UNAUTHENTICATED", True)
    assert "Deploy" not in str(nobody)


async def test_nobody_hears_that_a_server_is_there_and_nothing_else(server: Server) -> None:
    assert (await over_http(server.url, None, "{ __typename }")).payload == {"data": {"__typename": "Query"}}
    refused = await over_http(server.url, None, "{ nope deploys { nope } }")
    assert refused.is_empty


async def test_nothing_of_a_document_is_carried_out_where_a_part_of_it_may_not_be(
    server: Server, caller: Caller
) -> None:
    deploy = await caller.start(ref="untouched")
    document = """mutation {
        callback: applyCallback(input: {deployId: "%s", status: "building"}) { duplicate }
        deploy: startDeploy(input: {environment: "x", ref: "x"}) { id }
    }"""
    for token in (WORKFLOW, VIEWER, TOOL):
        said = await over_http(server.url, token, document % deploy["id"])
        assert (said.code, said.is_empty) == ("FORBIDDEN", True)
    assert len(await caller.entries(deploy["id"])) == 1


async def test_each_mutation_of_a_document_is_held_to_the_rights(server: Server, caller: Caller) -> None:
    """A callback is refused by itself, because that is recorded; what came before it stands, as in all of GraphQL."""
    deploy = await caller.start()
    document = """mutation {
        one: startDeploy(input: {environment: "x", ref: "one"}) { id }
        callback: applyCallback(input: {deployId: "%s", status: "building"}) { duplicate deploy { id } }
    }"""
    said = await over_http(server.url, OPERATOR, document % deploy["id"])
    assert (said.code, said.payload["data"]) == ("FORBIDDEN", None)
    assert [error["path"] for error in said.payload["errors"]] == [["callback"]]
    newest = (await caller.entries(deploy["id"]))[-1]
    assert (newest["kind"], newest["actor"], newest["refusal"]) == ("CALLBACK_REFUSED", "token:operator", "FORBIDDEN")


async def test_several_operations_at_once_are_no_request(server: Server, caller: Caller) -> None:
    body = [{"query": "{ identity { name } }"}, {"query": f"{{ {_DEPLOYS} }}"}]
    for token in (TOOL, OPERATOR):
        response = await caller.http.post("/graphql", json=body, headers=bearer(token))
        assert response.status_code == 400
        assert "data" not in response.json()
