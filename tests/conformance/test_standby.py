"""A node that reaches nothing but a standby, or a primary that was told to take no writes."""

from pathlib import Path

from tests.conformance.stores import on_newest_postgresql
from tests.support.caller import Caller
from tests.support.postgres import Postgres
from tests.support.server import serving


@on_newest_postgresql
async def test_a_database_that_takes_no_writes_makes_a_node_unready_and_callbacks_are_to_come_again(
    database: Path | str, postgres: Postgres
) -> None:
    name = str(database).rsplit("/", 1)[-1]
    async with serving(database) as server, Caller(server.url) as caller:
        deploy = await caller.start()
        for only_reads, ready, recorded in (("on", 503, 503), ("off", 200, 200)):
            await postgres.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = {only_reads}')
            await postgres.terminate("phaseline")  # it is for connections that are made from now on
            assert (await caller.http.get("/readyz")).status_code == ready
            answer = await caller.report(deploy["id"], "building")
            assert answer.status == recorded
            assert answer.code == (None if recorded == 200 else "UNAVAILABLE")
            assert (await caller.deploy(deploy["id"]))["sequence"] == (2 if recorded == 200 else 1)
