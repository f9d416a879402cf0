# GraphQL is full of braces, which `%` leaves alone.
# ruff: noqa: UP031
"""Documents that ask for too much, or in an odd way: refused before anything is executed, and quickly."""

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from graphql import get_introspection_query

from tests.support.application import in_this_process
from tests.support.caller import DEPLOY, ENTRY, Caller
from tests.support.server import Server, serving
from tests.support.witness import clear_codes, faultless

ENTRIES = "auditEntries(first: 200) { edges { node { %s } } }"
FANS = " ".join(f"fragment f{i} on Query {{ ...f{i + 1} ...f{i + 1} }}" for i in range(40))
CHAIN = " ".join(f"fragment f{i} on Query {{ ...f{i + 1} }}" for i in range(30))
TOO_MUCH = {
    "deep braces": "{" + "a{" * 900 + "b" + "}" * 901,
    "deep fields": "{deploys{edges{node{" + "auditEntries{edges{node{deploy{" * 3 + "id" + "}" * 16,
    "a deep value": "{deploy(id:" + "[" * 900 + "]" * 900 + "){id}}",
    "a deep type": "query($a:" + "[" * 900 + "Int" + "]" * 900 + "){__typename}",
    "a deep introspection": "{__schema" + "{types{fields{type" * 3 + "{name}" + "}}}" * 3 + "}",
    "many tokens": "{" + "__typename " * 5000 + "}",
    "many repetitions": "{" + "__typename " * 1900 + "}",
    "many unknown fields": "{" + " ".join(f"x{i}" for i in range(1900)) + "}",
    "many aliases": "{" + " ".join(f"a{i}:__typename" for i in range(100)) + "}",
    "many aliases in fragments": "{" + " ".join(f"a{i}:pipeline{{...p}}" for i in range(20)) + "}"
    "fragment p on Pipeline{a:name b:name}",
    "many operations": " ".join(f"query q{i}{{__typename}}" for i in range(300)),
    "many variables": "query(" + " ".join(f"$a{i}:Int" for i in range(400)) + "){__typename}",
    "many directives": "{__typename " + "@skip(if:false) " * 300 + "}",
    "a fragment in itself": "{...a} fragment a on Query{...a}",
    "fragments in a circle": "{...a} fragment a on Query{...b} fragment b on Query{deploy(id:1){id} ...a}",
    "fragments that double 40 times": f"{{...f0}} {FANS} fragment f40 on Query{{__typename}}",
    "no such fragment": "{...a}",
    "200 times 200 entries": "{deploys(first:200){edges{node{%s}}}}" % (ENTRIES % "id"),
    "entries of entries' deploys": "{%s}" % (ENTRIES % ("deploy{%s}" % (ENTRIES % "id"))),
    "many by a variable": "query($n:Int){deploys(first:$n){edges{node{auditEntries(first:$n){edges{cursor}}}}}}",
    "less than nothing to make up": "{a:deploys(first:-200){edges{node{%s}}} deploys(first:200){edges{node{%s}}}}"
    % (ENTRIES % "id", ENTRIES % "id"),
    "nothing": "fragment a on Query{__typename}",
    "type definitions": "type A{a:Int}",
    "two operations without a name": "{__typename} {__typename}",
    "two operations of which none is named": "query A{__typename} query B{__typename}",
    "half a surrogate pair": '{deploy(id:"\\ud800"){id}}',
    "two subscriptions in one": "subscription{a:auditEntryAdded(deployId:1){id} b:auditEntryAdded(deployId:1){id}}",
}


@pytest.fixture(scope="module", autouse=True)
async def _nothing_is_unexpected(server: Server) -> AsyncIterator[None]:
    """No test here may leave a trace in the server's log."""
    async with faultless(server):
        yield


@pytest.mark.parametrize("document", TOO_MUCH.values(), ids=TOO_MUCH)
async def test_a_document_that_asks_for_too_much_is_refused_soon(caller: Caller, document: str) -> None:
    async with asyncio.timeout(10):  # worked out, each would take minutes
        answer = await caller.send(document)
    assert answer.status in (200, 400)
    assert answer.body.get("data") is None
    clear_codes(answer.body["errors"])


