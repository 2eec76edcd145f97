"""Statuses of sends: stored once each, and merged into their sends, whichever comes first.

Decisions 0051, 0160 and 0174.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from ava_common.database import BUSY, Connection, Pool
from ava_whatsapp_gateway.cloud_api.updates import Status
from ava_whatsapp_gateway.metrics import STATUSES

_KEEP = """
select whatsapp.keep_statuses_2(p_wamids => $1, p_statuses => $2, p_ranks => $3, p_outbox_ids => $4,
  p_ats => $5, p_codes => $6, p_errors => $7)
"""
_SETTLE = "select whatsapp.settle(p_limit => $1)"
_AT_ONCE = 500
"""At most so many sends in one transaction."""


async def keep(connection: Connection, told: Sequence[tuple[datetime, Status]]) -> int:
    """Store them, each with when its delivery came; those of accepted sends are merged. How many are left.

    After the lanes were locked, because it locks sends.
    """
    rows = [
        (item.wamid, item.status, item.rank, item.send_id, item.at or received_at, item.code, item.error)
        for received_at, item in told
    ]
    for _, item in told:
        STATUSES.labels(item.status, "" if item.code is None else str(item.code)).inc()
    return int(await connection.fetchval(_KEEP, *zip(*rows, strict=True)))


async def settle(pool: Pool) -> None:
    """Merge what is left, by itself, so that lanes are locked before sends; maintenance repeats it."""
    with suppress(*BUSY):
        while await pool.fetchval(_SETTLE, _AT_ONCE):
            pass
