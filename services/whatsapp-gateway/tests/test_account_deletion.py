"""Deleting an account deletes all of the user's data in the gateway, and nothing of anyone else's."""

import json
from uuid import UUID

import pytest

from ava_local.testing.databases import Database

from . import meta_payloads as meta
from .conftest import Gateway, LinkNumber
from .fake_peers import FakePeers

PHONE, OTHER = "4915112345678", "4915187654321"
EVERY_TABLE = """select format('%I.%I', schemaname, tablename) as name from pg_tables
where schemaname in ('public', 'whatsapp', 'accounts', 'auth')"""


async def traces_of(database: Database, *secrets: str) -> list[tuple[str, str]]:
    """The tables that still hold one of these, as text or in bytes."""
    found: list[tuple[str, str]] = []
    for table in await database.admin(EVERY_TABLE):
        rows = await database.admin(f"select t::text as line from {table['name']} as t")  # noqa: S608
        lines = "\n".join(row["line"] for row in rows)
        found += [(table["name"], word) for word in secrets if word in lines or word.encode().hex() in lines]
    return found


async def delete_account(database: Database, person: UUID) -> None:
    await database.admin("delete from auth.users where id = $1", person)


async def test_a_deleted_users_data_is_in_no_table(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, database: Database
) -> None:
    person = await linked(f"+{PHONE}")
    said = meta.text(body="very private", from_user_id="DE.1234567890")
    await gateway.keep(said)
    await gateway.drain()
    echo = peers.sent[-1]
    await gateway.keep(said, meta.text(OTHER, "from an unlinked sender"))
    await gateway.keep(meta.status(echo, "delivered"), meta.status(echo, "failed"))
    reaction = {"type": "reaction", "reaction": {"message_id": said["id"], "emoji": "x"}}
    await gateway.keep({**meta.text(), "text": None, **reaction})
    await gateway.keep({**meta.text(), "type": "edit", "edit": {"text": {"body": "very private too"}}})
    await gateway.keep(raw=meta.envelope(said).replace(b"/", b"\\/") + b"\n")
    await gateway.drain()
    secrets = PHONE, "DE.1234567890", str(person), "very private", said["id"], echo["wamid"]
    assert {table for table, _ in await traces_of(database, *secrets)} >= {
        "whatsapp.deliveries",
        "whatsapp.events",
        "whatsapp.outbox",
        "whatsapp.statuses",
        "whatsapp.contacts",
    }
    await delete_account(database, person)
    assert await traces_of(database, *secrets) == []
    events = await gateway.pool.fetch("select words from whatsapp.events")
    assert [row["words"] for row in events] == ["from an unlinked sender"]


async def test_what_was_said_before_the_number_was_unlinked_is_deleted_too(
    gateway: Gateway, linked: LinkNumber, database: Database
) -> None:
    person = await linked(f"+{PHONE}")
    await gateway.keep(meta.text(body="very private"))
    await gateway.drain()
    await database.admin("delete from public.user_preferences where user_id = $1", person)
    await delete_account(database, person)
    assert await traces_of(database, PHONE, "very private", str(person)) == []


async def test_a_number_linked_to_another_user_since_stays_theirs(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, database: Database
) -> None:
    first = await linked(f"+{PHONE}")
    await gateway.keep(meta.text(body="very private"))
    await gateway.drain()
    await database.admin("delete from public.user_preferences where user_id = $1", first)
    second = await linked(f"+{PHONE}")
    await gateway.keep(meta.text(body="mine"))
    await gateway.drain()
    await delete_account(database, first)
    assert await traces_of(database, "very private", str(first)) == []
    await gateway.keep(meta.text(body="still mine"))
    await gateway.drain()
    assert [content for role, content in peers.turns(second) if role == "user"] == ["mine", "still mine"]
    rows = await gateway.pool.fetch("select words, state from whatsapp.events order by id")
    assert [tuple(row) for row in rows] == [("mine", "done"), ("still mine", "done")]


