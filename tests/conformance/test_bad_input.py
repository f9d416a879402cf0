"""Odd values in every place of the schema: a clear error with a code, nothing written, nothing given away.

What is refused never comes to the database, so that is seen on one kind of it; what is taken, on one of each.
"""

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from graphql import get_nullable_type
from graphql.type import GraphQLInputObjectType

from phaseline.operations.schema import SCHEMA
from tests.conformance.conftest import Nodes, on_one_of_each
from tests.conformance.stores import on_sqlite
from tests.support.caller import Caller
from tests.support.fields import Place, places
from tests.support.logins import bearer, token_for
from tests.support.raw import Raw
from tests.support.server import Server
from tests.support.viewer import viewing
from tests.support.witness import clear_codes, faults

PLACES = places(SCHEMA._schema)
SURROGATE = "half \ud800 a pair"


async def written(raw: Raw) -> list[tuple[int, int]]:
    """How many deploys and how many audit entries there are."""
    return await raw.execute("SELECT (SELECT count(*) FROM deploys), (SELECT count(*) FROM audit_entries)")


@dataclass(frozen=True)
class Form:
    """What a place takes: examples that are accepted, each with the code that it may be answered with; and others."""

    accepted: tuple[Any, ...]
    refused: tuple[Any, ...]
    codes: tuple[str | None, ...] = (None,)


def _text(longest: int, *codes: str, blank: bool = False) -> Form:
    """One line of text; `blank` where an empty one stands for none."""
    free = (
        "שָׁלוֹם עולם",
        "نشر الإصدار",
        "👩‍🚀 déploiement",
        "<script>alert(1)</script>",
        "'; DROP TABLE deploys; --",
        "::error::%s{0}",
    )
    bad = ("   ", "a\0b", "a\nb", "a\r\nb", "\x1b[31m", "\x7f", "a\u2028b", "a\x85b", SURROGATE, "x" * (longest + 1))
    unseen = (" a", "a\u3000", "a\u202eb", "\u2066a\u2069", "\u200b\u2060")
    empty = ("",)
    return Form(
        ("x" * longest, "👩" * longest, *free, *(empty if blank else ())),
        (*bad, *unseen, *(() if blank else empty)),
        (*codes, None),
    )


def _number(least: int, most: int, *codes: str) -> Form:
    return Form((least, most), (least - 1, most + 1, -(2**31), 2**31), (*codes, None))


