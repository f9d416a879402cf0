"""The kinds of database that a store can lie on, and what each does in its own way."""

from phaseline.databases import postgresql, sqlite
from phaseline.databases.away import is_away
from phaseline.databases.kind import Database

__all__ = ["database_at", "is_away"]


def database_at(url: str, pool_size: int, *, only_reads: bool = False) -> Database:
    """The database of an address that the settings have found usable. `only_reads`: an SQLite file stays as it is."""
    return (
        sqlite.SQLite(url, only_reads=only_reads) if url.startswith("sqlite") else postgresql.PostgreSQL(url, pool_size)
    )
