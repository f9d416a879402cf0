"""The kinds of database that a store can lie on, and what each does in its own way."""

from typing import Any

from sqlalchemy.exc import DBAPIError

from phaseline.databases import postgresql, sqlite
from phaseline.databases.kind import Database


def database_at(url: str, pool_size: int, *, only_reads: bool = False) -> Database:
    """The database of an address that the settings have found usable. `only_reads`: an SQLite file stays as it is."""
    return (
        sqlite.SQLite(url, only_reads=only_reads) if url.startswith("sqlite") else postgresql.PostgreSQL(url, pool_size)
    )


def is_away(error: BaseException) -> bool:
    """Whether an error says that the database was not reached, or could not do now what it was asked."""
    if isinstance(error, ConnectionError) or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return True
    cause: Any = error.orig if isinstance(error, DBAPIError) else error
    if hasattr(cause, "sqlstate"):
        return postgresql.is_away(cause.sqlstate)
    return sqlite.is_away(error)