def _made(key: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def _cursor(*good: Any, refused: tuple[Any, ...] = ()) -> Form:
    """Cursors that were given out by no list, among them ones that are well-formed on the outside."""
    keys: tuple[Any, ...] = (
        5,
        None,
        {},
        [],
        [[]],
        ["x"],
        [-1],
        [2**63],
        [1.5],
        [True],
        ["x", "y", "z"],
        [5, 5],
        [None, None],
    )
    times = (["2026-01-01T00:00:00", "a"], ["0001-01-01T00:00:00+23:59", "a"], ["2026-01-01T00:00:00Z", "a\0"])
    made = map(_made, (*keys, *times, *refused))
    deep = base64.urlsafe_b64encode(b"[" * 300).decode()
    return Form(
        tuple(map(_made, good)),
        ("", "x", "!", "====", "e30", "bnVsbA==", "a\0", SURROGATE, "x" * 513, deep, "/w", *made),
    )


ID = _text(64, "DEPLOY_NOT_FOUND")
TIME = Form(
    ("2026-11-23T09:30:00Z", "2026-11-23T09:30:00.123456+02:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
    (
        *("", "yesterday", "2026-11-23", "2026-11-23T09:30:00", "2026-13-45T00:00:00Z", "2026-11-23T09:30:00Z\0"),
        *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "10000-01-01T00:00:00Z", SURROGATE, 0, 1.5, True),
        *("2026-11-23T09:30:00+99:99", "2026-11-23T25:00:00Z", "T", "2026-11-23T09:30:00Z" * 1000),
    ),
)
URL = Form(
    (
        "https://example.org/runs/1?a=b#c",
        "http://[::1]:8080/",
        "https://bücher.example/",
        "https://e.org/" + "x" * 2034,
    ),
    (
        *("javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "file:///etc/passwd", "//example.org", "x"),
        *("https://", "http://[::1", "https://example.org/a b", "https://example.org/\n", "\0https://example.org"),
        *(" javascript:alert(1)", "https://e.org/" + "x" * 2035, "vbscript:x", f"https://e.org/{SURROGATE}", "   "),
    ),
)
FIRST = _number(1, 200)
FORMS = {
    "deploy.id": ID,
    "deploys.filter.environment": _text(64),
    "deploys.filter.outcome": Form(("SUCCEEDED",), ("succeeded", "NOPE", "", SURROGATE, "__class__")),
    "deploys.filter.startedAfter": TIME,
    "deploys.filter.startedBefore": TIME,
    "deploys.first": FIRST,
    "deploys.after": _cursor(["2026-01-01T00:00:00+00:00", "a"], ["0001-01-01T00:00:00+00:00", "é" * 36]),
    "auditEntries.filter.deployId": ID,
    "auditEntries.filter.environment": _text(64),
    "auditEntries.filter.kind": Form(("TRANSITION",), ("transition", "NOPE", "", SURROGATE)),
    "auditEntries.filter.source": Form(("GITHUB",), ("github", "NOPE", "", SURROGATE)),
    "auditEntries.filter.actor": _text(255),
    "auditEntries.filter.toStatus": _text(64),
    "auditEntries.filter.recordedAfter": TIME,
    "auditEntries.filter.recordedBefore": TIME,
    "auditEntries.first": FIRST,
    "auditEntries.after": _cursor([0], [1], [2**63 - 1]),
    "auditVerification.deployId": ID,
    "pipeline.name": _text(64, "PIPELINE_NOT_FOUND", blank=True),
    "Deploy-auditEntries.first": FIRST,
    "Deploy-auditEntries.after": _cursor([0], [1], [2**31 - 1], refused=([2**31],)),
    "startDeploy.input.environment": _text(64),
    "startDeploy.input.ref": _text(255),
    "startDeploy.input.pipeline": _text(64, "PIPELINE_NOT_FOUND", blank=True),
    "startDeploy.input.note": _text(500, blank=True),
    "startDeploy.input.requestId": _text(64, blank=True),
    "abandonDeploy.input.deployId": ID,
    "abandonDeploy.input.reason": _text(500, "NOT_POSSIBLE_NOW"),
    "cancelDeploy.input.deployId": ID,
    "cancelDeploy.input.reason": _text(500, "NOT_POSSIBLE_NOW"),
    "cancelDeploy.input.onlyUnsent": Form((True, False), ("true", "", 0, 1, SURROGATE), ("NOT_POSSIBLE_NOW", None)),
    "rerunFailedJobs.input.deployId": ID,
    "rerunFailedJobs.input.reason": _text(500, "NOT_POSSIBLE_NOW"),
    "redeploy.input.deployId": ID,
    "redeploy.input.reason": _text(500),
    # The same names are those of other requests above.
    "redeploy.input.requestId": Form(("r" * 64, "🚀" * 64, ""), _text(64, blank=True).refused),
    "environment.name": _text(64),
    "applyCallback.input.deployId": ID,
    "applyCallback.input.status": _text(64, "UNKNOWN_STATUS"),
    "applyCallback.input.attempt": _number(1, 2**31 - 1, "ILLEGAL_TRANSITION"),
    "applyCallback.input.runId": _text(64, blank=True),
    "applyCallback.input.runUrl": URL,
    "applyCallback.input.message": _text(500, blank=True),
    "phaseChanged.deployId": ID,
    "phaseChanged.after": _number(0, 2**31 - 1, "AFTER_AHEAD"),
    "auditEntryAdded.deployId": ID,
    "auditEntryAdded.after": _number(0, 2**31 - 1, "AFTER_AHEAD"),
}
# Of the wrong type, by the scalar's name. JSON has numbers that GraphQL has not.
WRONG: dict[str, tuple[Any, ...]] = {
    "String": (5, 1.5, True, [], {}, [["x"]], {"a": {}}),
    "ID": (1.5, True, [], {}, [["x"]]),
    "Int": ("1", 1.5, True, [], {}, 10**28, -(10**28), 1e300),
    "Boolean": ("true", 1, 1.5, [], {}),
}


@pytest.fixture(scope="module")
async def server(nodes: Nodes) -> AsyncIterator[Server]:
    """One of the nodes, which is not to be at fault whatever is sent."""
    before = len(faults(nodes.one))
    yield nodes.one
    assert not faults(nodes.one)[before:]


@pytest.fixture
def caller(nodes: Nodes, server: Server) -> Caller:
    """A caller of it."""
    return nodes.callers[0]


@pytest.fixture(scope="module")
async def examples(nodes: Nodes) -> dict[str, Any]:
    """What stands in the places that must not be empty while another one is tried."""
    deploy, steered = [(await nodes.callers[0].start())["id"] for _ in range(2)]
    steering = ("abandonDeploy", "cancelDeploy", "rerunFailedJobs", "redeploy")
    return {
        **{f"{field}.input.deployId": steered for field in steering},
        **{f"{field}.input.reason": "because" for field in steering},
        "deploy.id": deploy,
        "auditVerification.deployId": deploy,
        "startDeploy.input.environment": "staging",
        "startDeploy.input.ref": "main",
        "applyCallback.input.deployId": deploy,
        "applyCallback.input.status": "building",
        "phaseChanged.deployId": deploy,
        "auditEntryAdded.deployId": deploy,
        "Deploy-auditEntries.first": 1,
    }


def test_every_place_of_the_schema_has_its_examples() -> None:
    assert {place.name for place in PLACES} == set(FORMS)


TRIED = [pytest.param(place, id=f"{place.kind}-{place.name}") for place in PLACES]


@on_sqlite
@pytest.mark.parametrize("place", TRIED)
async def test_a_bad_value_is_refused_with_a_code_and_nothing_is_written(
    place: Place, caller: Caller, raw: Raw, examples: dict[str, Any]
) -> None:
    values = [*FORMS[place.name].refused, *WRONG.get(place.scalar, (5, True, [], {}))]
    before = await written(raw)
    for value in values + [None] * place.required:
        errors = await _ask(caller, place, value, examples)
        assert errors, (value, "was accepted")
        clear_codes(errors)
    assert await written(raw) == before


@on_one_of_each
@pytest.mark.parametrize("place", TRIED)
async def test_a_good_value_is_taken_up_to_the_limit(place: Place, caller: Caller, examples: dict[str, Any]) -> None:
    form = FORMS[place.name]
    for value in form.accepted + (None,) * (not place.required):
        errors = await _ask(caller, place, value, examples)
        codes = clear_codes(errors) if errors else [None]
        assert set(codes) <= set(form.codes), (value, errors)


FOLLOWED = [pytest.param(place, id=place.name) for place in PLACES if place.kind == "subscription"]


@on_sqlite
@pytest.mark.parametrize("place", FOLLOWED)
async def test_bad_values_are_refused_over_websocket_in_the_same_manner(
    place: Place, server: Server, examples: dict[str, Any]
) -> None:
    values = [*FORMS[place.name].refused, *WRONG[place.scalar]]
    async with viewing(server.url) as viewer:
        for number, value in enumerate(values):
            payload = {"query": place.document, "variables": place.variables(value, examples)}
            await viewer.send(id=str(number), type="subscribe", payload=payload)
            message = await viewer.receive()
            while message["type"] == "complete":
                message = await viewer.receive()
            assert message["id"] == str(number)
            clear_codes(message["payload"] if message["type"] == "error" else message["payload"]["errors"])


OBJECTS = sorted(
    {
        (kind, name, argument)
        for kind, root in (("query", SCHEMA._schema.query_type), ("mutation", SCHEMA._schema.mutation_type))
        for name, field in root.fields.items()  # type: ignore[union-attr]
        for argument, given in field.args.items()
        if isinstance(get_nullable_type(given.type), GraphQLInputObjectType)
    }
)


@on_sqlite
@pytest.mark.parametrize(("kind", "name", "argument"), OBJECTS)
async def test_what_is_no_input_object_or_has_an_unknown_field_is_refused(
    kind: str, name: str, argument: str, caller: Caller, raw: Raw
) -> None:
    before = await written(raw)
    document = next(place.document for place in PLACES if place.name.startswith(f"{name}.{argument}."))
    values: list[Any] = [5, "x", [], True, [[]], {"nope": 1}, {"": 1}, {"\0": 1}, {SURROGATE: 1}, {"__proto__": {}}]
    for value in values:
        content = json.dumps({"query": document, "variables": {argument: value}})
        response = await caller.http.post("/graphql", content=content, headers=JSON | bearer(token_for(document)))
        assert response.status_code in (200, 400), (value, response.text)
        clear_codes(response.json()["errors"])
    assert await written(raw) == before


JSON = {"content-type": "application/json"}


async def _ask(caller: Caller, place: Place, value: Any, examples: dict[str, Any]) -> list[dict[str, Any]]:
    """The errors of the answer; of the first event, where it is a stream."""
    variables = place.variables(value, examples)
    if "id" in variables and place.around:
        variables["id"] = examples["deploy.id"]
    # Halves of a surrogate pair can only be sent as escapes.
    content = json.dumps({"query": place.document, "variables": variables})
    headers = JSON | bearer(token_for(place.document))
    if place.kind == "subscription":
        headers["accept"] = "text/event-stream"
    async with caller.http.stream("POST", "/graphql", content=content, headers=headers) as response:
        assert response.status_code in (200, 400, 409, 422), (value, response.status_code)
        async for line in response.aiter_lines():
            text = line.removeprefix("data: ")
            if text.startswith("{"):
                errors: list[dict[str, Any]] = json.loads(text).get("errors", [])
                return errors
    raise AssertionError((value, "no answer"))
