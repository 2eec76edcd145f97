"""Attempts are counted in PostgreSQL before they are made; too many make the next one wait."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from ava_auth.audit import Trail
from ava_auth.network import network
from ava_auth.refusals import AccountsAway, TooManyAttempts
from ava_auth.settings import Settings
from ava_common.database import Pool

Kind = Literal["login", "signup", "recover", "resend", "verify", "password", "refresh"]

_COUNT = "select accounts.attempt($1, $2, $3, $4, $5, $6, $7)"
_FORGET = """
with unfamiliar as (delete from accounts.familiar_networks where account = any($1))
delete from accounts.attempts where split_part(split_part(subject, ' account ', 2), ' at ', 1) = any($1)
"""
_FORGIVE = "select accounts.forgive($1, $2, $3, $4)"
_FAMILIAR_FOR = timedelta(days=90)


def digest(email: str) -> str:
    """How an account is named where no address may stand."""
    return hashlib.sha256(email.strip().lower().encode()).hexdigest()


@dataclass(frozen=True)
class Attempt:
    """One counted try: where it came from, and the account it was for."""

    pool: Pool
    kind: Kind
    network: str
    account: str | None

    async def succeeded(self) -> None:
        """It was a good one: what was counted for the account is forgiven, and the network is familiar."""
        await self.pool.execute(_FORGIVE, self.kind, self.network, self.account, _FAMILIAR_FOR)

    async def withdrawn(self) -> None:
        """It could not be made at all, which is nobody's fault."""
        await self.pool.execute(_FORGIVE, self.kind, self.network, self.account, None)


class Attempts:
    """Limits per network (an IPv4 address, an IPv6 /64) and per account, the same for everybody."""

    def __init__(self, pool: Pool, trail: Trail, settings: Settings) -> None:
        self._pool, self._trail = pool, trail
        self._free = settings.network_attempts, settings.account_attempts
        self._window = timedelta(seconds=settings.attempt_window)
        self._longest = timedelta(seconds=settings.longest_wait)

    @asynccontextmanager
    async def count(self, kind: Kind, address: str, account: str | None) -> AsyncIterator[Attempt]:
        """Count one attempt before it is made. Raises TooManyAttempts, whether or not the account exists."""
        attempt = Attempt(self._pool, kind, network(address), account)
        wait = await self._pool.fetchval(
            _COUNT, kind, attempt.network, account, *self._free, self._window, self._longest
        )
        if wait > 0:
            raise TooManyAttempts(wait)
        if wait < 0:
            await self._trail.add(
                f"{kind}.slowed", account=account, network=attempt.network, seconds=str(-wait)
            )
        try:
            yield attempt
        except AccountsAway:
            await attempt.withdrawn()
            raise

    async def forget(self, *accounts: str) -> None:
        """Where and how often a deleted account was used is nobody's business any more."""
        await self._pool.execute(_FORGET, list(accounts))
