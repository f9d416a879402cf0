"""Checking the log as it lies in the database, whoever wrote it and whatever it holds: one deploy's, or everybody's.

Memory does not grow with the log: rows come in batches, and of a check no more is kept than where it has got to.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, column, exists, join, select, table
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import graph_rows, guards, revisions
from phaseline.databases.kind import Database
from phaseline.graph import GraphCache
from phaseline_schema.audit import stored
from phaseline_schema.audit.findings import Fault, FaultKind, Verification
from phaseline_schema.audit.verifying import Check, Graphs
from phaseline_schema.pipelines import PIPELINES
from phaseline_schema.refusals import DeployNotFound, OperationTooLarge, RateLimited
from phaseline_schema.tables import audit_entries, deploys

_BATCH = 200

# How long a check waits for its turn.
_TURN_SECONDS = 2

# How many entries a log may have that a caller has checked: a second's work or two. The command has no such limit.
MOST_ENTRIES = 50_000

# Without types: nothing is read into what is found, so nothing that is found can fail to be read.
_deploys = table("deploys", *map(column, deploys.columns.keys()))
_entries = table("audit_entries", *map(column, audit_entries.columns.keys()))
_both = join(_deploys, _entries, _entries.c.deploy_id == _deploys.c.id, isouter=True)
_orphaned = ~exists().where(_deploys.c.id == _entries.c.deploy_id)
_in_turn = (_entries.c.sequence, _entries.c.id)

_IDLESS = Fault(FaultKind.MALFORMED, "the deploy's row is not of its form: its id is no text")


async def of_deploy(
    database: Database, connection: AsyncConnection, graphs: GraphCache, deploy_id: str
) -> Verification:
    """The check of one deploy, and of what the database holds it to.

    Raises DeployNotFound, OperationTooLarge and WrongVersion.

    Of a newer revision no more is known than that this version may work on it: there the graph is the one in force.
    """
    in_force = await graphs.at(connection)
    is_newest = await revisions.current(connection) == revisions.newest()
    async with database.as_it_lies(connection):
        found = await Auditor(database, connection, PIPELINES if is_newest else in_force, MOST_ENTRIES).deploy(
            deploy_id
        )
        if found.fault is not None or not is_newest:
            return found
        return replace(found, fault=await graph_rows.fault(connection) or await guards.fault(connection))


@asynccontextmanager
async def in_turn(turn: asyncio.Lock) -> AsyncIterator[None]:
    """One check at a time: it costs as much as a log is long. Who waits holds no connection. Raises RateLimited."""
    try:
        async with asyncio.timeout(_TURN_SECONDS):
            await turn.acquire()
    except TimeoutError:
        raise RateLimited("checks of logs at once", _TURN_SECONDS) from None
    try:
        yield
    finally:
        turn.release()


class Auditor:
    """Checks what one transaction sees."""

    def __init__(
        self, database: Database, connection: AsyncConnection, graphs: Graphs, most: int | None = None
    ) -> None:
        """`graphs` are those that the log has to keep to. The connection reads rows as they lie, `most` of them."""
        self._database = database
        self._connection = connection
        self._graphs = graphs
        self._most = most

    async def deploy(self, deploy_id: str) -> Verification:
        """The check of one deploy. Raises DeployNotFound where it has neither a row nor entries."""
        orphans = self._orphans().where(_entries.c.deploy_id == deploy_id)
        for checks in (self._those([deploy_id]), self._checks(orphans, 0)):
            found = [check async for check in checks]
            if found:
                return found[0]
        raise DeployNotFound

    async def every(self) -> AsyncIterator[Verification]:
        """The checks of all deploys, in the order of their ids' characters; then of entries that have no deploy."""
        batch: list[str] = []
        ids = select(_deploys.c.id).order_by(self._database.by_characters(_deploys.c.id))
        async for (deploy_id,) in self._rows(ids):
            if not isinstance(deploy_id, str):
                yield Verification(ascii(deploy_id), 0, None, None, _IDLESS)
                continue
            batch.append(deploy_id)
            if len(batch) == _BATCH:
                async for check in self._those(batch):
                    yield check
                batch.clear()
        async for check in self._those(batch):
            yield check
        async for check in self._checks(self._orphans(), 0):
            yield check

    def _those(self, ids: Sequence[str]) -> AsyncIterator[Verification]:
        return self._checks(self._with_deploys().where(_deploys.c.id.in_(ids)), len(_deploys.c))

    def _with_deploys(self) -> Select[Any]:
        """Deploys' rows, each beside every entry of it; beside nothing where there is none."""
        order = self._database.by_characters(_deploys.c.id)
        columns = (*self._columns(deploys, _deploys), *self._columns(audit_entries, _entries))
        return select(*columns).select_from(_both).order_by(order, *_in_turn)

    def _orphans(self) -> Select[Any]:
        """Entries of deploys that have no row."""
        columns = self._columns(audit_entries, _entries)
        return select(*columns).where(_orphaned).order_by(_entries.c.deploy_id, *_in_turn)

    def _columns(self, typed: Table, raw: Any) -> list[ColumnElement[Any]]:
        return [
            self._database.time_as_text(raw.c[column.name]) if stored.is_time(column) else raw.c[column.name]
            for column in typed.columns
        ]

    async def _checks(self, query: Select[Any], width: int) -> AsyncIterator[Verification]:
        """One for each deploy, of rows that come deploy by deploy: the `width` columns of its row, then an entry."""
        check: Check | None = None
        of: object = None
        async for row in self._rows(query):
            deploy = dict(zip(_deploys.c.keys(), row[:width], strict=True)) if width else None
            entry = dict(zip(_entries.c.keys(), row[width:], strict=True))
            deploy_id = deploy["id"] if deploy else entry["deploy_id"]
            if check is None or deploy_id != of:
                if check is not None:
                    yield check.result()
                of = deploy_id
                check = Check(self._graphs, of if isinstance(of, str) else ascii(of), deploy)
            if deploy is None or entry["deploy_id"] is not None:
                check.add(entry)
        if check is not None:
            yield check.result()

    async def _rows(self, query: Select[Any]) -> AsyncIterator[Sequence[Any]]:
        async with self._connection.stream(query.execution_options(yield_per=_BATCH)) as rows:
            number = 0
            async for row in rows:
                number += 1
                if self._most is not None and number > self._most:
                    raise OperationTooLarge("entries in the log that it checks", self._most)
                yield row