async def test_a_recycled_number_is_deleted_for_its_former_owner_only(
    gateway: Gateway, linked: LinkNumber, database: Database
) -> None:
    person = await linked(f"+{PHONE}")
    await gateway.keep(meta.text(body="very private", from_user_id="DE.1111111111"))
    await gateway.drain()
    await gateway.keep(meta.text(body="new number's owner", from_user_id="DE.2222222222"))
    await gateway.drain()
    await delete_account(database, person)
    assert await traces_of(database, "very private", "DE.1111111111", str(person)) == []
    rows = await gateway.pool.fetch("select words, state from whatsapp.events")
    assert [tuple(row) for row in rows] == [("new number's owner", "held")]


async def test_an_unreadable_delivery_is_kept_until_its_retention_ends(
    gateway: Gateway, linked: LinkNumber, database: Database
) -> None:
    person = await linked(f"+{PHONE}")
    await gateway.keep(raw=json.dumps({"broken": PHONE}).encode())
    await gateway.ingest()
    await delete_account(database, person)
    assert await traces_of(database, PHONE) == [("whatsapp.deliveries", PHONE)]


async def test_an_account_is_deleted_while_its_lane_is_being_worked_on(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, database: Database
) -> None:
    person = await linked(f"+{PHONE}")
    peers.after["messages"].append(lambda: delete_account(database, person))
    await gateway.keep(meta.text(body="very private"))
    await gateway.drain()
    assert await traces_of(database, PHONE, "very private", str(person)) == []


async def test_deleting_an_account_deletes_its_contact_events_sends_and_lane(
    gateway: Gateway, linked: LinkNumber, database: Database
) -> None:
    person = await linked(f"+{PHONE}")
    await gateway.keep(meta.text(body="mine"))
    await gateway.drain()
    await database.admin("delete from auth.users where id = $1", person)
    for table in ("contacts", "events", "outbox", "lanes"):
        assert await gateway.pool.fetchval(f"select count(*) from whatsapp.{table}") == 0, table  # noqa: S608


async def test_another_link_that_ends_alike_keeps_nothing_of_a_deleted_person(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, database: Database
) -> None:
    person = await linked(f"+{PHONE}")
    await gateway.keep(meta.text(body="very private"))
    await gateway.drain()
    await database.admin("delete from public.user_preferences where user_id = $1", person)
    await linked(f"+1{PHONE[-8:]}")
    await linked(f"+{PHONE[:4]}{PHONE[-8:]}")  # the same country, another length
    await delete_account(database, person)
    assert await traces_of(database, PHONE, "very private", str(person)) == []


async def test_a_stamp_that_an_earlier_release_set_wrongly_keeps_nothing_either(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, database: Database
) -> None:
    person = await linked(f"+{PHONE}")
    await gateway.keep(meta.text(body="very private"))
    await gateway.drain()
    await database.admin("delete from public.user_preferences where user_id = $1", person)
    other = await linked(f"+1{PHONE[-8:]}")
    await gateway.pool.execute("update whatsapp.contacts set relinked_by = $1", other)
    await delete_account(database, person)
    assert await traces_of(database, PHONE, "very private", str(person)) == []


async def test_the_contact_of_a_number_that_ends_alike_stays(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, database: Database
) -> None:
    person, other = await linked(f"+{PHONE}"), await linked(f"+1{PHONE[-8:]}")
    await gateway.keep(meta.text(body="very private"), meta.text(f"1{PHONE[-8:]}", "the other's"))
    await gateway.keep(meta.text(f"44{PHONE[-8:]}", "a stranger's"))
    await gateway.drain()
    await delete_account(database, person)
    assert await traces_of(database, PHONE, "very private", str(person)) == []
    rows = await gateway.pool.fetch("select words from whatsapp.events order by id")
    assert [row["words"] for row in rows] == ["the other's", "a stranger's"]
    await delete_account(database, other)
    rows = await gateway.pool.fetch("select words from whatsapp.events")
    assert [row["words"] for row in rows] == ["a stranger's"]


