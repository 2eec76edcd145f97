"""Linking a WhatsApp number: any usual spelling in, E.164 out, and never whose a taken number is."""

import json
from uuid import UUID

import httpx
import pytest

from ava_local.testing.databases import Database
from ava_local.testing.token_issuer import Issuer

PATH = "/profile/preferences/whatsapp"
PHONE = "+4915112345678"
NOTHING = {"whatsapp_phone": None, "whatsapp_linked_at": None, "whatsapp_pending_phone": None}


async def linked(database: Database) -> list[tuple[UUID, str]]:
    rows = await database.admin("select user_id, whatsapp_phone from public.user_preferences order by 2")
    return [(row["user_id"], row["whatsapp_phone"]) for row in rows if row["whatsapp_phone"]]


async def test_preferences_are_empty_until_something_is_set(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    answer = await client.get("/profile/preferences", headers=issuer.bearer(await database.person()))
    assert (answer.status_code, answer.json()) == (200, NOTHING)


async def test_a_number_is_linked_read_and_unlinked(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    user = await database.person()
    me = issuer.bearer(user)
    answer = await client.put(PATH, json={"phone": "+49 (0)151 / 123 456-78"}, headers=me)
    assert answer.status_code == 200
    assert answer.json() | {"whatsapp_linked_at": None} == NOTHING | {"whatsapp_phone": PHONE}
    assert answer.json()["whatsapp_linked_at"]
    assert (await client.get("/profile/preferences", headers=me)).json() == answer.json()
    assert await linked(database) == [(user, PHONE)]
    assert (await client.delete(PATH, headers=me)).status_code == 204
    assert (await client.get("/profile/preferences", headers=me)).json() == NOTHING
    assert (await client.delete(PATH, headers=me)).status_code == 204


async def test_linking_the_same_number_again_keeps_its_date_and_another_one_replaces_it(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    user = await database.person()
    me = issuer.bearer(user)
    first = (await client.put(PATH, json={"phone": PHONE}, headers=me)).json()
    assert (await client.put(PATH, json={"phone": "0049 151 12345678"}, headers=me)).json() == first
    other = (await client.put(PATH, json={"phone": "+1 415 555 2671"}, headers=me)).json()
    assert other["whatsapp_linked_at"] > first["whatsapp_linked_at"]
    assert await linked(database) == [(user, "+14155552671")]


async def test_a_taken_number_is_refused_without_saying_whose(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    ada, ben = await database.person(), await database.person()
    await client.put(PATH, json={"phone": PHONE}, headers=issuer.bearer(ada))
    await client.put(PATH, json={"phone": "+14155552671"}, headers=issuer.bearer(ben))
    refused = await client.put(PATH, json={"phone": PHONE}, headers=issuer.bearer(ben))
    assert refused.status_code == 409
    assert refused.json()["type"] == "urn:ava:problem:phone-taken"
    for secret in (str(ada), PHONE, "user_preferences", "constraint", "duplicate", "key"):
        assert secret not in refused.text
    assert sorted(await linked(database)) == sorted([(ada, PHONE), (ben, "+14155552671")])


async def test_a_taken_number_is_taken_in_its_older_spellings_too(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    ada, ben = await database.person(), await database.person()
    await client.put(PATH, json={"phone": "+52 55 1234 0099"}, headers=issuer.bearer(ada))
    for older in ("+52 1 55 1234 0099", "https://wa.me/5215512340099"):
        refused = await client.put(PATH, json={"phone": older}, headers=issuer.bearer(ben))
        assert refused.status_code == 409
    assert await linked(database) == [(ada, "+525512340099")]


async def test_an_unlinked_number_is_free_for_another_user(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    ada, ben = await database.person(), await database.person()
    await client.put(PATH, json={"phone": PHONE}, headers=issuer.bearer(ada))
    await client.delete(PATH, headers=issuer.bearer(ada))
    assert (await client.put(PATH, json={"phone": PHONE}, headers=issuer.bearer(ben))).status_code == 200


@pytest.mark.parametrize("phone", ["hello", "12", "+", "+1", "+999 123 456 789", "+49 12", "+49" + "1" * 20])
async def test_an_invalid_number_is_refused(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, phone: str
) -> None:
    refused = await client.put(PATH, json={"phone": phone}, headers=issuer.bearer(await database.person()))
    assert refused.status_code == 422
    assert refused.json()["type"] == "urn:ava:problem:not-a-phone-number"
    assert refused.json()["errors"][0]["pointer"] == "#/phone"
    assert await linked(database) == []


@pytest.mark.parametrize(
    "body", [{}, {"phone": None}, {"phone": 49151}, {"phone": ""}, {"phone": "4" * 501},
             {"phone": "\ud800"}, {"phone": "\0" * 9}, {"phone": PHONE, "user_id": "x"},
             {"phone": PHONE, "region": "Germany"}, {"phone": PHONE, "region": "D1"}]
)  # fmt: skip
async def test_an_invalid_body_is_refused(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, body: object
) -> None:
    me = {**issuer.bearer(await database.person()), "Content-Type": "application/json"}
    refused = await client.put(PATH, content=json.dumps(body), headers=me)
    assert refused.status_code == 422
    assert await linked(database) == []


async def test_a_number_without_country_code_needs_a_region(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    me = issuer.bearer(await database.person())
    refused = await client.put(PATH, json={"phone": "0151 12345678"}, headers=me)
    assert refused.status_code == 422
    assert refused.json()["type"] == "urn:ava:problem:country-missing"
    assert "region" in refused.json()["detail"]
    answer = await client.put(PATH, json={"phone": "0151 12345678", "region": "de"}, headers=me)
    assert answer.json()["whatsapp_phone"] == PHONE
