"""What every command begins with: the settings, and a database that can be had; or one line on why not."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import typer
from rich.console import Console

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


def with_store(found: Settings, work: Callable[[Store], Awaitable[Result]]) -> Result:
    """What `work` finds in the database, or one line on why it cannot be had."""

    async def run() -> Result:
        store = Store(found.database_url, found.pool_size)
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
