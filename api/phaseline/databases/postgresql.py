"""PostgreSQL: any number of nodes on one log, each deploy locked by itself."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import asyncpg
from sqlalchemy import ColumnElement, QueuePool, Text, and_, case, cast, collate, event, func, literal_column, text
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.util.concurrency import greenlet_spawn

from phaseline import metrics
from phaseline.databases import away
from phaseline.databases.direct import DirectConnection, finished
from phaseline.databases.kind import Work
from phaseline.databases.turns import in_turn

# In seconds. A transaction is given up within the 15 after which a workflow gives up, so that it is told why.
_CONNECT = 4
_TURN = 5
_POOL = 5
_TRANSACTION = 10

# How long the connection that listens may be silent when it is asked, in seconds.
_LISTENING = 5

# Kept by the server itself, in milliseconds. Whoever holds a deploy's row and falls silent (a frozen node) loses it.
_TIMEOUTS = {
    "lock_timeout": "2000",
    "statement_timeout": "7000",
    "idle_in_transaction_session_timeout": "10000",
}

# One that was told to prepare a statement, and not yet to execute it, does not count as idle, and no time-out of the
# server's reaches it before version 17. So whoever waits for a row in vain ends such sessions of ours himself.
_END_THE_SILENT = text("""
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND usename = current_user AND application_name = 'phaseline'
        AND backend_xid IS NOT NULL AND state = 'active' AND wait_event = 'ClientRead'
        AND state_change < clock_timestamp() - interval '10 seconds'
