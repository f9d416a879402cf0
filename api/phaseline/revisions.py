"""The database's revision: what it is, what it should be, and getting from one to the other."""

from functools import cache

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, select
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import resources
from phaseline.store import Store
from phaseline_schema.tables import oldest_server

# Older revisions that this server can serve: the tables are the same, the graph has fewer rows or indexes are missing.
# Before 0006 the log does not take all that is recorded, so there are none. Which newer ones it can serve, the newer
# migrations say: they leave it in `oldest_server`. Revisions are numbered so that they sort.
SERVABLE: tuple[str, ...] = ()


class WrongRevision(Exception):
    """The database is not at the revision this server needs. The text says what to do."""


class WouldLose(Exception):
    """A downgrade would lose audit entries. The text says which."""


@cache
def newest() -> str:
    """The revision that this version of phaseline brings."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise RuntimeError("there are no migrations")
    return head


@cache
def guards(dialect: str) -> tuple[str, ...]:
    """The statements with which the migrations make the guards of the log, in the order of the migrations."""
    scripts = ScriptDirectory.from_config(_config()).walk_revisions()
    modules = [script.module for script in sorted(scripts, key=lambda script: script.revision)]
    return tuple(guard for module in modules for guard in getattr(module, "GUARDS", {}).get(dialect, ()))


def indexes(at: str, target: str) -> dict[str, str]:
    """Those that the migrations from one revision up to another make, by name: what each is on."""
    order = _known()
    last = newest() if target == "head" else target
    scripts = sorted(ScriptDirectory.from_config(_config()).walk_revisions(), key=lambda script: script.revision)
    coming = [script.module for script in scripts if at < script.revision <= last]
    if at not in order or last not in order:
        return {}
    return {name: place for module in coming for name, place in getattr(module, "INDEXES", {}).items()}


async def current(connection: AsyncConnection) -> str | None:
    """The revision that the database is at; None where it has never been migrated."""
    return await connection.run_sync(_current)


async def migrate(connection: AsyncConnection, revision: str = "head") -> None:
    """Bring the database up or down to a revision, given a connection as `Store.migrating` has it.

    Raises WrongRevision where there is no such revision or the tables are somebody else's, and
    WouldLose where a downgrade would lose entries; then nothing has changed.
    """
    if revision not in ("head", "base") and revision not in _known():
        raise WrongRevision(f"there is no revision {revision!r}; there are: {', '.join(_known())}")
    if await current(connection) is None and not await _is_empty(connection):
        raise WrongRevision(_advice(None))
    try:
        await connection.run_sync(_migrate, revision)
    except RuntimeError as error:  # what a migration that refuses raises
        raise WouldLose(str(error)) from error


async def require(connection: AsyncConnection, accepted: str | None) -> str:
    """The database's revision: the newest, an older one that was accepted, or a newer one that allows for this server.

    Raises WrongRevision.
    """
    at = await current(connection)
    if at in _known() and accepted is not None and accepted not in SERVABLE:
        raise WrongRevision(
            f"PHASELINE_ACCEPT_REVISION is {accepted!r}, which this version of phaseline cannot serve; "
            f"it can serve: {', '.join(SERVABLE) or f'none but {newest()}'}"
        )
    if at is not None and (at == newest() or (at in SERVABLE and at == accepted)):
        return at
    if at is not None and at not in _known():
        oldest = (await connection.execute(select(oldest_server.c.revision))).scalar_one()
        if oldest <= newest():
            return at
    raise WrongRevision(_advice(at))


async def require_newest(connection: AsyncConnection) -> None:
    """Hold the database to the revision that this version brings, whose every row it knows. Raises WrongRevision."""
    if await _is_empty(connection):
        raise WrongRevision("the database is empty")
    at = await current(connection)
    if at != newest():
        raise WrongRevision(_advice(at))


async def prepare(store: Store, accepted: str | None) -> None:
    """Make ready to serve: migrate a database that is empty, and hold any other to its revision.

    Raises WrongRevision.
    """
    async with store.reading() as connection:
        empty = await _is_empty(connection)
    if empty:
        async with store.migrating() as connection:
            if await _is_empty(connection):  # nodes may start together
                await migrate(connection)
    async with store.reading() as connection:
        await require(connection, accepted)


async def renew(store: Store) -> None:
    """Bring the database to the newest revision, whatever is in it, if this version knows it. Raises WrongRevision."""
    async with store.migrating() as connection:
        if await current(connection) != newest():
            await migrate(connection)


async def _is_empty(connection: AsyncConnection) -> bool:
    """Whether the database has no tables at all, so that nothing can be lost by migrating it.

    A downgrade to nothing leaves Alembic's own table behind, without a revision in it.
    """
    tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    return set(tables) <= {"alembic_version"} and await current(connection) is None


def _advice(at: str | None) -> str:
    if at is None:
        return (
            "the database has tables, but none that phaseline's migrations made: "
            "point PHASELINE_DATABASE_URL at an empty one"
        )
    if at not in _known():
        return (
            f"the database is at revision {at}, which this version of phaseline does not know: "
            "a newer version has migrated it. Run that version, or a newer one"
        )
    advice = (
        f"the database is at revision {at}, behind {newest()}, which this version of phaseline "
        "needs: run `phaseline migrate`"
    )
    if at in SERVABLE:
        advice += f", or serve it as it is with PHASELINE_ACCEPT_REVISION={at}"
    return advice


@cache
def _known() -> tuple[str, ...]:
    scripts = ScriptDirectory.from_config(_config()).walk_revisions()
    return tuple(sorted(script.revision for script in scripts))


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(resources.find("migrations")))
    return config


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _migrate(connection: Connection, revision: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    order = ["base", *_known()]
    at = _current(connection) or "base"
    wanted = newest() if revision == "head" else revision
    if at not in order:
        raise WrongRevision(_advice(at))
    if order.index(wanted) < order.index(at):
        command.downgrade(config, wanted)
    else:
        command.upgrade(config, wanted)
