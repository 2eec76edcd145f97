"""While messages flow, numbers go to other accounts under locks, and phones move to other numbers.

Decisions 0093 and 0094.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg

from chaos.observations import CONNECTION_ERRORS
from chaos.simulated_users import SimulatedUser
from chaos.simulator_client import SimulatorClient

POLL_SECONDS = 0.2
_MOVED_PREFIX = "+49152"

_UNLINK = (
    "update public.user_preferences set whatsapp_phone = null, whatsapp_linked_at = null where user_id = $1"
)
_LINK = """
insert into public.user_preferences (user_id, whatsapp_phone, whatsapp_linked_at) values ($1, $2, now())
on conflict (user_id) do update set whatsapp_phone = $2, whatsapp_linked_at = now()
"""
_LOCK = "select whatsapp.wake(array(select id from whatsapp.contacts where wa_digits = $1), false)"
_KNOWN = """
select exists (
  select from whatsapp.contacts as c join whatsapp.events as e on e.contact_id = c.id
  where c.wa_digits = $1 and c.user_id = $2 and c.bsuid is not null and e.state = 'done')
"""


@dataclass
class LinkChanges:
    """What changes about these users; every second one moves, the others' numbers go to an heir."""

    database_url: str
    simulator: SimulatorClient
    users: Sequence[SimulatedUser]
    heirs: Sequence[SimulatedUser]
    patience_seconds: float
    """How long a user may wait for an answer; the Graph API may be away meanwhile."""
    sending: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while messages are sent, so that none is sent from a number at the moment it is given up."""
    numbers: dict[str, str] = field(default_factory=dict)
    """The numbers of today, by the first ones."""
    handed_over_at: dict[int, float] = field(default_factory=dict)
    """When a number had become the heir's, by the user's index; what is said later is the heir's alone."""
    refused: int = 0
    """How many changes failed because a lane was locked."""

    async def make(self) -> None:
        """All of them, one after the other, each once the gateway knows the user."""
        for user, heir in zip(self.users, self.heirs, strict=True):
            await self._until_known(user)
            await (self._move(user) if user.index % 2 else self._hand_over(user, heir))

    def owners(self, user: SimulatedUser, sent_at: float) -> frozenset[str]:
        """Who may have in their log what this user's phone said at that time."""
        if user not in self.users or user.index % 2:
            return frozenset([str(user.id)])
        heir = str(self.heirs[self.users.index(user)].id)
        handed_over = sent_at > self.handed_over_at.get(user.index, sent_at)
        return frozenset([heir] if handed_over else [str(user.id), heir])

    async def _move(self, user: SimulatedUser) -> None:
        number = f"{_MOVED_PREFIX}{user.number.removeprefix('+49151')}"
        async with self.sending:
            await self.simulator.change_number(user.number, number)
            self.numbers[user.number] = number

    async def _hand_over(self, user: SimulatedUser, heir: SimulatedUser) -> None:
        await self._change(user.number, _UNLINK, user.id)
        await self._change(user.number, _LINK, heir.id, user.number)
        self.handed_over_at[user.index] = time.monotonic()

    async def _change(self, number: str, sql: str, *arguments: object) -> None:
        """First while the lane is locked, which must change nothing, then until it is done."""
        locked = True
        while True:
            try:
                async with self._connection() as worker, worker.transaction(), self._connection() as profile:
                    if locked:
                        await worker.execute(_LOCK, number.removeprefix("+"))
                    await profile.execute("set lock_timeout = '500ms'")
                    await profile.execute(sql, *arguments)
                return
            except asyncpg.LockNotAvailableError:
                self.refused += locked
                locked = False
            except CONNECTION_ERRORS:
                await asyncio.sleep(POLL_SECONDS)

    async def _until_known(self, user: SimulatedUser) -> None:
        """Until a message was answered: what was never looked up cannot follow a move."""
        until = time.monotonic() + self.patience_seconds
        while time.monotonic() < until:
            try:
                async with self._connection() as connection:
                    if await connection.fetchval(_KNOWN, user.number.removeprefix("+"), user.id):
                        return
            except CONNECTION_ERRORS:
                pass  # killed; it comes back
            await asyncio.sleep(POLL_SECONDS)
        raise TimeoutError(f"{user.number} was not answered within {self.patience_seconds:.0f} s")

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(self.database_url, timeout=5)
        try:
            yield connection
        finally:
            connection.terminate()
