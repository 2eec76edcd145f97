"""Forget numbers that were typed and never proven, some time after their code became worthless.

Decision 0136.
"""

import asyncio
from datetime import timedelta

import asyncpg
from prometheus_client import Counter, Gauge

from ava_common.database import AWAY, Pool
from ava_common.log import log

RETENTION_INTERVAL_SECONDS = 3600
_BATCH = 500

DELETED = Counter(
    "profile_retention_deleted", "Rows deleted because they were kept long enough, by kind.", ["kind"]
)
KEPT_AGE = Gauge("profile_kept_age_seconds", "Age of the oldest row of each kind that has a limit.", ["kind"])
KEPT_LIMIT = Gauge("profile_kept_limit_seconds", "How long rows of each kind are kept.", ["kind"])

_FORGET = """
select forgotten, oldest_seconds from profile.forget_unproven_numbers(p_keep => $1, p_most => $2)
"""


async def forget(pool: Pool, days: float) -> int:
    """Up to a batch of them; the number of those forgotten."""
    row = await pool.fetchrow(_FORGET, timedelta(days=days), _BATCH)
    assert row is not None  # noqa: S101 - a function that returns one row
    DELETED.labels("unproven_numbers").inc(row["forgotten"])
    KEPT_AGE.labels("unproven_numbers").set(row["oldest_seconds"])
    KEPT_LIMIT.labels("unproven_numbers").set(timedelta(days=days).total_seconds())
    return int(row["forgotten"])


async def apply_retention(pool: Pool, days: float) -> None:
    """Once an hour, until there are none left to forget."""
    while True:
        try:
            while await forget(pool, days):
                pass
        except (*AWAY, asyncpg.PostgresError) as error:
            log.warning("retention.failed", error=type(error).__name__)
        await asyncio.sleep(RETENTION_INTERVAL_SECONDS)
