"""A person who deletes their account leaves nothing with the gateway, and takes nobody else's along."""

import json

from . import meta_payloads as meta

PHONE, OTHER = "4915112345678", "4915187654321"
EVERY_TABLE = """select format('%I.%I', schemaname, tablename) as name from pg_tables
where schemaname in ('public', 'whatsapp', 'accounts', 'auth')"""


async def traces_of(database, *secrets):
    """The tables that still hold one of these, as text or in bytes."""
    told = []
    for table in await database.admin(EVERY_TABLE):
        rows = await database.admin(f"select t::text as line from {table['name']} as t")  # noqa: S608
        lines = "\n".join(row["line"] for row in rows)
        told += [(table["name"], word) for word in secrets if word in lines or word.encode().hex() in lines]
    return told


async def leave(database, person):
    await database.admin("delete from auth.users where id = $1", person)


async def test_nothing_of_a_person_who_leaves_stays_in_any_table(gateway, peers, linked, database):
    person = await linked(f"+{PHONE}")
    said = meta.text(body="unspeakable", from_user_id="DE.1234567890")
    await gateway.keep(said)
    await gateway.drain()
    echo = peers.sent[-1]
    await gateway.keep(said, meta.text(OTHER, "of a stranger"))
    await gateway.keep(meta.status(echo, "delivered"), meta.status(echo, "read"))
    reaction = {"type": "reaction", "reaction": {"message_id": said["id"], "emoji": "x"}}
    await gateway.keep({**meta.text(), "text": None, **reaction})
    await gateway.keep({**meta.text(), "type": "edit", "edit": {"text": {"body": "unspeakable too"}}})
    await gateway.keep(raw=meta.envelope(said).replace(b"/", b"\\/") + b"\n")
    await gateway.drain()
    secrets = PHONE, "DE.1234567890", str(person), "unspeakable", said["id"], echo["wamid"]
    assert {table for table, _ in await traces_of(database, *secrets)} >= {
        "whatsapp.deliveries",
        "whatsapp.events",
        "whatsapp.outbox",
        "whatsapp.statuses",
        "whatsapp.contacts",
    }
    await leave(database, person)
    assert await traces_of(database, *secrets) == []
    events = await gateway.pool.fetch("select words from whatsapp.events")
    assert [row["words"] for row in events] == ["of a stranger"]


async def test_what_was_said_before_the_number_was_given_up_goes_too(gateway, linked, database):
    person = await linked(f"+{PHONE}")
    await gateway.keep(meta.text(body="unspeakable"))
    await gateway.drain()
    await database.admin("delete from public.user_preferences where user_id = $1", person)
    await leave(database, person)
    assert await traces_of(database, PHONE, "unspeakable", str(person)) == []


async def test_a_number_that_went_over_to_another_person_stays_theirs(gateway, peers, linked, database):
    first = await linked(f"+{PHONE}")
    await gateway.keep(meta.text(body="unspeakable"))
    await gateway.drain()
    await database.admin("delete from public.user_preferences where user_id = $1", first)
    second = await linked(f"+{PHONE}")
    await gateway.keep(meta.text(body="mine"))
    await gateway.drain()
    await leave(database, first)
    assert await traces_of(database, "unspeakable", str(first)) == []
    await gateway.keep(meta.text(body="still mine"))
    await gateway.drain()
    assert [content for role, content in peers.turns(second) if role == "user"] == ["mine", "still mine"]
    rows = await gateway.pool.fetch("select words, state from whatsapp.events order by id")
    assert [tuple(row) for row in rows] == [("mine", "done"), ("still mine", "done")]


async def test_a_number_somebody_had_before_goes_but_not_from_its_new_owner(gateway, linked, database):
    person = await linked(f"+{PHONE}")
    await gateway.keep(meta.text(body="unspeakable", from_user_id="DE.1111111111"))
    await gateway.drain()
    await gateway.keep(meta.text(body="new number's owner", from_user_id="DE.2222222222"))
    await gateway.drain()
    await leave(database, person)
    assert await traces_of(database, "unspeakable", "DE.1111111111", str(person)) == []
    rows = await gateway.pool.fetch("select words, state from whatsapp.events")
    assert [tuple(row) for row in rows] == [("new number's owner", "held")]


async def test_what_nobody_could_read_is_kept_for_its_time(gateway, linked, database):
    person = await linked(f"+{PHONE}")
    await gateway.keep(raw=json.dumps({"broken": PHONE}).encode())
    await gateway.ingest()
    await leave(database, person)
    assert await traces_of(database, PHONE) == [("whatsapp.deliveries", PHONE)]


async def test_an_account_goes_while_its_lane_is_being_worked_on(gateway, peers, linked, database):
    person = await linked(f"+{PHONE}")
    peers.after["messages"].append(lambda: leave(database, person))
    await gateway.keep(meta.text(body="unspeakable"))
    await gateway.drain()
    assert await traces_of(database, PHONE, "unspeakable", str(person)) == []


async def test_deleting_an_account_takes_its_contact_events_and_sends_along(gateway, linked, database):
    person = await linked(f"+{PHONE}")
    await gateway.keep(meta.text(body="mine"))
    await gateway.drain()
    await database.admin("delete from auth.users where id = $1", person)
    for table in ("contacts", "events", "outbox", "lanes"):
        assert await gateway.pool.fetchval(f"select count(*) from whatsapp.{table}") == 0, table  # noqa: S608
