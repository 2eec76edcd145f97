"""What can be known afterwards: the platform's oracle, the message log, the gateway's own books."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from ava_local.chaos.people import Person
from ava_local.chaos.platform import Platform


@dataclass(frozen=True)
class Row:
    """One line of the message log; `user` is a UUID in text."""

    user: str
    channel: str
    role: str
    content: str
    external_id: str | None


@dataclass(frozen=True)
class Letter:
    """One line of the gateway's outbox; `answers` is the id of the message it answers."""

    id: str
    answers: str
    state: str


@dataclass(frozen=True)
class Facts:
    """Everything the verdict is made of; `owners` says whose number is whose."""

    oracle: dict[str, Any]
    rows: Sequence[Row]
    letters: Sequence[Letter]
    stuck: dict[str, int]
    owners: dict[str, str]


_ROWS = "select user_id::text, channel, role, content, external_id from public.messages"
_LETTERS = """
select o.id::text, e.key, o.state from whatsapp.outbox as o join whatsapp.events as e on e.id = o.event_id
"""
_STUCK = "select state, count(*) from whatsapp.events where state not in ('done', 'ignored') group by state"
_OPEN = """
select (select count(*) from whatsapp.deliveries where state = 'new')
  + (select count(*) from whatsapp.events where state in ('ready', 'awaiting'))
  + (select count(*) from whatsapp.outbox where state in ('ready', 'sending', 'unknown'))
  + (select count(*) from whatsapp.statuses as s where not applied
      and exists (select from whatsapp.outbox as o where o.id = s.outbox_id))
"""


# Whatever asyncpg says when a server is killed under it, at any point of a conversation.
_AWAY = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


async def gather(database_url: str, platform: Platform, people: Sequence[Person]) -> Facts:
    """Read it all, as the database's administrator."""
    connection = await asyncpg.connect(database_url)
    try:
        rows = [Row(*row) for row in await connection.fetch(_ROWS)]
        letters = [Letter(*row) for row in await connection.fetch(_LETTERS)]
        stuck = {row[0]: row[1] for row in await connection.fetch(_STUCK)}
    finally:
        await connection.close()
    owners = {person.number: str(person.id) for person in people}
    return Facts(await platform.oracle(), rows, letters, stuck, owners)


async def still_open(database_url: str) -> int | None:
    """How much the gateway has yet to do; None when the database does not answer."""
    try:
        connection = await asyncpg.connect(database_url, timeout=5)
    except _AWAY:
        return None
    try:
        count: int = await connection.fetchval(_OPEN, timeout=30)
        return count
    except _AWAY:
        return None
    finally:
        connection.terminate()
