"""What an operation reads takes few transactions and few statements, however much the log holds and it asks for."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from phaseline import audit
from phaseline.feed import Feed
from phaseline.graph import GraphCache
from phaseline.store import Store
from phaseline.tails import Tails
from tests.conformance.conftest import on_one_of_each
from tests.support.application import in_this_process
from tests.support.caller import Caller
from tests.support.database import address

DEPLOYS = 20
LOG = "auditEntries(first: 3) { edges { cursor node { sequence deploy { id } } } pageInfo { hasNextPage endCursor } }"
ALL = "id pipeline { name } status { key } phases { state }"
OPERATIONS = {
    "logs of deploys": "query ($n: Int) { deploys(first: $n) { edges { node { %s } } } }" % LOG,  # noqa: UP031
    "all of deploys": "query ($n: Int) { deploys(first: $n) { edges { node { %s %s } } } }" % (ALL, LOG),  # noqa: UP031
    "logs of deploys by several names": "query ($n: Int) { deploys(first: $n) { edges { node {"
    + " ".join(f"a{number}: auditEntries(first: {number}) {{ edges {{ cursor }} }}" for number in range(1, 9))
    + "} } } }",
    "deploys of entries": "query ($n: Int) { auditEntries(first: $n) { edges { node { deploy { %s %s } } } } }"  # noqa: UP031
    % (ALL, LOG),
    "the same by many names": "query ($n: Int) { deploys(first: $n) { edges { cursor } }"
    + " ".join(f'd{number}: deploy(id: "x{number}") {{ id }} p{number}: pipeline {{ name }}' for number in range(14))
    + "}",
}


REPORT = """mutation ($id: ID!, $status: String!) {
    applyCallback(input: {deployId: $id, status: $status}) { duplicate entry { sequence } deploy { status { key } } }
}"""


@contextmanager
def counted(*verbs: str) -> Iterator[list[str]]:
    """What is sent to databases in this process while the block runs: BEGIN, and statements of these verbs."""
    sent: list[str] = []

    def begun(_connection: Any) -> None:
        sent.append("BEGIN")

    def executed(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith(verbs):
            sent.append(statement)

    event.listen(Engine, "begin", begun)
    event.listen(Engine, "before_cursor_execute", executed)
    try:
        yield sent
    finally:
        event.remove(Engine, "begin", begun)
        event.remove(Engine, "before_cursor_execute", executed)


@on_one_of_each
async def test_the_number_of_reads_does_not_grow_with_the_answer(database: Path | str) -> None:
    async with in_this_process(database) as caller:
        for _ in range(DEPLOYS):
            await caller.walk((await caller.start())["id"], "building", "deploying")
        for name, operation in OPERATIONS.items():
            numbers = []
            for size in (2, DEPLOYS):
                with counted("SELECT") as sent:
                    (connection, *_) = (await caller.send(operation, n=size)).data.values()
                assert len(connection["edges"]) == size
                numbers.append((sent.count("BEGIN"), len(sent)))
            # The first transaction asks who is calling; a page, deploys of its entries, what is inside each.
            assert numbers[0] == numbers[1] <= (4, 16), name


@on_one_of_each
async def test_deploys_that_are_followed_all_at_once_are_read_together(database: Path | str) -> None:
    async with in_this_process(database) as caller, AsyncExitStack() as held:
        ids = [(await caller.start())["id"] for _ in range(DEPLOYS)]
        for deploy in ids[::2]:
            await caller.walk(deploy, "building", "deploying")
        store = Store(address(database))
        tails = Tails(store, Feed(), GraphCache())
        with counted("SELECT") as sent:
            found = await asyncio.gather(*(held.enter_async_context(tails.begun(deploy)) for deploy in ids))
        assert [tail.sequence for tail in found] == [3, 1] * (DEPLOYS // 2)
        # The first may be read alone; the revision, the graph once, deploys, moves and newest entries.
        assert sent.count("BEGIN") <= 2, sent
        assert len(sent) <= 16, sent
        await held.aclose()
        await store.close()


@on_one_of_each
async def test_a_callback_takes_two_reads_and_two_writes(database: Path | str) -> None:
    """The deploy's row with the revision, what the entry is made of, the entry and the row moved on; a repeat no more
    than the reads. PostgreSQL is sent both writes at once."""
    writes = ["INSERT", "UPDATE"] if isinstance(database, Path) else ["WITH"]
    async with in_this_process(database) as caller:
        deploy = (await caller.start())["id"]
        await caller.walk(deploy, "smoke_running")  # the graph is read, and the token's use is written down
        for status, verbs in (("building", ["SELECT", "SELECT", *writes]), ("building", ["SELECT"] * 2)):
            with counted("SELECT", "INSERT", "UPDATE", "DELETE", "WITH") as sent:
                assert (await caller.send(REPORT, id=deploy, status=status)).status == 200
            mine = [statement.split()[0] for statement in sent if "tokens" not in statement]
            # One transaction asks who calls.
            assert [verb for verb in mine if verb != "BEGIN"] == verbs
            assert mine.count("BEGIN") == 2


@on_one_of_each
async def test_parts_of_several_logs_are_those_that_were_asked_for(database: Path | str) -> None:
    """By several names, from other places and of other lengths; an error belongs to the one name that has it."""
    async with in_this_process(database) as caller:
        short, long = [(await caller.start())["id"] for _ in range(2)]
        await caller.walk(long, "smoke_running", "smoke_passed", "freeze_checking", "freeze_passed", "building")
        cursor = (await _logs(caller, "first: 2"))[long]["pageInfo"]["endCursor"]
        both = {short: ([1], False), long: ([1, 2, 3], True)}
        assert _told(await _logs(caller, "first: 3")) == both
        assert _told(await _logs(caller, f'first: 3, after: "{cursor}"')) == {
            short: ([], False),
            long: ([3, 4, 5], True),
        }
        assert _told(await _logs(caller, f'first: 4, after: "{cursor}"')) == {
            short: ([], False),
            long: ([3, 4, 5, 6], False),
        }
        document = '{ a: deploy(id: "%s") { %s } b: deploy(id: "%s") { auditEntries(first: 0) { edges { cursor } } } }'
        answer = await caller.send(document % (long, LOG, long))
        assert [error["path"][0] for error in answer.body["errors"]] == ["b"]
        assert answer.code == "BAD_USER_INPUT"
        assert len(answer.body["data"]["a"]["auditEntries"]["edges"]) == 3


async def _logs(caller: Caller, arguments: str) -> dict[str, Any]:
    document = "{ deploys { edges { node { id %s } } } }" % LOG.replace("first: 3", arguments)  # noqa: UP031
    edges = (await caller.send(document)).data["deploys"]["edges"]
    return {edge["node"]["id"]: edge["node"]["auditEntries"] for edge in edges}


def _told(logs: dict[str, Any]) -> dict[str, tuple[list[int], bool]]:
    return {
        deploy: ([edge["node"]["sequence"] for edge in log["edges"]], log["pageInfo"]["hasNextPage"])
        for deploy, log in logs.items()
    }


@on_one_of_each
async def test_a_log_that_is_too_long_to_verify_at_once_is_refused(
    database: Path | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    verification = "query ($id: ID!) { auditVerification(deployId: $id) { entries valid } }"
    monkeypatch.setattr(audit, "MOST_ENTRIES", 3)
    async with in_this_process(database) as caller:
        deploy = (await caller.start())["id"]
        await caller.walk(deploy, "building", "deploying")
        assert (await caller.send(verification, id=deploy)).data["auditVerification"] == {"entries": 3, "valid": True}
        await caller.walk(deploy, "failed")
        answer = await caller.send(verification, id=deploy)
        assert (answer.status, answer.code, answer.error["most"]) == (400, "OPERATION_TOO_LARGE", 3)
