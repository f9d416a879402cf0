"""A node that stands still while a deploy's row is its own: the server takes the row from it, and others go on."""

import asyncio
from contextlib import suppress

import httpx
import pytest

from tests.conformance.conftest import Nodes
from tests.conformance.stores import on_newest_postgresql, waits
from tests.support.consistency import assert_consistent
from tests.support.postgres import Postgres
from tests.support.raw import Raw
from tests.support.waiting import SOON, until

# What sessions of a database wait for their client in the middle of a transaction that is about to write to the log.
# One that has been told to prepare a statement, and not yet to execute it, does not call itself idle.
_HOLDING = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = $1 AND wait_event = 'ClientRead' AND query LIKE '%INSERT INTO audit_entries%'
"""


@on_newest_postgresql
@pytest.mark.parametrize("statement", ["executed", "prepared"])
async def test_a_node_that_freezes_with_a_deploy_in_its_hands_loses_it_to_the_others(
    nodes: Nodes, raw: Raw, postgres: Postgres, statement: str
) -> None:
    one, other = nodes.callers
    # Who has written before has the statement prepared, and only executes it.
    deploy = (await (one if statement == "executed" else other).start())["id"]

    async def holds() -> bool:
        return bool(await postgres.fetch(_HOLDING, str(nodes.database).rsplit("/", 1)[-1]))

    async def has_let_go() -> bool:
        return not await holds()

    await raw.begin()
    await raw.execute("LOCK TABLE audit_entries IN SHARE MODE")
    frozen = asyncio.create_task(one.report(deploy, "building"))
    await waits(postgres, nodes.database, "INSERT INTO audit_entries")
    nodes.one.freeze()
    try:
        await raw.roll_back()
        await until(holds)
        refused = 0
        async with asyncio.timeout(SOON):
            while (answer := await other.report(deploy, "building")).status != 200:
                assert (answer.status, answer.error) == (503, {"code": "UNAVAILABLE", "retryAfterSeconds": 2})
                refused += 1
        assert refused, "the row was free at once"
        assert not answer.data["applyCallback"]["duplicate"], "what the frozen node has begun was not committed"
        await until(has_let_go)  # a session that is ended gives up its locks before it leaves the list of sessions
    finally:
        nodes.one.thaw()
    with suppress(httpx.TransportError):
        assert (await frozen).status in (200, 503)
    for caller in nodes.callers:
        assert (await caller.report(deploy, "building")).data["applyCallback"]["duplicate"]
    await one.walk(deploy, "deploying")
    await assert_consistent(nodes.database, *(server.url for server in nodes.servers), only=[deploy])
    assert [entry["toStatus"] for entry in await other.entries(deploy)] == ["queued", "building", "deploying"]