@pytest.mark.parametrize(
    ("document", "limit", "most"),
    [
        ("{" + "__typename " * 5000 + "}", "characters", 50_000),
        ("{" + " ".join(f"x{i}" for i in range(999)) + "}", "tokens", 1000),
        (" ".join(f"query q{i}{{__typename}}" for i in range(11)), "operations", 10),
        ("{...f0}" + "".join(f"fragment f{i} on Query{{__typename}}" for i in range(41)), "fragments", 40),
        ("{" + "__typename " * 22 + "}", "repeated names", 20),
        ("{...a ...b}" + "".join(f"fragment {name} on Query{{{'...c ' * 12}}}" for name in "ab"), "repeated names", 20),
        (TOO_MUCH["deep fields"], "levels of depth", 12),
        ("{" + " ".join(f"a{i}:__typename" for i in range(31)) + "}", "aliases", 30),
        ("{" + " ".join(f"a{i}:__typename @skip(if: true)" for i in range(31)) + "}", "aliases", 30),
        (TOO_MUCH["many by a variable"], "fields in its answer", 60_000),
        ("{" + " ".join(f"a{i}:__schema{{types{{name}}}}" for i in range(4)) + "}", "fields in its answer", 60_000),
        ("{__schema{" + " ".join(f"a{i}:types{{name}}" for i in range(4)) + "}}", "fields in its answer", 60_000),
        ("{__schema{types{...T}}} fragment T on __Type{a:fields{b:name c:name}}", "fields in its answer", 60_000),
        ("{deploys(first:200)@skip(if:true){edges{node{%s}}}}" % (ENTRIES % "id"), "fields in its answer", 60_000),
    ],
)
async def test_each_limit_is_told_with_a_code_and_by_name(caller: Caller, document: str, limit: str, most: int) -> None:
    response = await caller.http.post(
        "/graphql", json={"query": document, "operationName": "q0" if "q0" in document else None}
    )
    assert response.status_code == 400
    error, *_ = response.json()["errors"]  # a document may be too large in more than one way
    assert error["extensions"] == {"code": "OPERATION_TOO_LARGE", "limit": limit, "most": most}


async def test_several_operations_in_one_request_are_refused(caller: Caller) -> None:
    response = await caller.http.post("/graphql", json=[{"query": "{__typename}"}] * 2)
    assert response.status_code == 400
    assert clear_codes(response.json()["errors"]) == ["BAD_REQUEST"]


async def test_introspection_can_be_turned_off_and_then_nothing_is_suggested(database: Path) -> None:
    async with serving(database, introspection="false") as server, Caller(server.url) as caller:
        for document in (
            "{__schema{types{name}}}",
            '{__type(name:"Deploy"){name}}',
            "{...a} fragment a on Query{__schema{description}}",
        ):
            answer = await caller.send(document)
            assert (answer.status, answer.code) == (403, "INTROSPECTION_DISABLED")
        assert (await caller.send("{__typename}")).data == {"__typename": "Query"}
        assert "mean" not in str((await caller.send("{deplois{id}}")).body)


async def test_names_are_suggested_only_to_who_may_ask_for_them(caller: Caller) -> None:
    misspelt = {"query": "{deplois{edges{cursor}}}"}
    assert "Did you mean" in (await caller.http.post("/graphql", json=misspelt)).text
    assert "mean" not in (await caller.http.post("/graphql", json=misspelt, headers={"authorization": ""})).text
    introspection = {"query": "{__schema{types{name}}}"}
    refused = await caller.http.post("/graphql", json=introspection, headers={"authorization": ""})
    assert (refused.status_code, clear_codes(refused.json()["errors"])) == (401, ["UNAUTHENTICATED"])


@pytest.mark.parametrize(
    "document",
    [
        "{deploys(first:200){edges{cursor node{%s}} pageInfo{endCursor}}}" % DEPLOY,
        "{auditEntries(first:200){edges{cursor node{%s deploy{%s}}}}}" % (ENTRY, DEPLOY),
        "{deploys{edges{node{auditEntries{edges{node{%s}}}}}}}" % ENTRY,
        "{pipeline{name phases{key label position} statuses{key label} transitions{from to why newAttempt}}}",
        f"{{...f0}} {CHAIN} fragment f30 on Query{{__typename}}",
        get_introspection_query(schema_description=True, input_value_deprecation=True),
        "{" + " ".join(f'a{i}:__type(name:"Deploy"){{fields{{name}}}}' for i in range(29)) + "}",
    ],
    ids=[
        "a full page of deploys",
        "a full page of entries",
        "a page of logs",
        "the graph",
        "a chain of fragments",
        "the schema",
        "many types",
    ],
)
async def test_what_tools_ask_for_is_answered(caller: Caller, document: str) -> None:
    assert (await caller.send(document)).data is not None


async def test_a_large_document_is_validated_once(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Strawberry validates what nobody has, after all that is looked at here."""

    def again(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("strawberry.schema.schema.validate_document", again)
    async with in_this_process(database) as caller:
        assert (await caller.send("{deploys(first:200){edges{node{%s}}}}" % DEPLOY)).data == {"deploys": {"edges": []}}


async def test_long_documents_are_not_remembered(database: Path) -> None:
    """Kept, these would hold three megabytes; and callers could send 200 of ten times the length."""
    async with in_this_process(database) as caller:

        async def send(*numbers: int) -> None:
            for number in numbers:
                document = f"{{ a{number}: __typename }} # {'x' * 20_000}"
                assert (await caller.send(document)).data == {f"a{number}": "Query"}

        tracemalloc.start()
        try:
            await send(0, 1)
            gc.collect()
            before, _ = tracemalloc.get_traced_memory()
            await send(*range(2, 62))
            gc.collect()
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert after - before < 450_000


async def test_of_two_operations_the_named_one_is_run(caller: Caller) -> None:
    document = "query A { a: __typename } query B { b: __typename }"
    response = await caller.http.post("/graphql", json={"query": document, "operationName": "B"})
    assert response.json() == {"data": {"b": "Query"}}
