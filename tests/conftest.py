"""A server and a caller for every test that asks for one."""

import os
import platform
from collections.abc import AsyncIterator, Generator
from pathlib import Path

import hypothesis
import pytest

from tests.support.caller import Caller
from tests.support.postgres import MISSING, VERSIONS, Clusters, Postgres
from tests.support.server import Server, serving

# New examples in every run; a failure prints what repeats it. `thorough` is for a long look.
hypothesis.settings.register_profile("ci", max_examples=100, deadline=None, derandomize=False, print_blob=True)
hypothesis.settings.register_profile("thorough", hypothesis.settings.get_profile("ci"), max_examples=5000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# The oldest and the newest PostgreSQL that phaseline supports. npm has both for this platform.
_IN_CI = {14, 18} if (platform.system(), platform.machine()) == ("Linux", "x86_64") else set()


def pytest_configure() -> None:
    """CI is not to pass with half of the tests skipped, because it could not get what they run on."""
    missing = sorted(_IN_CI - set(VERSIONS))
    if missing and os.environ.get("CI"):
        raise pytest.UsageError(f"CI needs PostgreSQL of these versions, and they are not to be had: {missing}")


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores, for much of a test's time is waiting; no more than five, for each has servers."""
    return min(os.cpu_count() or 1, 4) + 1


@pytest.fixture(scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server that all tests share, each with deploys of its own."""
    async with serving(tmp_path_factory.mktemp("shared") / "phaseline.db") as running:
        yield running


@pytest.fixture
async def caller(server: Server) -> AsyncIterator[Caller]:
    """A caller of the shared server."""
    async with Caller(server.url) as calling:
        yield calling


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Where a log of this test's own is kept; the file does not exist yet."""
    return tmp_path / "phaseline.db"


@pytest.fixture
async def own_server(database: Path) -> AsyncIterator[Server]:
    """A server of this test's own, for those that stop it or count what is in its log."""
    async with serving(database) as running:
        yield running


@pytest.fixture
async def own_caller(own_server: Server) -> AsyncIterator[Caller]:
    """A caller of that server."""
    async with Caller(own_server.url) as calling:
        yield calling


@pytest.fixture(scope="session")
async def clusters() -> AsyncIterator[Clusters]:
    """PostgreSQL servers that all tests share, one for each version: `await clusters(18)`."""
    async with Clusters() as shared:
        yield shared


@pytest.fixture(params=["sqlite", "postgresql"])
async def log(request: pytest.FixtureRequest, clusters: Clusters, database: Path) -> Path | str:
    """Where a log of this test's own is kept: in a file, or on the newest PostgreSQL; nothing is in it yet."""
    if request.param == "sqlite":
        return database
    if not VERSIONS:
        pytest.skip(MISSING)
    return await (await clusters(VERSIONS[-1])).database()


@pytest.fixture(params=VERSIONS or [0])
async def postgres(request: pytest.FixtureRequest, clusters: Clusters) -> Postgres:
    """The one of those that this test runs on; it runs once on each version, with databases of its own."""
    if not VERSIONS:
        pytest.skip(MISSING)
    return await clusters(request.param)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show, with a test that fails, what its PostgreSQL server logged last."""
    report = yield
    used = getattr(item, "funcargs", {}).get("postgres")
    if report.failed and isinstance(used, Postgres):
        report.sections.append((f"PostgreSQL {used.version} logged", "\n".join(used.log[-50:])))
    return report
