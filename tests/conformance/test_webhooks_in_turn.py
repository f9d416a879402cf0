"""Webhooks of one deploy are taken in one after the other: those that wait for it leave the database to the others."""

import asyncio
import json
from pathlib import Path

from tests.conformance.stores import on_newest_postgresql, waits
from tests.support.github.stage import SELDOM, staged
from tests.support.github.telling import deliver, headers, of_run, post
from tests.support.postgres import Postgres
from tests.support.raw import connected

pytestmark = on_newest_postgresql

_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock'"


async def test_while_somebody_has_a_deploy_one_webhook_waits_for_its_row_and_others_are_answered(
    database: str, postgres: Postgres, tmp_path: Path
) -> None:
    async with staged(database, tmp_path, SELDOM) as stage:
        (held_id, held), (_, other) = await stage.under_way(), await stage.under_way()

        def ended(run_id: int) -> bytes:
            payload = of_run(str(run_id), "failure")
            payload["repository"]["html_url"] = stage.github.url
            return json.dumps(payload).encode()

        async with connected(database) as raw, asyncio.TaskGroup() as sending:
            await raw.begin()
            await raw.execute("SELECT id FROM deploys WHERE id = :id FOR UPDATE", id=held_id)
            for _ in range(8):
                body = ended(held.id)
                sending.create_task(post(stage.server.url, body, headers(body)))
            await waits(postgres, database, "deploys")
            assert (await deliver(stage.server.url, json.loads(ended(other.id))))["answer"] == "recorded"
            async with postgres.connected() as connection:
                assert await connection.fetchval(_WAITING, database.rsplit("/", 1)[-1]) <= 1
            await raw.roll_back()
