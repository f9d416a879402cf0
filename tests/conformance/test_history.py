"""Reading the history: pages of deploys and audit entries, newest first, and what they can be filtered by."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import history
from phaseline.databases import clock
from phaseline_schema.records import EntryRecord
from tests.conformance.conftest import on_one_of_each
from tests.conformance.stores import Store, on_sqlite
from tests.support.application import in_this_process
from tests.support.caller import Answer, Caller
from tests.support.raw import connected
from tests.support.server import serving

PAGE_INFO = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
DEPLOYS = (
    "query ($filter: DeployFilter, $first: Int, $after: String) { deploys(filter: $filter, first: $first, "
    "after: $after) { edges { cursor node { id environment status { outcome } startedAt } } " + PAGE_INFO + " } }"
)
ENTRIES = (
    "query ($filter: AuditFilter, $first: Int, $after: String) { auditEntries(filter: $filter, first: $first, "
    "after: $after) { edges { cursor node { id sequence kind actor toStatus recordedAt deploy { id environment } } } "
    + PAGE_INFO
    + " } }"
)
LOG_OF = (
    "query ($id: ID!, $first: Int, $after: String) { deploy(id: $id) { auditEntries(first: $first, after: $after) "
    "{ edges { cursor node { id sequence } } " + PAGE_INFO + " } } }"
)
OF_ALL = ((DEPLOYS, "deploys"), (ENTRIES, "auditEntries"))
both_lists = pytest.mark.parametrize(("query", "name"), OF_ALL, ids=["deploys", "auditEntries"])

ENVIRONMENTS = ("production", "staging", "preview")
WALKS: tuple[tuple[str, ...], ...] = (
    (),
    ("building", "deploying", "succeeded"),
    ("smoke_running", "failed"),
    ("cancelled",),
    ("deploying",),  # refused
)


@pytest.fixture(scope="module")
async def reader(store: Store) -> AsyncIterator[Caller]:
    """A caller of a server whose log holds each walk in each environment, twice: 30 deploys, 72 entries."""
    async with serving(await store.empty()) as server, Caller(server.url) as caller:
        for _ in range(2):
            for environment in ENVIRONMENTS:
                for walk in WALKS:
                    deploy = await caller.start(environment)
                    for status in walk:
                        await caller.report(deploy["id"], status)
        yield caller


@pytest.fixture(scope="module")
async def every_deploy(reader: Caller) -> list[dict[str, Any]]:
    """All of its deploys, oldest first."""
    return (await _nodes(reader, DEPLOYS))[::-1]


@pytest.fixture(scope="module")
async def every_entry(reader: Caller) -> list[dict[str, Any]]:
    """All of its audit entries, oldest first."""
    return (await _nodes(reader, ENTRIES))[::-1]


async def _nodes(reader: Caller, query: str, **variables: Any) -> list[dict[str, Any]]:
    (connection,) = (await reader.send(query, **{"first": 200, **variables})).data.values()
    assert not connection["pageInfo"]["hasNextPage"]
    return [edge["node"] for edge in connection["edges"]]


@on_one_of_each
async def test_deploys_come_newest_first(reader: Caller) -> None:
    nodes = await _nodes(reader, DEPLOYS)
    times = [node["startedAt"] for node in nodes]
    assert len(nodes) == 30
    assert times == sorted(times, reverse=True)


@on_one_of_each
async def test_audit_entries_come_newest_first(reader: Caller) -> None:
    nodes = await _nodes(reader, ENTRIES)
    ids = [int(node["id"]) for node in nodes]
    times = [node["recordedAt"] for node in nodes]
    assert len(nodes) == 72
    assert ids == sorted(ids, reverse=True)
    assert times == sorted(times, reverse=True)


@on_one_of_each
@pytest.mark.parametrize("environment", [None, "staging"])
@pytest.mark.parametrize("outcome", [None, "IN_PROGRESS", "SUCCEEDED", "FAILED", "CANCELLED"])
@pytest.mark.parametrize("between", [(None, None), (5, None), (None, 20), (5, 20), (20, 5)])
async def test_deploys_can_be_filtered(
    reader: Caller,
    every_deploy: list[dict[str, Any]],
    environment: str | None,
    outcome: str | None,
    between: tuple[int | None, int | None],
) -> None:
    """By everything alone and together. Numbers stand for the times of the deploys with these places."""
    after, before = (None if place is None else every_deploy[place]["startedAt"] for place in between)
    expected = [
        node
        for node in every_deploy
        if environment in (None, node["environment"])
        and outcome in (None, node["status"]["outcome"])
        and (after is None or node["startedAt"] > after)
        and (before is None or node["startedAt"] < before)
    ]
    wanted = {"environment": environment, "outcome": outcome, "startedAfter": after, "startedBefore": before}
    given = {name: value for name, value in wanted.items() if value is not None}
    assert await _nodes(reader, DEPLOYS, filter=given) == expected[::-1]


@on_sqlite
async def test_a_filter_that_is_null_filters_nothing(reader: Caller, every_deploy: list[dict[str, Any]]) -> None:
    every = dict.fromkeys(("environment", "outcome", "startedAfter", "startedBefore"))
    for wanted in (None, every):
        assert await _nodes(reader, DEPLOYS, filter=wanted) == every_deploy[::-1]
    staging = [deploy for deploy in every_deploy if deploy["environment"] == "staging"]
    assert await _nodes(reader, DEPLOYS, filter=every | {"environment": "staging"}) == staging[::-1]


@on_one_of_each
@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"deployId": 7},
        {"environment": "staging"},
        {"kind": "DEPLOY_STARTED"},
        {"kind": "TRANSITION"},
        {"kind": "CALLBACK_REFUSED"},
        {"actor": "token:operator"},
        {"actor": "token:workflow"},
        {"actor": "somebody"},
        {"toStatus": "deploying"},
        {"toStatus": "paused"},
        {"recordedAfter": 30},
        {"recordedBefore": 30},
        {"recordedAfter": 10, "recordedBefore": 50},
        {"recordedAfter": 50, "recordedBefore": 10},
        {"toStatus": "deploying", "kind": "CALLBACK_REFUSED"},
        {"toStatus": "deploying", "kind": "TRANSITION", "environment": "preview"},
        {"deployId": 1, "kind": "TRANSITION", "actor": "token:workflow", "recordedAfter": 3},
        {"deployId": 1, "environment": "staging"},
    ],
    ids=str,
)
async def test_audit_entries_can_be_filtered(
    reader: Caller,
    every_deploy: list[dict[str, Any]],
    every_entry: list[dict[str, Any]],
    wanted: dict[str, Any],
) -> None:
    """Numbers stand for the deploy, or for the time of the entry, with this place."""
    wanted = dict(wanted)
    for name in wanted.keys() & {"recordedAfter", "recordedBefore"}:
        wanted[name] = every_entry[wanted[name]]["recordedAt"]
    if "deployId" in wanted:
        wanted["deployId"] = every_deploy[wanted["deployId"]]["id"]
    expected = [
        node
        for node in every_entry
        if wanted.get("deployId") in (None, node["deploy"]["id"])
        and wanted.get("environment") in (None, node["deploy"]["environment"])
        and all(wanted.get(name) in (None, node[name]) for name in ("kind", "actor", "toStatus"))
        and wanted.get("recordedAfter", "") < node["recordedAt"] < wanted.get("recordedBefore", "9")
    ]
    assert await _nodes(reader, ENTRIES, filter=wanted) == expected[::-1]


@on_one_of_each
async def test_a_time_in_another_offset_is_the_same_time(reader: Caller) -> None:
    every = await _nodes(reader, DEPLOYS)
    elsewhere = datetime.fromisoformat(every[10]["startedAt"]).astimezone(timezone(timedelta(hours=5)))
    assert elsewhere.isoformat().endswith("+05:00")
    assert await _nodes(reader, DEPLOYS, filter={"startedAfter": elsewhere.isoformat()}) == every[:10]


@on_one_of_each
@both_lists
@pytest.mark.parametrize("size", [3, 36])
async def test_pages_walk_every_row_once_and_say_where_they_stand(
    reader: Caller, query: str, name: str, size: int
) -> None:
    every = await _nodes(reader, query)
    seen: list[dict[str, Any]] = []
    after = None
    while True:
        page = (await reader.send(query, first=size, after=after)).data[name]
        edges, info = page["edges"], page["pageInfo"]
        assert info["hasPreviousPage"] == (after is not None)
        assert (info["startCursor"], info["endCursor"]) == (edges[0]["cursor"], edges[-1]["cursor"])
        seen += [edge["node"] for edge in edges]
        assert info["hasNextPage"] == (len(seen) < len(every))
        if not info["hasNextPage"]:
            break
        assert len(edges) == size
        after = info["endCursor"]
    assert seen == every


@on_one_of_each
@both_lists
async def test_after_the_last_row_comes_an_empty_page(reader: Caller, query: str, name: str) -> None:
    last = (await reader.send(query, first=200)).data[name]["pageInfo"]["endCursor"]
    page = (await reader.send(query, after=last)).data[name]
    assert page["edges"] == []
    assert page["pageInfo"] == {
        "hasNextPage": False,
        "hasPreviousPage": True,
        "startCursor": None,
        "endCursor": None,
    }


@on_one_of_each
@both_lists
async def test_what_is_recorded_meanwhile_shifts_no_page(database: Path | str, query: str, name: str) -> None:
    async with in_this_process(database) as caller:
        for _ in range(6):
            await caller.start()
        every = await _nodes(caller, query)
        seen: list[str] = []
        after = None
        for _ in range(3):
            page = (await caller.send(query, first=2, after=after)).data[name]
            seen += [edge["node"]["id"] for edge in page["edges"]]
            after = page["pageInfo"]["endCursor"]
            await caller.start()
        assert seen == [node["id"] for node in every]


def _stopped(_answer: datetime | None) -> datetime:
    """A clock for which it is always the same moment."""
    return datetime(2026, 11, 23, 9, 30, 0, 123457, tzinfo=UTC)


@on_one_of_each
@pytest.mark.parametrize("indexed", [True, False], ids=["with indexes", "without"])
async def test_deploys_of_one_moment_are_walked_once_each(
    database: Path | str, monkeypatch: pytest.MonkeyPatch, indexed: bool
) -> None:
    monkeypatch.setattr(clock, "told", _stopped)
    async with in_this_process(database) as caller:
        if not indexed:  # the order is not to hang on them
            async with connected(database) as raw:
                await raw.execute("DROP INDEX ix_deploys_started_at_id")
                await raw.execute("DROP INDEX ix_deploys_environment_started_at_id")
        started = [await caller.start() for _ in range(10)]
        assert {deploy["startedAt"] for deploy in started} == {"2026-11-23T09:30:00.123457Z"}
        seen: list[str] = []
        after = None
        for _ in range(4):
            page = (await caller.send(DEPLOYS, first=3, after=after)).data["deploys"]
            seen += [edge["node"]["id"] for edge in page["edges"]]
            after = page["pageInfo"]["endCursor"]
        assert not page["pageInfo"]["hasNextPage"]
        assert seen == sorted((deploy["id"] for deploy in started), reverse=True)
        for border, found in (("startedAfter", (10, 0, 0)), ("startedBefore", (0, 0, 10))):
            for microsecond, count in zip((123456, 123457, 123458), found, strict=True):
                wanted = {border: f"2026-11-23T09:30:00.{microsecond}Z"}
                assert len(await _nodes(caller, DEPLOYS, filter=wanted)) == count


@on_one_of_each
async def test_an_answer_tells_of_one_moment_though_the_deploy_moves_on_meanwhile(
    database: Path | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folded_of, loop = history.folded_of, asyncio.get_running_loop()
    async with in_this_process(database) as caller:
        deploy = await caller.start()
        await caller.walk(deploy["id"], "smoke_running")

        async def overtaken(connection: AsyncConnection, ids: list[str]) -> dict[str, list[EntryRecord]]:
            monkeypatch.undo()
            walk = caller.walk(deploy["id"], "building", "deploying", "succeeded")
            if connection.dialect.name == "sqlite":  # it is read in a thread, which waits for nothing but the file
                asyncio.run_coroutine_threadsafe(walk, loop).result()
            else:
                await walk
            return await folded_of(connection, ids)

        before = await caller.deploy(deploy["id"])
        monkeypatch.setattr(history, "folded_of", overtaken)
        assert await caller.deploy(deploy["id"]) == before
        assert (await caller.deploy(deploy["id"]))["sequence"] == 5


@on_one_of_each
async def test_the_log_of_a_deploy_comes_oldest_first_and_in_pages(reader: Caller) -> None:
    deploys = await _nodes(reader, DEPLOYS, filter={"outcome": "SUCCEEDED"})
    sequences: list[int] = []
    after = None
    for more in (True, False):
        page = (await reader.send(LOG_OF, id=deploys[0]["id"], first=2, after=after)).data["deploy"]["auditEntries"]
        sequences += [edge["node"]["sequence"] for edge in page["edges"]]
        assert page["pageInfo"]["hasNextPage"] == more
        after = page["pageInfo"]["endCursor"]
    assert sequences == [1, 2, 3, 4]


@on_sqlite
@both_lists
@pytest.mark.parametrize("first", [0, -1, 201, 2**31 - 1])
async def test_a_page_has_1_to_200_rows(reader: Caller, query: str, name: str, first: int) -> None:
    answer = await reader.send(query, first=first)
    assert (answer.status, answer.code, answer.error["field"]) == (400, "BAD_USER_INPUT", "first")


@on_sqlite
@pytest.mark.parametrize(("query", "name", "size"), [(DEPLOYS, "deploys", 20), (ENTRIES, "auditEntries", 50)])
async def test_without_first_or_with_null_a_page_has_its_usual_size(
    reader: Caller, query: str, name: str, size: int
) -> None:
    for variables in ({}, {"first": None}):
        assert len((await reader.send(query, **variables)).data[name]["edges"]) == size


@on_sqlite
async def test_the_cursor_of_one_list_is_refused_by_another(reader: Caller) -> None:
    of_deploys, of_entries = [
        (await reader.send(query, first=1)).data[name]["pageInfo"]["endCursor"] for query, name in OF_ALL
    ]
    for answer in (
        await reader.send(DEPLOYS, after=of_entries),
        await reader.send(ENTRIES, after=of_deploys),
    ):
        _is_refused(answer)


@on_sqlite
@both_lists
@pytest.mark.parametrize("after", ["", " ", "x", "bnVsbA", "W10", "e30", "WzEuNV0", "WyIiLCIiXQ", "é", "A" * 600])
async def test_a_cursor_that_was_never_given_out_is_refused(reader: Caller, query: str, name: str, after: str) -> None:
    _is_refused(await reader.send(query, after=after))


def _is_refused(answer: Answer) -> None:
    assert (answer.status, answer.code, answer.error["field"]) == (400, "BAD_USER_INPUT", "after")


@on_sqlite
@pytest.mark.parametrize(
    "query",
    [
        "query ($first: Int) { deploys(first: $first) { edges { node { phases { state } } } } }",
        "query ($first: Int) { auditEntries(first: $first) { edges { node { deploy { phases { state } } } } } }",
    ],
)
async def test_a_long_page_with_phases_takes_as_many_statements_as_a_short_one(
    database: Path | str, query: str
) -> None:
    statements: list[str] = []

    def executed(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    async with in_this_process(database) as caller:
        for _ in range(100):
            await caller.start()
        counts = []
        event.listen(Engine, "before_cursor_execute", executed)
        try:
            for first in (1, 100):
                statements.clear()
                (connection,) = (await caller.send(query, first=first)).data.values()
                assert len(connection["edges"]) == first
                counts.append(sum(statement.startswith("SELECT") for statement in statements))
        finally:
            event.remove(Engine, "before_cursor_execute", executed)
    assert 1 < counts[0] == counts[1] <= 5  # the first of them asks who is calling
