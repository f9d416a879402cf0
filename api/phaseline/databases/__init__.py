"""The kinds of database that a store can lie on, and what each does in its own way."""

from typing import Any

from sqlalchemy.exc import DBAPIError

from phaseline.databases import postgresql, sqlite
from phaseline.databases.kind import Database


def database_at(url: str, pool_size: int) -> Database:
    """The database of an address that the settings have found usable."""
    return sqlite.SQLite(url) if url.startswith("sqlite") else postgresql.PostgreSQL(url, pool_size)


def is_away(error: BaseException) -> bool:
    """Whether an error says that the database was not reached, or could not do now what it was asked."""
    if isinstance(error, ConnectionError) or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return True
    cause: Any = error.orig if isinstance(error, DBAPIError) else error
    if hasattr(cause, "sqlstate"):
        return postgresql.is_away(cause.sqlstate)
    return sqlite.is_away(error)
