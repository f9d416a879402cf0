"""A short run of everything that can go wrong, under a few seeds that are always the same and one that is new."""

import os
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.faults.cluster import Cluster, cluster
from tests.faults.oracle import judge, told
from tests.faults.plan import Pace, plan
from tests.faults.run import Run, Size, run
from tests.support.postgres import MISSING, VERSIONS, running

SECONDS = 5.0
# Frozen and silent for longer than anybody here waits for anything.
PACE = Pace(down=(0.1, 0.6), frozen=(2.0, 2.5), silent=(0.4, 1.8), stalled=(1.5, 2.5))
# And for longer than the database lets a transaction stand idle, and a node waits for one.
LONG = replace(PACE, frozen=(12.0, 12.5))
# The plan of this one freezes a node when nothing else will end its transactions any more: only a time-out does.
FREES = 58
SIZE = Size(deploys=24, pause=0.8, patience=1.5)
SETTINGS = {"poll_seconds": "0.5", "stall_seconds": "1", "grace_seconds": "1"}
# The new one, unless this variable names one that has failed.
AGAIN = "FAULTS_SEED"
NEW = int(os.environ.get(AGAIN) or secrets.randbelow(2**31))

# A busy machine makes these late.
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
async def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    """Two nodes on one file."""
    async with cluster(tmp_path_factory.mktemp("faults") / "phaseline.db", 2, None, SETTINGS) as made:
        yield made


@pytest.fixture(scope="module")
async def on_postgresql() -> AsyncIterator[Cluster]:
    """Two nodes on a server of their own, which no other test has to see crash."""
    if not VERSIONS:
        pytest.skip(MISSING)
    async with (
        running(VERSIONS[-1]) as postgres,
        cluster(await postgres.database(), 2, postgres, SETTINGS) as made,
    ):
        yield made


@pytest.mark.parametrize(("seed", "pace"), [(FREES, LONG), (NEW, PACE)], ids=[str(FREES), "new"])
async def test_nothing_is_lost_or_invented_on_postgresql(on_postgresql: Cluster, seed: int, pace: Pace) -> None:
    await hold(on_postgresql, seed, pace)


async def test_nothing_is_lost_or_invented_on_sqlite(on_sqlite: Cluster) -> None:
    await hold(on_sqlite, NEW, PACE)


async def hold(made: Cluster, seed: int, pace: Pace) -> Run:
    """Run it, and hold what was seen against the log."""
    planned = plan(seed, SECONDS, len(made.nodes), pace, of_the_database=made.postgres is not None)
    print(f"seed {seed}; again: {AGAIN}={seed} pytest tests/faults/test_faults.py", *planned, sep="\n")
    seen = await run(made, seed, planned, SIZE)
    print(seen.summary)
    said = Counter(away.what for away in seen.history.away)
    print(*(f"{count} × {what}" for what, count in said.items()), sep="\n")
    assert not (problems := judge(seen.history)), told(problems)
    return seen
