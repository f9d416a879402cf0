"""What callers may have a server hold and do for them: variables, subscriptions, and large reads."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.caller import Caller
from tests.support.logins import TOOL
from tests.support.server import Server, serving
from tests.support.viewer import AUDIT_ENTRY_ADDED, codes, viewing
from tests.support.witness import clear_codes, faults, grows_less_than

LARGE = "{ deploys(first: 200) { edges { node { auditEntries(first: 200) { __typename } } } } }"
VERIFICATION = 'auditVerification(deployId: "none") { valid }'
NOTED = """
    subscription ($id: ID!, $after: Int) { auditEntryAdded(deployId: $id, after: $after) {
        sequence deploy { auditEntries { edges { cursor } } }
    } }
"""
# 60,000 objects, of which each takes far more memory than its two characters.
LISTS: list[list[None]] = [[] for _ in range(60_000)]


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server that lets its callers have little."""
    path: Path = tmp_path_factory.mktemp("holding") / "phaseline.db"
    async with serving(path, subscriptions_per_caller="60") as running:
        yield running
    assert not faults(running)


async def test_a_large_read_counts_as_many(database: Path) -> None:
    async with serving(database, reads_per_minute="600") as server, Caller(server.url) as caller:
        answers = [await caller.send(LARGE) for _ in range(16)]  # far fewer than 600, or a sixth of it
    assert answers[0].status == 200
    assert {answer.status for answer in answers} == {200, 429}
    assert answers[-1].code == "RATE_LIMITED"


async def test_an_operation_may_check_two_logs(caller: Caller) -> None:
    fields = [f"a{number}: {VERIFICATION}" for number in range(3)]
    response = await caller.http.post("/graphql", json={"query": "{ %s }" % " ".join(fields)})  # noqa: UP031
    assert clear_codes(response.json()["errors"]) == ["OPERATION_TOO_LARGE"]


async def test_variables_may_not_be_large_and_those_that_nobody_declared_are_not_looked_at(caller: Caller) -> None:
    declared = await caller.send("query ($id: ID!) { deploy(id: $id) { id } }", id="x" * 20_000)
    assert (declared.status, declared.code) == (400, "OPERATION_TOO_LARGE")
    assert (declared.error["limit"], declared.error["most"]) == ("characters in its variables", 20_000)
    assert (await caller.send("{ __typename }", more="x" * 200_000)).status == 200


async def test_what_nobody_declared_is_not_kept_while_a_subscription_goes_on(server: Server, caller: Caller) -> None:
    deploy = (await caller.start())["id"]
    async with viewing(server.url, max_size=None) as viewer:
        await viewer.subscribe(NOTED, "first", id=deploy, more=LISTS)
        assert (await viewer.event("first"))["deploy"]["auditEntries"]["edges"]
        with grows_less_than(server, 100):  # kept, they would be 190
            for number in range(50):
                await viewer.subscribe(AUDIT_ENTRY_ADDED, str(number), id=deploy, more=LISTS)
                await viewer.event(str(number))


async def test_a_long_document_cannot_be_followed(server: Server, caller: Caller) -> None:
    deploy = (await caller.start())["id"]
    async with viewing(server.url) as viewer:
        await viewer.subscribe(AUDIT_ENTRY_ADDED + "#" + "x" * 10_000, id=deploy)
        message = await viewer.receive()
        assert (message["type"], codes(message)) == ("error", ["OPERATION_TOO_LARGE"])


async def test_a_caller_has_so_many_subscriptions_over_all_its_sockets(server: Server, caller: Caller) -> None:
    deploy = (await caller.start())["id"]
    async with viewing(server.url, TOOL) as one, viewing(server.url, TOOL) as other, viewing(server.url) as somebody:
        for number in range(30):
            for viewer in (one, other):
                await viewer.subscribe(AUDIT_ENTRY_ADDED, str(number), id=deploy)
                await viewer.event(str(number))
        await other.subscribe(AUDIT_ENTRY_ADDED, "one more", id=deploy)
        assert codes(await other.receive()) == ["TOO_MANY_SUBSCRIPTIONS"]
        await somebody.subscribe(AUDIT_ENTRY_ADDED, id=deploy)
        await somebody.event()
        await one.send(id="0", type="complete")
        async with asyncio.timeout(30):  # nobody tells when the place is free again
            while True:
                await one.subscribe(AUDIT_ENTRY_ADDED, "again", id=deploy)
                message = await one.receive()
                if "errors" not in message["payload"] and message["type"] == "next":
                    break
                assert codes(message) == ["TOO_MANY_SUBSCRIPTIONS"]
                if message["type"] == "next":
                    assert (await one.receive())["type"] == "complete"