""")

# What only one session may do at a time: changing the tables. The number is ours and means nothing.
MIGRATING = 7_402_118_339

# The times that text without an era can tell.
_FIRST_TIME: ColumnElement[Any] = literal_column("TIMESTAMPTZ '0001-01-01 00:00:00+00'")
_LAST_TIME: ColumnElement[Any] = literal_column("TIMESTAMPTZ '10000-01-01 00:00:00+00'")

# Whoever waits for a deploy's row finds it as the one before has left it. This is how connections are opened, because
# where an engine has options of its own, SQLAlchemy looks for events at each statement.
_WRITING = "READ COMMITTED"
# One state throughout; READ COMMITTED would show each statement another.
_READING = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
# One statement is a transaction by itself: to begin and to end one would be two round trips more.
_LOOKING = {"isolation_level": "AUTOCOMMIT"}

Result = TypeVar("Result")


class PostgreSQL:
    """A database that many processes share."""

    # A server that has vanished does not even refuse.
    seconds: float | None = _TRANSACTION

    def __init__(self, url: str, pool_size: int) -> None:
        self.most_reads = pool_size
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._engine = create_async_engine(
            url,
            hide_parameters=True,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=_POOL,
            isolation_level=_WRITING,
            connect_args={
                "async_creator_fn": _connect,
                "server_settings": {"application_name": "phaseline", **_TIMEOUTS},
            },
        )

        @event.listens_for(self._engine.sync_engine, "handle_error")
        def failed(context: ExceptionContext) -> None:
            # Its server has become a standby, and the address may lead to the new primary by now.
            if getattr(context.original_exception, "sqlstate", None) == away.READ_ONLY:
                context.is_disconnect = True

    @property
    def pool(self) -> QueuePool:
        """Its connections."""
        assert isinstance(self._engine.pool, QueuePool)
        return self._engine.pool

    @property
    def engine(self) -> AsyncEngine:
        """For statements that no transaction can hold."""
        return self._engine

    def try_to_open(self) -> None:
        """Connecting says it well enough."""

    async def read(self, work: Work[Result]) -> Result:
        """What `work` finds."""
        async with self.reading() as connection:
            return await work(connection)

    async def look(self, work: Work[Result]) -> Result:
        """What one statement finds."""
        return await greenlet_spawn(self._do, _LOOKING, work)

    async def write(self, work: Work[Result], deploy_id: str | None) -> Result:
        """What `work` returns."""
        async with self._turn(deploy_id):
            return await greenlet_spawn(self._do, {}, work)

    def _do(self, options: Mapping[str, Any], work: Work[Result]) -> Result:
        """All of a transaction in one greenlet: one for each statement takes longer than to make the statement."""
        with self._engine.sync_engine.connect() as connection, connection.execution_options(**options).begin():
            metrics.measure(self.pool)
            return finished(work(DirectConnection(connection)))

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Its end is the transaction's: a rollback that comes with giving it back is out of every time-out's reach."""
        async with self._engine.connect() as connection:
            await connection.execution_options(**_READING)
            async with connection.begin():
                metrics.measure(self.pool)
                yield connection

    @asynccontextmanager
    async def writing(self, deploy_id: str | None) -> AsyncIterator[AsyncConnection]:
        """A transaction on the deploy, when its turn has come."""
        async with self._turn(deploy_id), self._engine.begin() as connection:
            metrics.measure(self.pool)
            yield connection

    async def close(self) -> None:
        """Give all connections back."""
        await self._engine.dispose()

    @asynccontextmanager
    async def _turn(self, deploy_id: str | None) -> AsyncIterator[None]:
        """One at a time for each deploy: those who wait for its row would keep all connections from other deploys."""
        if deploy_id is None:
            yield
            return
        async with in_turn(self._turns.setdefault(deploy_id, asyncio.Lock()), _TURN):
            try:
                yield
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) == away.LOCKED:
                    await self._end_the_silent()
                raise

    async def _end_the_silent(self) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(_END_THE_SILENT)

    async def only_reads(self, connection: AsyncConnection) -> bool:
        """A node that reaches nothing but a standby answers questions, and can take no callback."""
        asked = text("SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean")
        return bool((await connection.execute(asked)).scalar_one())

    async def alone(self, connection: AsyncConnection) -> None:
        """One migration at a time, and no callback judged meanwhile: whoever has read the revision is waited for, and
        whoever is about to waits. No longer than callers can wait, though."""
        await connection.execute(text("SET LOCAL lock_timeout = '30s'"))
        await connection.execute(text("SET LOCAL statement_timeout = '40s'"))
        await connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": MIGRATING})
        await connection.execute(text("SET LOCAL lock_timeout = '1s'"))
        # A migration that needs longer, and does not keep others waiting, says so itself.
        await connection.execute(text("SET LOCAL statement_timeout = '10s'"))
        if (await connection.execute(text("SELECT to_regclass('alembic_version')"))).scalar_one() is not None:
            await connection.execute(text("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE"))

    async def settled(self, connection: AsyncConnection, since: int | None) -> tuple[bool, int]:
        """Transactions that write are numbered as they begin to, and a writer has its number before it takes an entry's
        id. So whoever takes a number now has one above those of all who may have taken an id that is known; they have
        ended when none is left below it. What a snapshot calls `xmax` is no such number: writers may be above it."""
        if since is None:
            number = text("SELECT pg_current_xact_id()::text")
            return False, int((await connection.execute(number)).scalar_one())
        ended = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
        return int((await connection.execute(ended)).scalar_one()) >= since, since

    async def unhurried(self, connection: AsyncConnection) -> None:
        """No time-out of the server's. Nobody waits for a transaction that only reads."""
        for name in _TIMEOUTS:
            await connection.execute(text(f"SET LOCAL {name} = 0"))

    @asynccontextmanager
    async def as_it_lies(self, connection: AsyncConnection) -> AsyncIterator[None]:
        """Its columns hold what is of their type and nothing else."""
        yield

    def time_as_text(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """It has times that nobody else has: of other eras, and infinity."""
        is_common = and_(column >= _FIRST_TIME, column < _LAST_TIME)
        in_utc = func.timezone("UTC", column)
        return case((is_common, func.to_char(in_utc, "YYYY-MM-DD HH24:MI:SS.US")), else_=cast(column, Text))

    def by_characters(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """A language's own order leaves hyphens out, say."""
        return collate(column, "C")

    async def listen(self) -> asyncpg.Connection:
        """A connection beside the pool, to listen on. Who asks for it closes it."""
        _, address = self._engine.dialect.create_connect_args(self._engine.url)
        for ours in ("prepared_statement_cache_size", "prepared_statement_name_func"):
            address.pop(ours, None)  # SQLAlchemy's own, which the driver does not know
        return await _connect(
            **address, command_timeout=_LISTENING, server_settings={"application_name": "phaseline feed"}
        )


async def _connect(**address: Any) -> asyncpg.Connection:
    """Raises ConnectionError for whatever keeps it from connecting: a network, a server, or what the address says."""
    try:
        return await asyncpg.connect(**address, timeout=_CONNECT)
    except Exception as error:
        raise ConnectionError(str(error)) from error
