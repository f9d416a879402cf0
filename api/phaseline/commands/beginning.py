"""What every command begins with: the settings, and a database that can be had; or one line on why not."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import typer
from rich.console import Console
from sqlalchemy.engine import make_url

from phaseline import logs, revisions, settings
from phaseline.settings import Settings, SettingsError
from phaseline.store import Store, is_unavailable, reason

console = Console()

Result = TypeVar("Result")


def failure(message: str) -> typer.Exit:
    """Say why in one line, and end with exit code 2: `raise failure(...)`."""
    Console(stderr=True).print(f"phaseline: {message}", style="red", highlight=False, markup=False, soft_wrap=True)
    return typer.Exit(2)


def configured(**instead: Any) -> Settings:
    """The settings; the log is written as they say."""
    try:
        found = settings.read(**instead)
    except SettingsError as error:
        raise failure(str(error)) from None
    logs.configure(found)
    return found


def remark(text: str) -> None:
    """For people: standard output is for what is asked for alone."""
    Console(stderr=True).print(text, highlight=False, markup=False, soft_wrap=True)


def on_database(*, may_be_made: bool = False) -> Settings:
    """The settings, and a line that says which database is worked on: a name that is not set right is noticed there.

    One that is not there is made by nobody who only wants to look at it or take something back.
    """
    found = configured()
    url = make_url(found.database_url)
    if not may_be_made and url.drivername.startswith("sqlite") and not Path(url.database or "").is_file():
        raise failure(f"there is no database {found.database}")
    remark(f"database: {found.database}")
    return found


async def held(store: Store) -> None:
    """Hold the database to its revision, and migrate nothing. Raises WrongRevision."""
    async with store.reading() as connection:
        if await revisions.current(connection) is None:
            await revisions.require_newest(connection)  # which says what is there instead
        await revisions.require(connection, None)


def with_store(found: Settings, work: Callable[[Store], Awaitable[Result]], *, only_reads: bool = False) -> Result:
    """What `work` finds in the database, or one line on why it cannot be had."""

    async def run() -> Result:
        store = Store(found.database_url, found.pool_size, only_reads=only_reads)
        try:
            store.database.try_to_open()
            return await work(store)
        finally:
            await store.close()

    try:
        return asyncio.run(run())
    except (revisions.WrongRevision, revisions.WouldLose) as error:
        raise failure(str(error)) from None
    except Exception as error:
        if not is_unavailable(error):
            raise
        raise failure(f"the database {found.database} cannot be used now: {reason(error)}") from None
