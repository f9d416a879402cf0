"""Which errors say that a database is away: it was not reached, or could not do now what it was asked."""

import sqlite3
from typing import Any

from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, OperationalError

# A standby, or one that is just being promoted.
READ_ONLY = "25006"

# A lock was not to be had in time.
LOCKED = "55P03"

# Classes of SQLSTATE that say nothing of the statement, but that the server could not carry it out now.
_AWAY = (
    "08",  # the connection
    "25P03",  # idle in a transaction for too long
    READ_ONLY,
    "28",  # refuses the login
    "3D",  # has no such database
    "40",  # deadlock, serialization
    "42P01",  # has not our tables: it is being restored
    "53",  # out of disk, memory or connections
    LOCKED,
    "57",  # cancelled by a time-out, shutting down, starting up
    "58",  # the machine under it
)


def is_away(error: BaseException) -> bool:
    """Whether an error says that the database was not reached, or could not do now what it was asked."""
    if isinstance(error, ConnectionError) or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return True
    cause: Any = error.orig if isinstance(error, DBAPIError) else error
    if hasattr(cause, "sqlstate"):
        return _is_of_the_server(cause.sqlstate)
    return _is_of_the_file(error)


def _is_of_the_server(sqlstate: str | None) -> bool:
    """Whether the server says by this that it could not carry out a statement now, whatever the statement."""
    return sqlstate is not None and sqlstate.startswith(_AWAY)


def _is_of_the_file(error: BaseException) -> bool:
    """Whether an error says that the file could not be read or written now."""
    if isinstance(error, OperationalError | InterfaceError | sqlite3.OperationalError):
        return True
    # Nothing more special than this: the file is no database, or a damaged one.
    return type(error) in (DatabaseError, sqlite3.DatabaseError)
