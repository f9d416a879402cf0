"""A node is killed while many report to it: what it has acknowledged is in the log, and nothing is there by half."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from tests.conformance.conftest import on_one_of_each
from tests.support import logs
from tests.support.caller import Caller
from tests.support.consistency import assert_consistent
from tests.support.holds import assert_one_at_a_time, environments
from tests.support.server import Server, start, start_again

# So many wait at the same time, so that on SQLite they share commits.
CALLERS = 32
# How many callbacks are acknowledged before the node is killed, at least.
ENOUGH = 200

_WALK = ("smoke_running", "building", "deploying", "failed")


def _reports() -> Iterator[tuple[str, int]]:
    """Status and attempt of one callback after the other, without end."""
    return ((status, attempt) for attempt in count(1) for status in _WALK)


@asynccontextmanager
async def _killed_amid_callbacks(database: Path | str) -> AsyncIterator[tuple[Server, dict[str, list[dict[str, Any]]]]]:
    """A server on the database, after another one was killed; and the entries that the other has acknowledged, by
    deploy."""
    killed = await start(database)
    async with Caller(killed.url) as caller:
        told: dict[str, list[dict[str, Any]]] = {(await caller.start())["id"]: [] for _ in range(CALLERS)}
        enough = asyncio.Event()

        async def report(deploy: str) -> None:
            for status, attempt in _reports():
                try:
                    answer = await caller.report(deploy, status, attempt)
                except httpx.TransportError:
                    return
                told[deploy].append(answer.data["applyCallback"]["entry"])
                if sum(map(len, told.values())) >= ENOUGH:
                    enough.set()

        reporting = asyncio.gather(*map(report, told))
        await enough.wait()
        await killed.kill()
        await reporting
    server = await start_again(database)
    try:
        yield server, told
    finally:
        await server.stop()


@on_one_of_each
async def test_what_a_killed_node_has_acknowledged_is_in_the_log_and_nothing_is_there_by_half(
    database: Path | str,
) -> None:
    async with _killed_amid_callbacks(database) as (server, told), Caller(server.url) as caller:
        kept = await logs.read(database)
        for deploy, entries in told.items():
            digests = [entry["digest"] for entry in kept[deploy].entries[1:]]
            assert digests[: len(entries)] == [entry["digest"] for entry in entries]
            # Of one more nobody was told what became of it. It is there or not, and to send it again tells which.
            assert len(digests) - len(entries) in (0, 1)
            reports = _reports()
            *_, (status, attempt) = (next(reports) for _ in range(len(entries) + 1))
            again = (await caller.report(deploy, status, attempt)).data["applyCallback"]
            assert again["duplicate"] == (len(digests) > len(entries))
        await assert_consistent(database, only=list(told))


@on_one_of_each
async def test_no_environment_is_left_with_a_deploy_that_has_ended_nor_free_while_others_wait(
    database: Path | str, tmp_path: Path
) -> None:
    """Deploys start and end in every moment in which the node may be killed."""
    names = [f"environment-{number}" for number in range(8)]
    file = tmp_path / "environments.toml"
    file.write_text(environments("wait", *names))
    killed = await start(database, environments_file=str(file))
    async with Caller(killed.url) as caller:
        ended, enough = count(), asyncio.Event()

        async def start_and_end(environment: str) -> None:
            while True:
                try:
                    deploy = await caller.start(environment)
                    await caller.walk(deploy["id"], "failed")
                except httpx.TransportError:
                    return
                if next(ended) >= ENOUGH // 4:
                    enough.set()

        going = asyncio.gather(*(start_and_end(name) for name in names * 4))
        await enough.wait()
        await killed.kill()
        await going
    await assert_one_at_a_time(database, *names)
    await assert_consistent(database)
    server = await start_again(database, environments_file=str(file))
    async with Caller(server.url) as caller:
        for name in names:
            while (found := await assert_one_at_a_time(database, *names)).holds.get(name):
                await caller.walk(found.holds[name], "failed")
            assert not (await caller.start(name))["finishedAt"]
    await assert_one_at_a_time(database, *names)
    await server.stop()
