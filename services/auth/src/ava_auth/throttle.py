"""Throttle log-in and similar attempts: counted in PostgreSQL first, too many make the next one wait.

Decisions 0062 and 0096.
"""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from ava_auth.audit import AuditLog
from ava_auth.bookkeeping import recording
from ava_auth.problems import AccountsAway
from ava_auth.settings import Settings
from ava_common.attempt_limiter import AttemptLimiter, Limits, TooManyAttempts
from ava_common.database import Pool

Kind = Literal["login", "signup", "recover", "resend", "verify", "password", "refresh"]

_FORGET = """
with unfamiliar as (delete from accounts.familiar_networks where account = any($1))
delete from accounts.attempts where split_part(split_part(subject, ' account ', 2), ' at ', 1) = any($1)
"""
_FAMILIAR = """
select network, max(known_until) as known_until from accounts.familiar_networks
 where account = any($1) and known_until > now() group by network order by network
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
        async with recording(f"{self.kind}.succeeded"):
            await self.pool.execute(_FORGIVE, self.kind, self.network, self.account, _FAMILIAR_FOR)


class Throttle:
    """Limits per network (an IPv4 address, an IPv6 /64) and per account, existing or not."""

    def __init__(self, pool: Pool, audit_log: AuditLog, settings: Settings) -> None:
        self._pool, self._audit_log = pool, audit_log
        limits = Limits(
            network_free=settings.network_attempts,
            account_free=settings.account_attempts,
            quiet=timedelta(seconds=settings.attempt_window_seconds),
            longest=timedelta(seconds=settings.longest_wait_seconds),
        )
        self._limiter = AttemptLimiter(pool, "accounts", limits)

    @asynccontextmanager
    async def attempt(self, kind: Kind, client_ip: str, account: str | None) -> AsyncIterator[Attempt]:
        """Count one attempt before it is made. Raises TooManyAttempts, whether or not the account exists."""
        not_made = (AccountsAway, TooManyAttempts)  # for which the queue, or Supabase Auth, has no place
        counting = self._limiter.attempt(kind, client_ip, account, not_made=not_made)
        async with counting as counted:
            if counted.slowed_seconds:
                await self._audit_log.add(
                    f"{kind}.slowed",
                    account=account,
                    network=counted.network,
                    seconds=str(counted.slowed_seconds),
                )
            yield Attempt(self._pool, kind, counted.network, account)

    async def familiar_networks(self, *accounts: str) -> list[dict[str, Any]]:
        """Where the account has proven its password from: each network, and until when it is remembered.

        It is counted by the digest of its address and, once it is logged in, by its id.
        """
        return [dict(row) for row in await self._pool.fetch(_FAMILIAR, list(accounts))]

    async def forget(self, *accounts: str) -> None:
        """Drop what was counted for deleted accounts, and their familiar networks."""
        await self._pool.execute(_FORGET, list(accounts))

    async def apply_retention(self, audit_days: int) -> None:
        """Drop expired counters and networks, and audit events older than `audit_days`."""
        await self._pool.execute(_APPLY_RETENTION, audit_days)
