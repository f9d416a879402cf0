"""The kinds of database that a store can lie on, and what each does in its own way."""

from phaseline.databases import postgresql, sqlite
from phaseline.databases.kind import Database


def database_at(url: str, pool_size: int) -> Database:
    """The database of an address that the settings have found usable."""
    return sqlite.SQLite(url) if url.startswith("sqlite") else postgresql.PostgreSQL(url, pool_size)


def is_away(error: BaseException) -> bool:
    """Whether an error of a driver's says that the database does not answer."""
    return sqlite.is_unavailable(error) or postgresql.is_unavailable(error)
