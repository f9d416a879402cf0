"""Every test that asks for one of these runs on each kind of database."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conformance.stores import KINDS, POSTGRESQL, SQLITE, Store
from tests.support.caller import Caller
from tests.support.postgres import Clusters, Postgres
from tests.support.raw import Raw, connected
from tests.support.server import Server, start
from tests.support.witness import faults

# For what may hang on SQLite or PostgreSQL, but hardly on its version: the oldest is spared.
on_one_of_each = pytest.mark.parametrize("store", [SQLITE, *POSTGRESQL[-1:]], indirect=True)

# What nodes log because a test has taken their database away.
SAY_THAT_IT_IS_AWAY = ("the database does not answer, and viewers are told so", "database unavailable")


@pytest.fixture(scope="session", params=KINDS)
async def store(request: pytest.FixtureRequest, clusters: Clusters, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A kind of database, shared by all tests."""
    kind: str = request.param
    postgres = None if kind == SQLITE else await clusters(int(kind.split()[1]))
    return Store(kind, tmp_path_factory.mktemp("conformance"), postgres)


@pytest.fixture
def postgres(store: Store) -> Postgres:
    """The server of the databases, for tests of what is so on PostgreSQL alone."""
    assert store.postgres is not None
    return store.postgres


@pytest.fixture
async def database(store: Store) -> Path | str:
    """A database of this test's own, empty."""
    return await store.empty()


@dataclass
class Nodes:
    """Two servers on one database, and a caller of each."""

    database: Path | str
    one: Server
    other: Server
    callers: tuple[Caller, Caller]

    @property
    def servers(self) -> tuple[Server, Server]:
        return self.one, self.other


@pytest.fixture(scope="session")
async def nodes(store: Store) -> AsyncIterator[Nodes]:
    """They are shared by all tests of a kind, and started at once on a database that nobody has migrated.

    In the end they leave in good order, and have had no fault.
    """
    database = await store.empty()
    one, other = await asyncio.gather(*(start(database, poll_seconds=store.poll_seconds) for _ in range(2)))
    async with Caller(one.url) as calling_one, Caller(other.url) as calling_other:
        yield Nodes(database, one, other, (calling_one, calling_other))
    assert not any(await asyncio.gather(one.stop(), other.stop()))
    may_log = SAY_THAT_IT_IS_AWAY if store.postgres else ()
    found = [fault for server in (one, other) for fault in faults(server)]
    assert not [fault for fault in found if "exception" in fault or fault["event"] not in may_log]


@pytest.fixture
async def raw(nodes: Nodes) -> AsyncIterator[Raw]:
    """A connection to the database of the nodes, past them."""
    async with connected(nodes.database) as connection:
        yield connection
