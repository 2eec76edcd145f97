"""Keeps the leases of the lanes whose answer is awaited: one statement for all of this process.

Decision 0144.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

from ava_common.database import Pool
from ava_common.log import log
from ava_whatsapp_gateway.queue.exceptions import LeaseLost, Release, RetryLater
from ava_whatsapp_gateway.queue.lanes import Event

_RENEWALS_PER_LEASE = 3

# A lane that is locked at this moment is renewed the next time; lost are those with another token, or gone.
_RENEW = """
with mine as (select * from unnest($1::bigint[], $2::uuid[]) as kept (contact_id, token)),
renewed as (
  update whatsapp.lanes as lane set due_at = clock_timestamp() + $3
  from (
    select l.contact_id from whatsapp.lanes as l join mine on mine.contact_id = l.contact_id
    where l.token = mine.token order by l.contact_id for update of l skip locked
  ) as held
  where lane.contact_id = held.contact_id
)
select mine.token from mine
where not exists (
  select from whatsapp.lanes as l where l.contact_id = mine.contact_id and l.token = mine.token)
"""


class LeaseKeeper:
    """The lanes of this process that wait for an answer; they hold no connection, and nobody's turn."""

    def __init__(self, pool: Pool, lease_seconds: float) -> None:
        self._pool, self._lease_seconds = pool, lease_seconds
        self.kept: dict[UUID, tuple[int, asyncio.Timeout]] = {}
        self.stopping = False
        self.changed = asyncio.Event()

    @asynccontextmanager
    async def keep(self, event: Event) -> AsyncIterator[None]:
        """Keep the lane of this event meanwhile. Raises LeaseLost as soon as another process has it.

        Raises RetryLater at a stop: the lane is given back, and another process asks again.
        """
        if self.stopping:
            raise RetryLater(Release(0.0, "stopping"))
        try:
            async with asyncio.timeout(None) as kept:
                self.kept[event.token] = event.contact.id, kept
                self.changed.set()
                yield
        except TimeoutError:
            if not kept.expired():
                raise
            raise (RetryLater(Release(0.0, "stopping")) if self.stopping else LeaseLost()) from None
        finally:
            del self.kept[event.token]

    async def renew_forever(self) -> None:
        """Renew in time, as long as the task runs."""
        while True:
            await asyncio.sleep(self._lease_seconds / _RENEWALS_PER_LEASE)
            try:
                await self.renew()
            except Exception as error:
                log.warning("leases.not_renewed", why=type(error).__name__)

    async def renew(self) -> None:
        """Renew all; what is no longer this process's is interrupted."""
        if not self.kept:
            return
        contacts = [contact for contact, _ in self.kept.values()]
        lease = timedelta(seconds=self._lease_seconds)
        for row in await self._pool.fetch(_RENEW, contacts, list(self.kept), lease):
            self._interrupt(row["token"])

    def give_up(self) -> None:
        """Interrupt all, because this process stops."""
        self.stopping = True
        for token in self.kept:
            self._interrupt(token)

    def _interrupt(self, token: UUID) -> None:
        _, kept = self.kept.get(token, (0, None))
        if kept and kept.when() is None:
            kept.reschedule(asyncio.get_running_loop().time())
