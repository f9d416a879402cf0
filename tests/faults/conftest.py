"""Nodes and a browser for the tests in which modals are watched."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from tests.faults.cluster import Cluster, cluster
from tests.faults.stage import Stage
from tests.support.browser import OUTAGE, Viewers, chromium
from tests.support.postgres import MISSING, VERSIONS, Postgres, running

# The console page, which lists deploys behind the modal, is told that the database does not answer.
_UNAVAILABLE = r"Failed to load resource: the server responded with a status of 503"
_SETTINGS = {"poll_seconds": "0.5", "stall_seconds": "1", "grace_seconds": "1"}


@pytest.fixture(scope="package")
async def browser() -> AsyncIterator[Browser]:
    """One browser for all of them."""
    async with chromium() as running_browser:
        yield running_browser


@pytest.fixture(scope="package")
async def nodes() -> AsyncIterator[tuple[Cluster, Postgres, str]]:
    """Two nodes on a PostgreSQL server of their own."""
    if not VERSIONS:
        pytest.skip(MISSING)
    async with running(VERSIONS[-1]) as postgres:
        database = await postgres.database()
        async with cluster(database, 2, postgres, _SETTINGS) as made:
            yield made, postgres, database


@pytest.fixture
async def stage(nodes: tuple[Cluster, Postgres, str], browser: Browser) -> AsyncIterator[Stage]:
    """Both, and pages that are closed afterwards; one that has complained of anything but outages is a failure."""
    viewers = Viewers(browser)
    viewers.tolerate(OUTAGE, _UNAVAILABLE)
    yield Stage(*nodes, viewers)
    await viewers.close()
