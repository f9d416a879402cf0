"""When the server itself is at fault: the caller is told that, and nothing of how."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.support.caller import Caller
from tests.support.server import Server, serving
from tests.support.viewer import PHASE_CHANGED, viewing
from tests.support.witness import faults

# What every error says that comes of a database which is away.
AWAY = {"code": "UNAVAILABLE", "retryAfterSeconds": 2}


def _damage(database: Path, *statements: str) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


async def test_an_unexpected_error_is_logged_and_its_text_kept_inside(
    own_server: Server, own_caller: Caller, database: Path
) -> None:
    deploy = await own_caller.start()
    triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    with closing(sqlite3.connect(database)) as connection:
        names = [name for (name,) in connection.execute(triggers)]
    broken = f"UPDATE deploys SET status = 'nonsense' WHERE id = '{deploy['id']}'"
    _damage(database, *(f"DROP TRIGGER {name}" for name in names), broken)
    query = "query ($id: ID!) { deploy(id: $id) { status { key } } }"
    answer = await own_caller.send(query, id=deploy["id"])
    assert (answer.status, answer.code) == (500, "INTERNAL_SERVER_ERROR")
    assert "nonsense" not in str(answer.body)
    async with viewing(own_server.url) as viewer:
        await viewer.subscribe(query, id=deploy["id"])
        message = await viewer.receive()
        assert message["payload"]["errors"][0]["extensions"] == {"code": "INTERNAL_SERVER_ERROR"}
        assert "nonsense" not in str(message)
        assert (await viewer.receive())["type"] == "complete"
        _damage(database, "UPDATE audit_entries SET to_status = 'nonsense'")
        await viewer.subscribe(PHASE_CHANGED, "2", id=deploy["id"])
        message = await viewer.receive()
        assert message["payload"]["errors"][0]["extensions"] == {"code": "INTERNAL_SERVER_ERROR"}
        assert await viewer.receive() == {"id": "2", "type": "complete"}
    logged = [line for line in faults(own_server) if line["event"] == "unexpected error"]
    assert len(logged) == 3
    assert all("KeyError: 'nonsense'" in line["exception"] for line in logged)


async def test_a_database_that_does_not_answer_is_503_and_callers_may_try_again(
    own_server: Server, own_caller: Caller, database: Path
) -> None:
    deploy = await own_caller.start()
    _damage(database, "ALTER TABLE deploys RENAME TO mislaid")
    for answer in (
        await own_caller.send("query ($id: ID!) { deploy(id: $id) { id } }", id=deploy["id"]),
        await own_caller.report(deploy["id"], "building"),
    ):
        assert (answer.status, answer.error) == (503, AWAY)
        assert "mislaid" not in str(answer.body)
        assert "deploys" not in answer.body["errors"][0]["message"]
    async with viewing(own_server.url) as viewer:
        await viewer.subscribe(PHASE_CHANGED, id=deploy["id"])
        message = await viewer.receive()
        assert message["payload"]["errors"][0]["extensions"] == AWAY
    _damage(database, "ALTER TABLE mislaid RENAME TO deploys")
    await own_caller.walk(deploy["id"], "building")


async def test_viewers_are_told_the_same_over_either_protocol_when_the_database_goes_away(database: Path) -> None:
    async with (
        serving(database, poll_seconds="0.2") as server,
        Caller(server.url) as caller,
        viewing(server.url) as viewer,
    ):
        deploy = await caller.start()
        await viewer.subscribe(PHASE_CHANGED, id=deploy["id"])
        await viewer.event()
        request = {"query": PHASE_CHANGED, "variables": {"id": deploy["id"]}}
        sse = {"accept": "text/event-stream"}
        async with caller.http.stream("POST", "/graphql", json=request, headers=sse) as response:
            lines = response.aiter_lines()
            assert await anext(lines) == "event: next"
            # What every look for news needs, whether or not there are any.
            _damage(database, "ALTER TABLE deploys RENAME TO mislaid")
            told = [json.loads(line.removeprefix("data: ")) async for line in lines if line.startswith("data: {")]
        assert [error["extensions"] for error in told[-1]["errors"]] == [AWAY]
        message = await viewer.receive()
        assert [error["extensions"] for error in message["payload"]["errors"]] == [AWAY]


async def test_every_503_says_when_to_come_again(own_caller: Caller, database: Path) -> None:
    _damage(database, "ALTER TABLE deploys RENAME TO mislaid", "DROP TABLE alembic_version")
    query = {"query": "query { deploys { edges { node { id } } } }"}
    for answer in (await own_caller.http.post("/graphql", json=query), await own_caller.http.get("/readyz")):
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
