"""How often an account and a network may link or unlink a number, so that nobody can try numbers.

Decision 0096.
"""

from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Literal

import asyncpg

from ava_common.attempt_limiter import Attempt, AttemptLimiter, Limits
from ava_common.caller import Caller
from ava_common.database import AWAY, Pool
from ava_common.problems import DatabaseAway
from ava_profile.settings import Settings

Kind = Literal["link", "unlink"]
_NOT_MADE = (*AWAY, asyncpg.PostgresError, DatabaseAway)


def link_limiter(pool: Pool, settings: Settings) -> AttemptLimiter:
    """Counts in profile.attempts."""
    limits = Limits(
        network_free=settings.link_network_attempts,
        account_free=settings.link_account_attempts,
        quiet=timedelta(seconds=settings.link_attempt_window_seconds),
        longest=timedelta(seconds=settings.link_longest_wait_seconds),
    )
    return AttemptLimiter(pool, "profile", limits)


def limited(
    limiter: AttemptLimiter, kind: Kind, client_ip: str, caller: Caller
) -> AbstractAsyncContextManager[Attempt]:
    """Counted before it is made, whatever its outcome; not when the database could not do it."""
    return limiter.attempt(kind, client_ip, str(caller.id), not_made=_NOT_MADE)
