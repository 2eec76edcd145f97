"""The names in a delivery: found alike by the gateway and by the trigger for older gateways, and stored."""

import hashlib
import json

import pytest

from ava_local.testing.databases import Database
from ava_whatsapp_gateway.cloud_api.lenient_json import name_hash, names_in
from ava_whatsapp_gateway.operator import actions

from . import meta_payloads as meta
from .conftest import Gateway

PHONE = "4915112345678"
BODIES = {
    "a text": meta.envelope(meta.text(id="wamid.HBgN/M=", from_user_id="DE.1234567890")),
    "escaped slashes": meta.envelope(meta.text(id="wamid.HBgN/M=")).replace(b"/", b"\\/"),
    "a parent's id": meta.envelope(meta.text(from_parent_user_id="DE.ENT.123")),
    "numbers of every length": json.dumps(["1" * n for n in range(3, 18)]).encode(),
    "a plus sign": b'{"wa_id": "+4915112345678", "code": "+", "sum": "1+1"}',
    "moments": b'["1700000000", "+1700000000", "2700000000", "17000000000"]',
    "a number in a text": meta.envelope(meta.text(body=f"call {PHONE}")),
    "a text that is a number": meta.envelope(meta.text("4915187654321", body=PHONE)),
    "a number in quotes in a text": meta.envelope(meta.text("4915187654321", body=f'"{PHONE}"')),
    "wamids of every length": json.dumps(["wamid." + "A" * n for n in (0, 1, 255, 256)]).encode(),
    "what only looks like an id": b'["de.123", "DE123", "DE.", "DE.12_3", "DEU.123", "wamid", "Wamid.1"]',
    "not ASCII": "[\"D\u00c9.123\", \"wamid.abc\", \"\U0001f600\"]".encode(),
    "not JSON": b'\x00\xff"4915112345678"',
    "nothing": b"",
}  # fmt: skip


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
async def test_the_gateway_and_the_database_find_the_same_names(database: Database, body: bytes) -> None:
    [row] = await database.admin(
        "select names, whatsapp.name_hashes(names) as hashes from whatsapp.names_in($1) as names", body
    )
    assert names_in(body) == sorted(row["names"])
    assert [name_hash(name) for name in row["names"]] == row["hashes"]


def test_only_whole_strings_are_names_and_a_moment_is_none() -> None:
    names = {PHONE, "DE.1234567890", meta.NUMBER_ID, "wamid.HBgN/M="}
    assert set(names_in(BODIES["a text"])) == names
    assert names_in(BODIES["escaped slashes"]) == names_in(BODIES["escaped slashes"].replace(b"\\/", b"/"))
    assert "4915187654321" not in names_in(meta.envelope(meta.text(body="4915187654321 is my number")))
    assert names_in(BODIES["moments"]) == ["17000000000", "2700000000"]


async def test_ingest_stores_the_names_itself(gateway: Gateway, database: Database) -> None:
    for table in ("deliveries", "events"):
        await database.admin(f"drop trigger fill_names on whatsapp.{table}")
    said, moved = meta.text(), {"type": "system", "system": {"type": "user_changed_number", "wa_id": "4917"}}
    await gateway.keep(said)
    await gateway.keep({**meta.text(), "text": None, **moved, "id": "wamid.moved"})
    await gateway.keep(raw=b"broken")
    await gateway.ingest()
    names = "id in (select unnest(delivery_ids) from whatsapp.delivery_names)"
    deliveries = await gateway.pool.fetch(
        f"select state, {names} as named, id from whatsapp.deliveries order by id"  # noqa: S608
    )
    assert [(row["state"], row["named"]) for row in deliveries] == [
        ("split", True), ("split", True), ("quarantined", False)
    ]  # fmt: skip
    [together] = await gateway.pool.fetch("select delivery_ids, name_hashes from whatsapp.delivery_names")
    named = set(zip(*together, strict=True))
    assert {one for one in named if one[0] == deliveries[0]["id"]} == {
        (deliveries[0]["id"], name_hash(name)) for name in (PHONE, said["id"])
    }
    events = await gateway.pool.fetch("select contact_id is null as alone, names from whatsapp.events")
    assert sorted((row["alone"], row["names"]) for row in events) == [
        (False, None), (True, [PHONE, "wamid.moved"])
    ]  # fmt: skip


async def test_a_text_is_kept_as_its_words_unless_it_replies(gateway: Gateway) -> None:
    reply = {**meta.text(), "context": {"from": PHONE, "id": "wamid.before"}}
    said = [meta.text(body='my "context" is {}'), reply, {**meta.text(), "type": "reaction"}]
    await gateway.keep(*said)
    await gateway.ingest()
    events = await gateway.pool.fetch("select key, item from whatsapp.events")
    kept = {row["key"]: row["item"] and json.loads(row["item"]) for row in events}
    assert kept == {said[0]["id"]: b"", said[1]["id"]: said[1], said[2]["id"]: said[2]}


async def test_the_names_of_what_an_older_gateway_ingests_are_stored_by_a_trigger(
    gateway: Gateway, database: Database
) -> None:
    body = meta.envelope(meta.text(id="wamid.older"))
    await gateway.pool.execute(
        "insert into whatsapp.deliveries (digest, body) values ($1, $2)", hashlib.sha256(body).digest(), body
    )
    mark = "update whatsapp.deliveries set state = $2, error = $3 where id = any ($1)"
    ids = [row["id"] for row in await gateway.pool.fetch("select id from whatsapp.deliveries")]
    await gateway.pool.execute(mark, ids, "split", None)
    [delivery] = await gateway.pool.fetch("select name_hashes from whatsapp.deliveries")
    assert sorted(delivery["name_hashes"]) == sorted(name_hash(name) for name in names_in(body))
    await gateway.pool.execute(
        "insert into whatsapp.events (key, kind, state, sent_at, received_at, item)"
        " values ('wamid.older', 'system', 'ignored', now(), now(), $1)",
        b'{"id":"wamid.older"}',
    )
    [event] = await gateway.pool.fetch("select names from whatsapp.events")
    assert event["names"] == ["wamid.older"]


async def test_the_operator_is_not_shown_the_names(gateway: Gateway) -> None:
    await gateway.keep({**meta.text(), "type": "reaction", "text": None})
    await gateway.ingest()
    async with gateway.pool.acquire() as connection:
        event = await connection.fetchval("select id from whatsapp.events where names is not null")
        assert "names" not in await actions.show(connection, event, words=True)
