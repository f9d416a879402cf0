"""What one node of all does at a time, here asking GitHub: whose it is, and who has it next."""

from pathlib import Path

from tests.conformance.conftest import on_one_of_each
from tests.support.caller import Caller
from tests.support.github.faults import primary_limit
from tests.support.github.stage import OFTEN, settings, staged
from tests.support.raw import connected
from tests.support.server import Server, serving
from tests.support.waiting import until

pytestmark = on_one_of_each


async def _holders(database: Path | str) -> list[str]:
    """The process ids of those whose duty it is."""
    async with connected(database) as raw:
        return [holder.split()[1] for (holder,) in await raw.execute("SELECT holder FROM duties")]


async def _run_out(database: Path | str) -> None:
    """As if a minute had passed."""
    async with connected(database) as raw:
        await raw.execute("UPDATE duties SET until = '2026-01-01 00:00:00'")


def _pids(*servers: Server) -> list[str]:
    return [str(server.process.pid) for server in servers]


async def _looks(server: Server) -> float:
    """How often it has written, which it does each time it wants the duty."""
    async with Caller(server.url) as caller:
        text = (await caller.http.get("/metrics")).text
    return float(text.partition('phaseline_database_seconds_count{kind="write"} ')[2].split()[0])


async def test_of_two_nodes_one_asks_and_the_other_goes_on_where_it_stops(database: Path | str, tmp_path: Path) -> None:
    async with staged(database, tmp_path, OFTEN) as stage:
        _, run = await stage.under_way()
        await stage.is_asked_again(run)
        async with serving(database, **settings(stage.github, tmp_path, OFTEN)) as other:
            await _wants_it(other)
            assert await _holders(database) == _pids(stage.server)
            assert await stage.server.stop() == 0
            await stage.is_asked_again(run, 3)
            assert await _holders(database) == _pids(other)


async def test_what_a_killed_node_leaves_is_taken_when_its_time_is_over_and_no_sooner(
    database: Path | str, tmp_path: Path
) -> None:
    async with staged(database, tmp_path, OFTEN) as stage:
        _, run = await stage.under_way()
        await stage.is_asked_again(run)
        async with serving(database, **settings(stage.github, tmp_path, OFTEN)) as other:
            await stage.server.kill()
            times = stage.asked(run)
            await _wants_it(other)
            assert stage.asked(run) == times
            assert await _holders(database) == _pids(stage.server)
            await _run_out(database)
            await stage.is_asked_again(run, 3)
            assert await _holders(database) == _pids(other)


async def test_while_github_limits_it_stays_with_the_node_that_was_told_so_though_that_stops(
    database: Path | str, tmp_path: Path
) -> None:
    async with staged(database, tmp_path, OFTEN) as stage:
        stage.github.faults.add(primary_limit(), "GET", "/runs/")
        _, run = await stage.under_way()
        await stage.logged("GitHub does not tell how a run stands")
        async with serving(database, **settings(stage.github, tmp_path, OFTEN)) as other:
            await _wants_it(other)
            assert await stage.server.stop() == 0
            await _wants_it(other)
            assert (stage.asked(run), await _holders(database)) == (1, _pids(stage.server))
            await _run_out(database)
            await stage.is_asked_again(run)
            assert await _holders(database) == _pids(other)


async def _wants_it(server: Server) -> None:
    """Wait until it has wanted the duty some times more."""
    before = await _looks(server)

    async def has() -> bool:
        return await _looks(server) >= before + 3

    await until(has)
