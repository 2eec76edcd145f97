"""Whose events a contact has: kept by the database, and how a user's events are found.

Decision 0175.
"""

from functools import partial
from uuid import UUID

from ava_local.testing.databases import Database
from ava_local.testing.waiting import eventually

from . import meta_payloads as meta
from .conftest import Gateway, LinkNumber
from .test_reading_cost import KEPT, fill, many, reads

PHONE, OTHER = "4915112345678", "4915187654321"
_WRITTEN = """
select n_tup_upd as changed, n_tup_hot_upd as on_their_page from pg_stat_user_tables
where schemaname = 'whatsapp' and relname = 'events'
"""
_SENDERS = "select user_id, contact_id from whatsapp.senders order by contact_id, user_id"
_OF_EVENTS = """
select distinct user_id, contact_id from whatsapp.events where user_id is not null
order by contact_id, user_id
"""
_MOVE = """
update whatsapp.events set contact_id = (select id from whatsapp.contacts where wa_digits = $1)
"""


async def test_noting_whose_an_event_is_touches_no_index(
    gateway: Gateway, linked: LinkNumber, database: Database
) -> None:
    await linked(f"+{PHONE}")
    await gateway.keep(meta.text())
    await gateway.drain()
    found: list[tuple[int, int]] = []

    async def has_written(count: int) -> bool:
        [row] = await database.admin(_WRITTEN)
        found.append((row["changed"], row["on_their_page"]))
        return found[-1][0] >= count

    # Its owner, that it is logged, and its end, which is what the indexes are about.
    await eventually(partial(has_written, 3))
    assert found[-1] == (3, 2)


async def test_who_wrote_from_a_contact_is_kept_whatever_becomes_of_its_link(
    gateway: Gateway, linked: LinkNumber, database: Database
) -> None:
    first = await linked(f"+{PHONE}")
    await gateway.keep(meta.text(), meta.text())
    await gateway.drain()
    await database.admin("delete from public.user_preferences where user_id = $1", first)
    second = await linked(f"+{PHONE}")
    await gateway.keep(meta.text())
    await gateway.drain()
    senders = await database.admin(_SENDERS)
    assert {row["user_id"] for row in senders} == {first, second}
    assert senders == await database.admin(_OF_EVENTS)


async def test_a_contact_that_is_found_to_be_anothers_takes_its_senders_along(
    gateway: Gateway, linked: LinkNumber, database: Database
) -> None:
    await linked(f"+{PHONE}")
    await gateway.keep(meta.text())
    await gateway.drain()
    await database.admin("insert into whatsapp.contacts (wa_digits) values ($1)", OTHER)
    await database.admin(_MOVE, OTHER)
    await database.admin("delete from whatsapp.contacts where wa_digits = $1", PHONE)
    assert len(senders := await database.admin(_SENDERS)) == 1
    assert senders == await database.admin(_OF_EVENTS)


async def test_a_deletion_reads_no_more_when_others_have_more(
    gateway: Gateway, linked: LinkNumber, database: Database
) -> None:
    await fill(database)
    for table in ("deliveries", "events"):
        await database.admin(f"alter table whatsapp.{table} alter column id restart with {2 * KEPT}")
    person: UUID = await linked(f"+{PHONE}")
    await gateway.keep(meta.text())
    assert await gateway.round() == 1
    assert await database.admin("select from whatsapp.senders where user_id = $1", person) != []
    await database.admin("vacuum analyze")
    before = await reads(database)
    await database.admin("delete from auth.users where id = $1", person)
    await database.admin("select pg_stat_force_next_flush()")
    assert many(await reads(database) - before) == {}
    assert await database.admin("select from whatsapp.senders where user_id = $1", person) == []
