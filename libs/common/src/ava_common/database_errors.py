"""Whose fault a database error is: the database's, which is away or busy, or that of the data.

Decision 0104. See docs/contracts/postgres.md#errors.
"""

import asyncpg

_AWAY_STATES = ("08", "28", "53", "57", "58", "XX", "25006", "26000")
"""Lost connections, log-ins, resources, operators, files, internal errors; a read-only database, and a pooler
that has changed the session. SQLSTATE classes, and single codes of classes that say other things too."""

_DATA_STATES = ("22", "23")
_SESSION_ENDED = ("FATAL", "PANIC")


class DatabaseUnavailable(Exception):
    """The database is away: no connection was made in time, or the one in use does not work any more."""

    def __init__(self, cause: BaseException) -> None:
        self.cause = cause
        state = getattr(cause, "sqlstate", None)
        self.why = f"{type(cause).__name__} {state}" if state else type(cause).__name__
        super().__init__(self.why)


AWAY = (DatabaseUnavailable,)
"""What a pool raises when the database is away. Inside a block that holds a connection, ask `is_away`."""

BUSY = (asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError, asyncpg.SerializationError)
"""What asyncpg raises when others had locked what was asked for: nothing was done; it may be tried again."""


def is_away(error: BaseException) -> bool:
    """Whether an error of asyncpg says that the database is away, and nothing about the statement."""
    if isinstance(error, asyncpg.PostgresError):
        ended = getattr(error, "severity_en", None) in _SESSION_ENDED
        return ended or (error.sqlstate or "").startswith(_AWAY_STATES)
    if isinstance(error, asyncpg.InterfaceError):
        return not isinstance(error, ValueError)  # a URL or a parameter that asyncpg itself refuses
    return isinstance(error, DatabaseUnavailable | asyncpg.InternalClientError | OSError | TimeoutError)


def translated(error: Exception) -> Exception:
    """DatabaseUnavailable when this error says that the database is away, else the error as it is."""
    return DatabaseUnavailable(error) if is_away(error) else error


def is_about_data(error: BaseException) -> bool:
    """Whether what was being handled is the cause; of the database's errors only classes 22 and 23 say so."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(_DATA_STATES)
    return not is_away(error)
