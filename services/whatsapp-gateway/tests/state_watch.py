"""Notes every change of state in a test's database: one that docs/states.md does not know fails the test."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from ava_local.postgres.cluster import SUPERUSER
from ava_local.testing.databases import Database
from ava_whatsapp_gateway.queue.states import EVENT_TRANSITIONS, SEND_TRANSITIONS, Actor, SendState

DRAWN: dict[str, Mapping[Any, AbstractSet[Actor]]] = {"events": EVENT_TRANSITIONS, "outbox": SEND_TRANSITIONS}
"""The transitions that are allowed, by table of the schema `whatsapp`."""

Transition = tuple[str, str | None, str | None]
"""A table, the state before (None: made) and the state after (None: deleted)."""

# It notes and does not refuse: the code under test might swallow or retry an error. Deletions are noted when
# they are asked for directly, not when an account takes its rows along.
_INSTALL = """
do $do$ declare t text; begin
  create schema watched;
  create unlogged table watched.transitions (of text, before text, after text);
  create function watched.note() returns trigger
  language plpgsql security definer set search_path = '' as $$ begin
    insert into watched.transitions values (
      tg_table_name,
      case when tg_op <> 'INSERT' then old.state end,
      case when tg_op <> 'DELETE' then new.state end);
    return null;
  end $$;
  foreach t in array array['events', 'outbox'] loop
    execute format('create trigger note_made after insert on whatsapp.%I
      for each row execute function watched.note()', t);
    execute format('create trigger note_changed after update on whatsapp.%I
      for each row when (old.state is distinct from new.state) execute function watched.note()', t);
    execute format('create trigger note_deleted after delete on whatsapp.%I
      for each row when (pg_trigger_depth() = 0) execute function watched.note()', t);
  end loop;
end $do$
"""


_EVENT = """
with sender as (insert into whatsapp.contacts (wa_digits) values ($2) returning id)
insert into whatsapp.events
  (key, contact_id, kind, state, turn_id, words, sent_at, received_at, changed_at, item)
select 'wamid.' || $2, id, 'text', $1, gen_random_uuid(), 'hello', long_ago, long_ago, long_ago, '{}'
from sender, (values (clock_timestamp() - interval '100 days')) as t (long_ago) returning id
"""
_EVENTS = """
with sender as (insert into whatsapp.contacts (wa_digits) values ('4915100000000') returning id)
insert into whatsapp.events (key, contact_id, kind, state, turn_id, words, sent_at, received_at, item)
select 'wamid.' || lpad(n::text, 6, '0'), id, 'text', $1, gen_random_uuid(), 'hello',
  at + n * interval '1 s', at + n * interval '1 s', '{}'
from sender, (values (clock_timestamp() - interval '1 day')) as t (at), generate_series(1, $2::int) as n
"""
_SEND = """
insert into whatsapp.outbox (id, event_id, contact_id, body, state, kind, changed_at)
select gen_random_uuid(), id, contact_id, 'hello', $1, $3, changed_at from whatsapp.events where id = $2
returning id
"""
_FAILED = """
with written as (
  update whatsapp.events set sent_at = clock_timestamp()
  where id = (select event_id from whatsapp.outbox where id = $1)
)
update whatsapp.outbox set wamid = $2, status = 'failed', status_rank = 2, code = 131026,
  accepted_at = clock_timestamp() where id = $1 returning id
"""


async def watch(database: Database) -> None:
    """From now on note what changes."""
    await database.admin(_INSTALL)


async def seen(database: Database) -> set[Transition]:
    """The transitions that were committed since."""
    rows = await database.admin("select distinct of, before, after from watched.transitions")
    return {(row["of"], row["before"], row["after"]) for row in rows}


def not_drawn(transitions: set[Transition]) -> set[Transition]:
    """Those that docs/states.md does not know."""
    return {(of, old, new) for of, old, new in transitions if (old, new) not in DRAWN[of]}


async def put_event(database: Database, state: str) -> int:
    """A message that has been in this state for long, put there without being noted; its id."""
    return int(str(await _unnoted(database, _EVENT, state, str(uuid4().int)[:15])))


async def put_events(database: Database, state: str, count: int) -> list[str]:
    """Many messages of one contact in this state, a second apart; their keys, oldest first."""
    await _unnoted(database, _EVENTS, state, count)
    return [f"wamid.{number:06}" for number in range(1, count + 1)]


async def put_send(database: Database, event: int, state: str, kind: str = "answer") -> UUID:
    """A send of this event, likewise; its id."""
    return UUID(str(await _unnoted(database, _SEND, state, event, kind)))


async def put_undelivered(database: Database, event: int) -> UUID:
    """An answer that Meta had accepted and then could not deliver, to a person who has just written."""
    send = await put_send(database, event, SendState.ACCEPTED)
    await _unnoted(database, _FAILED, send, f"wamid.{send}")
    return send


async def _unnoted(database: Database, statement: str, *values: object) -> object:
    no_triggers = {"session_replication_role": "replica"}
    connection = await asyncpg.connect(database.url(SUPERUSER), server_settings=no_triggers)
    try:
        return await connection.fetchval(statement, *values)
    finally:
        await connection.close()
