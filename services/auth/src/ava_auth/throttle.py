"""Throttle log-in and similar attempts: counted in PostgreSQL first, too many make the next one wait.

Decision 0062.
"""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from ava_auth.audit import AuditLog
from ava_auth.client_ip import network_of
from ava_auth.problems import AccountsAway, TooManyAttempts
from ava_auth.settings import Settings
from ava_common.database import Pool

Kind = Literal["login", "signup", "recover", "resend", "verify", "password", "refresh"]

_COUNT = """
select accounts.attempt(p_kind => $1, p_network => $2, p_account => $3, p_network_free => $4,
  p_account_free => $5, p_quiet => $6, p_longest => $7)
"""
_FORGET = """
with unfamiliar as (delete from accounts.familiar_networks where account = any($1))
delete from accounts.attempts where split_part(split_part(subject, ' account ', 2), ' at ', 1) = any($1)
"""
_FORGIVE = """
select accounts.forgive(p_kind => $1, p_network => $2, p_account => $3, p_known => $4)
"""
_APPLY_RETENTION = "select accounts.forget(p_audit_days => $1)"
_FAMILIAR_FOR = timedelta(days=90)


def account_digest(email: str) -> str:
    """The account's name where no e-mail address may be stored: the hex SHA-256 of the address."""
    return hashlib.sha256(email.strip().lower().encode()).hexdigest()


@dataclass(frozen=True)
class Attempt:
    """One counted attempt: the network it came from and the account it was for."""

    pool: Pool
    kind: Kind
    network: str
    account: str | None

    async def succeeded(self) -> None:
        """Reset what was counted for the account, and remember its network as familiar."""
        await self.pool.execute(_FORGIVE, self.kind, self.network, self.account, _FAMILIAR_FOR)

    async def withdrawn(self) -> None:
        """Take the attempt back: it could not be made, because something else failed."""
        await self.pool.execute(_FORGIVE, self.kind, self.network, self.account, None)


class Throttle:
    """Limits per network (an IPv4 address, an IPv6 /64) and per account, existing or not."""

    def __init__(self, pool: Pool, audit_log: AuditLog, settings: Settings) -> None:
        self._pool, self._audit_log = pool, audit_log
        self._free = settings.network_attempts, settings.account_attempts
        self._window = timedelta(seconds=settings.attempt_window_seconds)
        self._longest = timedelta(seconds=settings.longest_wait_seconds)

    @asynccontextmanager
    async def attempt(self, kind: Kind, client_ip: str, account: str | None) -> AsyncIterator[Attempt]:
        """Count one attempt before it is made. Raises TooManyAttempts, whether or not the account exists."""
        attempt = Attempt(self._pool, kind, network_of(client_ip), account)
        wait = await self._pool.fetchval(
            _COUNT, kind, attempt.network, account, *self._free, self._window, self._longest
        )
        if wait > 0:
            raise TooManyAttempts(wait)
        if wait < 0:
            await self._audit_log.add(
                f"{kind}.slowed", account=account, network=attempt.network, seconds=str(-wait)
            )
        try:
            yield attempt
        except AccountsAway:
            await attempt.withdrawn()
            raise

    async def forget(self, *accounts: str) -> None:
        """Drop what was counted for deleted accounts, and their familiar networks."""
        await self._pool.execute(_FORGET, list(accounts))

    async def apply_retention(self, audit_days: int) -> None:
        """Drop expired counters and networks, and audit events older than `audit_days`."""
        await self._pool.execute(_APPLY_RETENTION, audit_days)
