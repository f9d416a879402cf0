"""What a store asks of a database, whichever it is."""

from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar

import asyncpg
from sqlalchemy import ColumnElement, QueuePool
from sqlalchemy.ext.asyncio import AsyncConnection

Result = TypeVar("Result")
# Done in one transaction. It waits for nothing but the connection that it is given.
Work = Callable[[AsyncConnection], Coroutine[Any, Any, Result]]
Listen = Callable[[], Awaitable[asyncpg.Connection]]


class Database(Protocol):
    """Connections, and how transactions on them are made."""

    @property
    def pool(self) -> QueuePool:
        """The connections that there are."""

    @property
    def most_reads(self) -> int:
        """How many may be under way at once."""

    @property
    def seconds(self) -> float | None:
        """After how long a transaction is given up; None where it cannot hang."""

    @property
    def listen(self) -> Listen | None:
        """Opens a connection on which nodes tell one another of what they have written, where there is such a thing."""

    def try_to_open(self) -> None:
        """Raise the driver's error where it plainly cannot be opened, before anything is begun."""

    async def read(self, work: Work[Result]) -> Result:
        """What `work` finds, given a connection as `reading` has it."""

    async def look(self, work: Work[Result]) -> Result:
        """The same for work of one statement, which sees one state as it is: no transaction is begun for it."""

    async def write(self, work: Work[Result], deploy_id: str | None) -> Result:
        """The same, given one as `writing` has it; it is committed when this returns, and undone where `work` raises.

        `deploy_id`: the deploy that it changes, where there is one already. Of those that change the same, and of all
        where the database has one writer at a time, the first to come is the first to be served; who waits for his turn
        holds no connection.
        """

    def reading(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection that sees one state of the log throughout."""

    def writing(self, deploy_id: str | None) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection whose transaction is committed at the end, or undone where an error left it."""

    async def close(self) -> None:
        """Give all connections back."""

    async def only_reads(self, connection: AsyncConnection) -> bool:
        """Whether it takes no writes, as the standby of another one."""

    async def alone(self, connection: AsyncConnection) -> None:
        """Keep other migrations away, and let none of this one's locks stop servers for long."""

    async def settled(self, connection: AsyncConnection, since: int | None) -> tuple[bool, int]:
        """Whether every writer has ended that was writing when this was asked first, and what to ask with again. A
        standby cannot tell."""

    async def unhurried(self, connection: AsyncConnection) -> None:
        """Let this transaction take as long as it needs."""

    def as_it_lies(self, connection: AsyncConnection) -> AbstractAsyncContextManager[None]:
        """For the length of a block, nothing that columns without a type hold keeps them from being read."""

    def time_as_text(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """A point in time as SQLite keeps it: text, in UTC and to the microsecond. Other text where it is none."""

    def by_characters(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """What orders texts by their characters alone, whatever language the database speaks."""
