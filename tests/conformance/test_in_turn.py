"""Reads of operations take turns, and have a time; callbacks wait for none of them, and are never given up."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import history
from tests.conformance.conftest import on_one_of_each
from tests.support.application import in_this_process
from tests.support.caller import Answer
from tests.support.waiting import until

PAGE = "{ deploys { edges { cursor } } }"
START = 'mutation { startDeploy(input: {environment: "e", ref: "r"}) { %s } }'
REPORT = 'mutation ($id: ID!) { applyCallback(input: {deployId: $id, status: "building"}) { duplicate } }'
NO_TIME = 0.000001


class Stuck:
    """Pages of deploys that take until they are let go; `begun`: how many were begun."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun = 0
        self.let_go = threading.Event()  # a read of a file keeps a thread, and no loop
        self._page = history.deploys_page
        monkeypatch.setattr(history, "deploys_page", self._read)

    async def _read(self, connection: AsyncConnection, *arguments: Any) -> Any:
        self.begun += 1
        if connection.dialect.name == "sqlite":
            self.let_go.wait()
        else:
            await asyncio.to_thread(self.let_go.wait)
        return await self._page(connection, *arguments)


@on_one_of_each
async def test_however_many_read_callbacks_and_identities_find_connections(
    database: Path | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = Stuck(monkeypatch)
    async with in_this_process(database) as caller:
        deploy = (await caller.start())["id"]
        reads = [asyncio.create_task(caller.send(PAGE)) for _ in range(30)]
        await until(lambda: stuck.begun == 7)
        assert (await caller.send(REPORT, id=deploy)).data["applyCallback"] == {"duplicate": False}
        assert stuck.begun == 7
        stuck.let_go.set()
        assert {(await read).status for read in reads} == {200}


@on_one_of_each
async def test_a_read_that_waits_for_its_turn_for_too_long_is_never_begun(
    database: Path | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = Stuck(monkeypatch)
    async with in_this_process(database, operation_seconds=1) as caller:
        for answer in await asyncio.gather(*(caller.send(PAGE) for _ in range(30))):
            _is_late(answer)
        assert stuck.begun == 7
        stuck.let_go.set()
        assert (await caller.send(PAGE)).status == 200
        assert stuck.begun == 8


@on_one_of_each
async def test_what_was_written_is_answered_however_little_time_there_is_to_read(database: Path | str) -> None:
    async with in_this_process(database, operation_seconds=NO_TIME) as caller:
        _is_late(await caller.send(PAGE))
        deploy = (await caller.send(START % "id")).data["startDeploy"]["id"]
        assert (await caller.send(REPORT, id=deploy)).data["applyCallback"] == {"duplicate": False}
        _is_late(await caller.send(START % "auditEntries { edges { cursor } }"))
        assert (await caller.send(REPORT, id=deploy)).data["applyCallback"] == {"duplicate": True}
    async with in_this_process(database) as caller:
        assert len((await caller.send(PAGE)).data["deploys"]["edges"]) == 2


def _is_late(answer: Answer) -> None:
    assert (answer.status, answer.code) == (503, "TIMEOUT"), answer
    assert "could not be read within" in answer.body["errors"][0]["message"]
    assert answer.error["retryAfterSeconds"] > 0
