"""What is written comes back as it was, whatever the alphabet, and is found by itself and by nothing like it."""

import json
from typing import Any

import pytest

from tests.conformance.conftest import Nodes, on_one_of_each
from tests.conformance.stores import on_newest_postgresql
from tests.support.logins import bearer, token_for

ENTRIES = "query ($filter: AuditFilter) { auditEntries(filter: $filter) { edges { node { deploy { id } } } } }"
REPORT = "mutation ($input: CallbackInput!) { applyCallback(input: $input) { duplicate } }"
DEPLOYS = "query ($filter: DeployFilter) { deploys(filter: $filter) { edges { node { id } } } }"

# Each has a twin that a careless comparison would take for the same.
TWINS = {
    "composed, and from two": ("d\u00e9ploiement", "de\u0301ploiement"),
    "large, and small": ("Production", "production"),
    "large, and small, with accents": ("\u00c9T\u00c9", "\u00e9t\u00e9"),
    "wide, and narrow": ("\uff50\uff52\uff4f\uff44", "prod"),
    "with and without the invisible": ("a\u200bb", "ab"),
    "emoji, joined and not": ("👩\u200d🚀", "👩🚀"),
    "with wildcards": ("pr_d%", "prod%"),
    "with quotes and slashes": ('it\'s \\x61 "b"', 'it\'s a "b"'),
    "as long as it may be": ("👩" * 64, "👩" * 63),
}


@on_one_of_each
@pytest.mark.parametrize("twins", TWINS.values(), ids=TWINS.keys())
async def test_a_text_comes_back_as_it_was_and_is_not_taken_for_its_twin(nodes: Nodes, twins: tuple[str, str]) -> None:
    one, other = nodes.callers
    ids: dict[str, set[str]] = {}
    for text in twins:
        deploy = await one.start(text, text, note=text)
        assert (deploy["environment"], deploy["ref"]) == (text, text)
        told: dict[str, Any] = {"runId": text, "message": text, "runUrl": f"https://example.org/?{len(text)}"}
        await one.report(deploy["id"], "building", **told)
        await one.report(deploy["id"], text)
        ids[text] = {deploy["id"]}
        start, moved, refused = await other.entries(deploy["id"])
        assert (start["message"], refused["toStatus"], refused["refusal"]) == (text, text, "UNKNOWN_STATUS")
        assert {name: moved[name] for name in told} == told
        assert (await other.deploy(deploy["id"]))["environment"] == text
    for text, wanted in ids.items():
        for query, by in ((DEPLOYS, "environment"), (ENTRIES, "environment"), (ENTRIES, "toStatus")):
            (page,) = (await other.send(query, filter={by: text})).data.values()
            found = {edge["node"].get("deploy", edge["node"])["id"] for edge in page["edges"]}
            # Other tests may have used the same words.
            assert found & set().union(*ids.values()) == wanted, (by, text)


async def test_the_longest_values_of_every_column_fit(nodes: Nodes) -> None:
    one, other = nodes.callers
    deploy = await one.start("🚦" * 64, "🌿" * 255, note="📝" * 500)
    told = {"runId": "9" * 64, "message": "💬" * 500, "runUrl": "https://example.org/" + "x" * 2028}
    assert (await one.report(deploy["id"], "building", 2**31 - 1, **told)).status == 200
    await one.report(deploy["id"], "👩" * 64)
    entries = await other.entries(deploy["id"])
    assert entries[0]["message"] == "📝" * 500
    assert {name: entries[1][name] for name in told} == told
    assert entries[1]["attempt"] == 2**31 - 1
    assert entries[2]["toStatus"] == "👩" * 64
    assert (await other.deploy(deploy["id"]))["ref"] == "🌿" * 255


async def test_the_highest_attempt_is_an_attempt_like_others(nodes: Nodes) -> None:
    one, other = nodes.callers
    highest = 2**31 - 1
    deploy = await one.start()
    await one.walk(deploy["id"], "building", "failed")
    await one.walk(deploy["id"], "building", "failed", attempt=highest)
    assert (await other.report(deploy["id"], "building", highest)).data["applyCallback"]["duplicate"]
    assert (await other.report(deploy["id"], "smoke_running", highest)).code == "ILLEGAL_TRANSITION"
    assert (await other.report(deploy["id"], "deploying", 2)).code == "STALE_ATTEMPT"
    for beyond in (2**31, 2**63 - 1, 2**63):
        assert (await other.report(deploy["id"], "building", beyond)).code == "BAD_USER_INPUT"
    assert (await one.deploy(deploy["id"]))["attempt"] == highest


@on_newest_postgresql
@pytest.mark.parametrize("text", ["a\0b", "\0", "half \ud800 a pair", "\udc00\ud800"], ids=ascii)
async def test_what_a_database_cannot_hold_is_refused_before_it_is_asked(nodes: Nodes, text: str) -> None:
    """PostgreSQL has no NUL, and neither has halves of surrogate pairs."""
    one, _ = nodes.callers
    deploy = await one.start()
    for document, variables in (
        (REPORT, {"input": {"deployId": deploy["id"], "status": "building", "attempt": 1, "message": text}}),
        (REPORT, {"input": {"deployId": deploy["id"], "status": text, "attempt": 1}}),
        (DEPLOYS, {"filter": {"environment": text}}),
        (ENTRIES, {"filter": {"actor": text}}),
    ):
        # Halves of a surrogate pair can only be sent as escapes.
        content = json.dumps({"query": document, "variables": variables})
        headers = {"content-type": "application/json"} | bearer(token_for(document))
        answer = (await one.http.post("/graphql", content=content, headers=headers)).json()
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]
    assert await one.deploy(deploy["id"]) == deploy
