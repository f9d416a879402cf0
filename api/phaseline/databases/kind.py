"""What a store asks of a database, whichever it is."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import asyncpg
from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

Listen = Callable[[], Awaitable[asyncpg.Connection]]


class Database(Protocol):
    """An engine, and how its transactions are made."""

    engine: AsyncEngine

    @property
    def reading(self) -> Mapping[str, Any]:
        """Options of a transaction that sees one state of the log throughout."""

    @property
    def writing(self) -> Mapping[str, Any]:
        """Options of one that appends to it."""

    @property
    def seconds(self) -> float | None:
        """After how long a transaction is given up; None where it cannot hang."""

    @property
    def listen(self) -> Listen | None:
        """Opens a connection on which nodes tell one another of what they have written, where there is such a thing."""

    def try_to_open(self) -> None:
        """Raise the driver's error where it plainly cannot be opened, before anything is begun."""

    def turn(self, deploy_id: str | None) -> AbstractAsyncContextManager[None]:
        """The turn of a writer among those of this process that it would meet in the database.

        Who waits here holds no connection. Without a deploy's id: a writer that changes none that is there already.
        """

    async def only_reads(self, connection: AsyncConnection) -> bool:
        """Whether it takes no writes, as the standby of another one."""

    async def alone(self, connection: AsyncConnection) -> None:
        """Keep other migrations away, and let none of this one's locks stop servers for long."""

    async def unhurried(self, connection: AsyncConnection) -> None:
        """Let this transaction take as long as it needs."""

    def as_it_lies(self, connection: AsyncConnection) -> AbstractAsyncContextManager[None]:
        """For the length of a block, nothing that columns without a type hold keeps them from being read."""

    def time_as_text(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """A point in time as SQLite keeps it: text, in UTC and to the microsecond. Other text where it is none."""

    def by_characters(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """What orders texts by their characters alone, whatever language the database speaks."""
