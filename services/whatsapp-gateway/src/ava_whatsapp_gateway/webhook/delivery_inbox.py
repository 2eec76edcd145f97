"""Group commit of deliveries: what gathers during one commit goes into the next, a lone one at once.

Decisions 0053, 0156, 0165 and 0186.
"""

import asyncio
import hashlib
from dataclasses import dataclass, field

from asyncpg import DeadlockDetectedError, UniqueViolationError

from ava_common.database import Connection, Pool
from ava_common.database_errors import is_about_data
from ava_common.log import log
from ava_common.problems import DatabaseAway
from ava_whatsapp_gateway.metrics import COMMIT_SIZE, DELIVERIES

_MAX_ROWS = 128
_MAX_BYTES = 8 * 1024 * 1024
WAITING_MAX_ROWS = 4 * _MAX_ROWS
WAITING_MAX_BYTES = 4 * _MAX_BYTES
"""What may wait for its commit: more would be answered too late to count, and fill the memory."""

_TIMEOUT_SECONDS = 5.0
"""Meta gives up on a delivery after some seconds; a slow database counts as one that is away."""

_TURNS = 3
"""Of the event loop, before each commit: what has reached our sockets by then shares it."""

# That they wait is in a row of its own, so that theirs are never changed (decision 0186).
# "on conflict" would write a second record for each (decision 0178). What is known is looked up one by one.
KEEP = """
with kept as (
  insert into whatsapp.deliveries (digest, body, trace, state)
  select *, 'split' from unnest($1::bytea[], $2::bytea[], $3::text[]) as new (digest, body, trace)
  where (select known.id from whatsapp.deliveries as known where known.digest = new.digest) is null
  returning id)
insert into whatsapp.arrivals (delivery_ids) select array_agg(id order by id) from kept having count(*) > 0
returning cardinality(delivery_ids)
"""
_KNOWN = "deliveries_digest_key"
_KEPT, _DUPLICATE = DELIVERIES.labels("kept"), DELIVERIES.labels("duplicate")


@dataclass(slots=True, eq=False)
class Delivery:
    """Raw bytes with a valid signature, and the trace they arrived in."""

    body: bytes = field(repr=False)
    trace: str
    digest: bytes
    kept: "asyncio.Future[None]"


class Inbox:
    """Many deliveries share one commit; each is acknowledged after its own is done."""

    def __init__(self, pool: Pool, arrived: asyncio.Event) -> None:
        self._pool = pool
        self._arrived = arrived
        self._waiting: list[Delivery] = []
        self._waiting_bytes = 0
        self._committing: asyncio.Task[None] | None = None

    @property
    def is_full(self) -> bool:
        """Whether so many wait already that one more has to come again later."""
        return len(self._waiting) >= WAITING_MAX_ROWS or self._waiting_bytes >= WAITING_MAX_BYTES

    def keep(self, body: bytes, trace: str) -> "asyncio.Future[None]":
        """Durable when the future is done, now or already: identical bytes are stored once.

        Fails with DatabaseAway, whatever the reason; then nothing may be acknowledged.
        """
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(Delivery(body, trace, hashlib.sha256(body).digest(), kept))
        self._waiting_bytes += len(body)
        if self._committing is None:
            self._committing = asyncio.create_task(self._work_off())
        return kept

    async def _work_off(self) -> None:
        """What waits and what gathers meanwhile, on one connection: getting one costs as much as two rows."""
        while self._waiting:
            group: list[Delivery] = []
            try:
                async with asyncio.timeout(_TIMEOUT_SECONDS) as limit, self._pool.acquire() as connection:
                    while self._waiting:
                        for _ in range(_TURNS):
                            await asyncio.sleep(0)
                        group = self._next_group()
                        await self._commit(connection, group)
                        self._arrived.set()
                        limit.reschedule(asyncio.get_running_loop().time() + _TIMEOUT_SECONDS)
            except Exception as error:
                _fail(group or self._next_group(), error)
        self._committing = None

    def _next_group(self) -> list[Delivery]:
        size, count = 0, 0
        for delivery in self._waiting[:_MAX_ROWS]:
            size += len(delivery.body)
            if count and size > _MAX_BYTES:
                break
            count += 1
        group, self._waiting = self._waiting[:count], self._waiting[count:]
        self._waiting_bytes -= sum(len(delivery.body) for delivery in group)
        return group

    async def _commit(self, connection: Connection, group: list[Delivery]) -> None:
        try:
            new = await _store(connection, group)
        except Exception as error:
            # Two processes that store the same in different orders can wait for each other in a circle.
            if not (is_about_data(error) or isinstance(error, DeadlockDetectedError)):
                raise
            for delivery in group if len(group) > 1 else ():  # one bad row must not cost the others
                await self._commit(connection, [delivery])
            _fail(group, error)
            return
        COMMIT_SIZE.observe(len(group))
        _KEPT.inc(new)
        _DUPLICATE.inc(len(group) - new)
        for delivery in group:
            if not delivery.kept.done():  # the client may have disconnected meanwhile
                delivery.kept.set_result(None)


async def _store(connection: Connection, group: list[Delivery]) -> int:
    """How many of them are new; the others are durable already."""
    rows = {d.digest: d for d in group}.values()
    columns = [d.digest for d in rows], [d.body for d in rows], [d.trace for d in rows]
    try:
        return await connection.fetchval(KEEP, *columns) or 0
    except UniqueViolationError as error:
        if len(group) > 1 or error.constraint_name != _KNOWN:
            raise
        return 0  # another process has committed the same bytes at this moment


def _fail(group: list[Delivery], error: Exception) -> None:
    waiting = [delivery for delivery in group if not delivery.kept.done()]
    if waiting:
        DELIVERIES.labels("database_away").inc(len(waiting))
        log.warning("deliveries.not_kept", error=type(error).__name__, count=len(waiting))
    for delivery in waiting:
        delivery.kept.set_exception(DatabaseAway())