async def test_a_link_that_ends_alike_does_not_undo_that_a_recycled_number_was_linked_again(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber
) -> None:
    person = await linked(f"+{PHONE}")
    await gateway.keep(meta.text(body="owner", from_user_id="DE.1111111111"))
    await gateway.drain()
    await gateway.keep(meta.text(body="new holder", from_user_id="DE.2222222222"))
    await gateway.drain()
    await linked(f"+{PHONE}", person)
    await linked(f"+1{PHONE[-8:]}")
    await gateway.drain()
    assert ("user", "new holder") in peers.turns(person)


async def test_an_unlinked_number_that_two_people_had_goes_with_the_last_of_them(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, database: Database
) -> None:
    first = await linked(f"+{PHONE}")
    await gateway.keep(meta.text(body="the first's"))
    await gateway.drain()
    await database.admin("delete from public.user_preferences where user_id = $1", first)
    second = await linked(f"+{PHONE}")
    await gateway.keep(meta.text(body="the second's"))
    await gateway.drain()
    await database.admin("delete from public.user_preferences where user_id = $1", second)
    await delete_account(database, first)
    rows = await gateway.pool.fetch("select words from whatsapp.events")
    assert [row["words"] for row in rows] == ["the second's"]
    await delete_account(database, second)
    assert await traces_of(database, PHONE, "the first's", "the second's") == []


async def test_an_edit_goes_with_its_message_when_the_number_is_anothers_by_now(
    gateway: Gateway, linked: LinkNumber, database: Database
) -> None:
    first = await linked(f"+{PHONE}")
    await gateway.keep(meta.text(body="draft", id="wamid.draft"))
    await gateway.drain()
    new = {"type": "text", "text": {"body": "the first's last words"}}
    edit = {"original_message_id": "wamid.draft", "message": new}
    await gateway.keep(meta.text(type="edit", edit=edit))
    await gateway.drain()
    await database.admin("delete from public.user_preferences where user_id = $1", first)
    await linked(f"+{PHONE}")
    await gateway.keep(meta.text(body="the second's"))
    await gateway.drain()
    await delete_account(database, first)
    assert await traces_of(database, "the first's last words", "wamid.draft") == []
    assert await traces_of(database, "the second's") != []


@pytest.mark.parametrize("alias", ["4930123456", "5511987654321"])
async def test_a_contact_that_is_known_by_metas_name_for_the_number_goes_too(
    gateway: Gateway, linked: LinkNumber, database: Database, alias: str
) -> None:
    await gateway.keep(meta.text(OTHER, "very private"), meta.text(PHONE, "a stranger's"))
    await gateway.drain()
    await gateway.pool.execute(
        "update whatsapp.contacts set alias_digits = case wa_digits when $1 then $2 else '49301' end",
        OTHER,
        alias,
    )
    person = await linked("+4930123456" if alias.startswith("49") else "+551187654321")
    await delete_account(database, person)
    assert await traces_of(database, OTHER, "very private", str(person)) == []
    assert await traces_of(database, "a stranger's") != []


async def test_a_contact_whose_other_name_another_account_has_linked_stays(
    gateway: Gateway, linked: LinkNumber, database: Database
) -> None:
    await gateway.keep(meta.text(OTHER, "of one of two"))
    await gateway.drain()
    await gateway.pool.execute("update whatsapp.contacts set alias_digits = '4930123456'")
    first, second = await linked("+4930123456"), await linked(f"+{OTHER}")
    await gateway.pool.execute("update whatsapp.contacts set user_id = null, relinked_by = null")
    await delete_account(database, first)
    assert await traces_of(database, "of one of two") != []
    await delete_account(database, second)
    assert await traces_of(database, "of one of two") == []
