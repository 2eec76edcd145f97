"""The audit log of security events: ids, digests and words; never a secret, an address or a number.

Decisions 0067 and 0136.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from prometheus_client import Counter, Gauge

from ava_common.database import Pool
from ava_common.tracing import current_trace

EVENTS = Counter("auth_security_events", "Security events written to the audit log.", ["event"])

KEPT_AGE = Gauge("auth_kept_age_seconds", "Age of the oldest row of each kind that has a limit.", ["kind"])
KEPT_LIMIT = Gauge("auth_kept_limit_seconds", "How long rows of each kind are kept.", ["kind"])

_AGE = "select coalesce(extract(epoch from clock_timestamp() - min(at)), 0)::float from accounts.audit"
_ADD = """
insert into accounts.audit (event, user_id, account, network, request_id, detail)
values ($1, $2, $3, $4, $5, $6::jsonb)
"""
_SELECT = "select at, event, user_id, account, network, request_id, detail"
_NEWEST_FIRST = "order by at desc, id desc limit"
_FILTERS = ("at >= ${}::timestamptz", "event like ${}::text || '%'", "user_id = ${}", "account = ${}")
# Plans are kept (decision 0168), so each index is asked by a condition of its own.
_READ_OF_USER = f"""
{_SELECT} from (
  (select * from accounts.audit where user_id = $1 {_NEWEST_FIRST} $3)
  union
  (select * from accounts.audit where account = $2 {_NEWEST_FIRST} $3)
) as theirs {_NEWEST_FIRST} $3
"""  # noqa: S608 - of constants


@dataclass(frozen=True)
class AuditEvent:
    """One entry of the audit log."""

    at: datetime
    event: str
    user_id: UUID | None
    account: str | None
    network: str | None
    request_id: str | None
    detail: dict[str, Any]


class AuditLog:
    """Adds to the audit log; entries can be neither changed nor removed before their time."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(
        self,
        event: str,
        *,
        user_id: UUID | None = None,
        account: str | None = None,
        network: str | None = None,
        **detail: str,
    ) -> None:
        """Write one event, e.g. `login.refused`; `account` is the digest of an e-mail address."""
        EVENTS.labels(event).inc()
        request, words = current_trace().request_id[:100], orjson.dumps(detail).decode()
        await self._pool.execute(_ADD, event, user_id, account, network, request, words)

    async def set_gauges(self, audit_days: int) -> None:
        """The age of the oldest entry, beside its limit."""
        KEPT_AGE.labels("audit").set(await self._pool.fetchval(_AGE))
        KEPT_LIMIT.labels("audit").set(timedelta(days=audit_days).total_seconds())

    async def read(
        self,
        *,
        since: datetime | None = None,
        event: str | None = None,
        user_id: UUID | None = None,
        account: str | None = None,
        limit: int = 100,
    ) -> AsyncIterator[AuditEvent]:
        """The newest events first; `event` may be the beginning of a name."""
        for row in await self._pool.fetch(*_question(limit, since, event, user_id, account)):
            yield _event(row)

    async def read_of_user(self, user_id: UUID, account: str, limit: int) -> list[AuditEvent]:
        """The newest events about a user, also those where only the digest of the address was known."""
        return [_event(row) for row in await self._pool.fetch(_READ_OF_USER, user_id, account, limit)]


def _question(limit: int, *values: Any) -> list[Any]:
    """The statement for the filters that have a value, and its parameters."""
    given = [(filter_, value) for filter_, value in zip(_FILTERS, values, strict=True) if value is not None]
    where = " and ".join(filter_.format(n) for n, (filter_, _) in enumerate(given, 2)) or "true"
    question = f"{_SELECT} from accounts.audit where {where} {_NEWEST_FIRST} $1"
    return [question, limit, *(value for _, value in given)]


def _event(row: asyncpg.Record) -> AuditEvent:
    return AuditEvent(**{**dict(row), "detail": orjson.loads(row["detail"])})
