"""Limit attempts per account and network: counted in PostgreSQL first, too many make the next one wait.

Decisions 0062 and 0096.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

from ava_common.client_ip import network_of
from ava_common.database import AWAY, Pool
from ava_common.problems import Problem


class TooManyAttempts(Problem):
    """Too many attempts. Wait as long as Retry-After says, then try again."""

    status = 429

    def __init__(self, seconds: int) -> None:
        words = f"{seconds} seconds" if seconds < 120 else f"{-(-seconds // 60)} minutes"
        super().__init__(
            f"Too many attempts. Wait {words}, then try again.", headers={"Retry-After": str(seconds)}
        )


@dataclass(frozen=True)
class Limits:
    """How many attempts are free, how long a quiet time makes them free again, and the longest wait."""

    network_free: int
    account_free: int
    quiet: timedelta
    longest: timedelta


@dataclass(frozen=True)
class Attempt:
    """One counted attempt; the next one has to wait `slowed_seconds`."""

    kind: str
    network: str
    account: str | None
    slowed_seconds: int


class AttemptLimiter:
    """Counts with the functions `attempt` and `withdraw` of one schema, which the service owns."""

    def __init__(self, pool: Pool, schema: str, limits: Limits) -> None:
        self._pool, self._limits = pool, limits
        self._count = f"""
select {schema}.attempt(p_kind => $1, p_network => $2, p_account => $3, p_network_free => $4,
  p_account_free => $5, p_quiet => $6, p_longest => $7)
"""
        self._withdraw = f"select {schema}.withdraw(p_kind => $1, p_network => $2, p_account => $3)"

    @asynccontextmanager
    async def attempt(
        self, kind: str, client_ip: str, account: str | None, *, not_made: tuple[type[Exception], ...] = ()
    ) -> AsyncIterator[Attempt]:
        """Count one attempt before it is made. Raises TooManyAttempts, whatever the attempt is about.

        Errors in `not_made` say that it could not be made, so it is not counted after all.
        """
        subject = kind, network_of(client_ip), account
        slowed_seconds = await self._counted(*subject)
        try:
            yield Attempt(*subject, slowed_seconds)
        except not_made:
            with suppress(*AWAY):
                await self._pool.execute(self._withdraw, *subject)
            raise

    async def _counted(self, *subject: str | None) -> int:
        limits = self._limits
        free = limits.network_free, limits.account_free
        wait: int = await self._pool.fetchval(self._count, *subject, *free, limits.quiet, limits.longest)
        if wait > 0:
            raise TooManyAttempts(wait)
        return -wait
