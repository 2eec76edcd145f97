"""What is read after a run: the simulator's oracle, the message log, the gateway's outbox and events."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from chaos.simulator_client import SimulatorClient


@dataclass(frozen=True)
class MessageRow:
    """A row of the message log; `user` is a UUID as text."""

    user: str
    channel: str
    role: str
    content: str
    external_id: str | None


@dataclass(frozen=True)
class OutboxRow:
    """A row of the gateway's outbox; `answers` is the id of the message it answers or is due to."""

    id: str
    answers: str
    state: str
    kind: str = "answer"
    undeliverable: bool = False


@dataclass(frozen=True)
class Observations:
    """Everything the invariants are checked against; `owners` maps each text to whose log may have it.

    What was sent to a number that had just been given up (`given_up`) reaches no phone, as with WhatsApp.
    `begun_at_kills` are the sends that had begun when the gateway was killed, and of which nothing was known.
    """

    oracle: dict[str, Any]
    rows: Sequence[MessageRow]
    outbox_rows: Sequence[OutboxRow]
    unfinished_events: dict[str, int]
    owners: Mapping[str, frozenset[str]]
    given_up: frozenset[str] = frozenset()
    begun_at_kills: frozenset[str] = frozenset()


_ROWS = "select user_id::text, channel, role, content, external_id from public.messages"
_OUTBOX_ROWS = """
select o.id::text, e.key, o.state, o.kind, coalesce(o.code = 131026, false)
from whatsapp.outbox as o join whatsapp.events as e on e.id = o.event_id
"""
_BEGUN = "select id::text from whatsapp.outbox where state = 'sending'"
_UNFINISHED_EVENTS = (
    "select state, count(*) from whatsapp.events where state not in ('done', 'ignored') group by state"
)
_UNFINISHED_COUNT = """
select (select count(*) from whatsapp.deliveries where state = 'new')
  + (select count(*) from whatsapp.arrivals)
  + (select count(*) from whatsapp.events where state in ('ready', 'awaiting'))
  + (select count(*) from whatsapp.outbox where state in ('ready', 'sending', 'unknown'))
  + (select count(*) from whatsapp.statuses as s where not applied
      and exists (select from whatsapp.outbox as o where o.id = s.outbox_id))
"""


# Everything asyncpg may raise when a server is killed, at any point of a conversation.
CONNECTION_ERRORS = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


async def collect(
    database_url: str,
    simulator: SimulatorClient,
    owners: Mapping[str, frozenset[str]],
    given_up: frozenset[str] = frozenset(),
    begun_at_kills: frozenset[str] = frozenset(),
) -> Observations:
    """Read everything, as the database's administrator."""
    connection = await asyncpg.connect(database_url)
    try:
        rows = [MessageRow(*row) for row in await connection.fetch(_ROWS)]
        outbox_rows = [OutboxRow(*row) for row in await connection.fetch(_OUTBOX_ROWS)]
        unfinished = {row[0]: row[1] for row in await connection.fetch(_UNFINISHED_EVENTS)}
    finally:
        await connection.close()
    oracle = await simulator.oracle()
    return Observations(oracle, rows, outbox_rows, unfinished, owners, given_up, begun_at_kills)


async def begun_sends(database_url: str) -> frozenset[str]:
    """The sends of which only the process that began them knows more; waits for a database that is away."""
    while True:
        try:
            connection = await asyncpg.connect(database_url, timeout=5)
            try:
                return frozenset(row[0] for row in await connection.fetch(_BEGUN))
            finally:
                connection.terminate()
        except CONNECTION_ERRORS:
            await asyncio.sleep(0.1)


async def unfinished_count(database_url: str) -> int | None:
    """How much the gateway still has to do; None when the database does not answer."""
    try:
        connection = await asyncpg.connect(database_url, timeout=5)
    except CONNECTION_ERRORS:
        return None
    try:
        count: int = await connection.fetchval(_UNFINISHED_COUNT, timeout=30)
        return count
    except CONNECTION_ERRORS:
        return None
    finally:
        connection.terminate()
