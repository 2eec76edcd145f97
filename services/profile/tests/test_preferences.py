"""Linking a number: any usual spelling in, E.164 kept, nobody learns whose a taken number is."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

PATH = "/profile/preferences/whatsapp"
MINE = "+4915112345678"
NOTHING = {"whatsapp_phone": None, "whatsapp_linked_at": None, "whatsapp_pending_phone": None}
LOOK_UP = "select user_id from ava_private.users_for_phones(array[$1], $2)"


async def linked(database):
    rows = await database.admin("select user_id, whatsapp_phone from public.user_preferences order by 2")
    return [(row["user_id"], row["whatsapp_phone"]) for row in rows if row["whatsapp_phone"]]


async def test_preferences_are_empty_until_something_is_set(client, database, issuer):
    answer = await client.get("/profile/preferences", headers=issuer.bearer(await database.person()))
    assert (answer.status_code, answer.json()) == (200, NOTHING)


async def test_a_number_is_linked_kept_and_unlinked(client, database, issuer):
    user = await database.person()
    me = issuer.bearer(user)
    answer = await client.put(PATH, json={"phone": "+49 (0)151 / 123 456-78"}, headers=me)
    assert answer.status_code == 200
    assert answer.json() | {"whatsapp_linked_at": None} == NOTHING | {"whatsapp_phone": MINE}
    assert answer.json()["whatsapp_linked_at"]
    assert (await client.get("/profile/preferences", headers=me)).json() == answer.json()
    assert await linked(database) == [(user, MINE)]
    assert (await client.delete(PATH, headers=me)).status_code == 204
    assert (await client.get("/profile/preferences", headers=me)).json() == NOTHING
    assert (await client.delete(PATH, headers=me)).status_code == 204


async def test_linking_the_same_number_again_keeps_its_date_and_another_one_replaces_it(
    client, database, issuer
):
    user = await database.person()
    me = issuer.bearer(user)
    first = (await client.put(PATH, json={"phone": MINE}, headers=me)).json()
    assert (await client.put(PATH, json={"phone": "0049 151 12345678"}, headers=me)).json() == first
    other = (await client.put(PATH, json={"phone": "+1 415 555 2671"}, headers=me)).json()
    assert other["whatsapp_linked_at"] > first["whatsapp_linked_at"]
    assert await linked(database) == [(user, "+14155552671")]


async def test_a_taken_number_is_refused_without_saying_whose(client, database, issuer):
    ada, ben = await database.person(), await database.person()
    await client.put(PATH, json={"phone": MINE}, headers=issuer.bearer(ada))
    await client.put(PATH, json={"phone": "+14155552671"}, headers=issuer.bearer(ben))
    refused = await client.put(PATH, json={"phone": MINE}, headers=issuer.bearer(ben))
    assert refused.status_code == 409
    assert refused.json()["type"] == "urn:ava:problem:phone-taken"
    for secret in (str(ada), MINE, "user_preferences", "constraint", "duplicate", "key"):
        assert secret not in refused.text
    assert sorted(await linked(database)) == sorted([(ada, MINE), (ben, "+14155552671")])


async def test_a_number_once_unlinked_is_free_for_another_person(client, database, issuer):
    ada, ben = await database.person(), await database.person()
    await client.put(PATH, json={"phone": MINE}, headers=issuer.bearer(ada))
    await client.delete(PATH, headers=issuer.bearer(ada))
    assert (await client.put(PATH, json={"phone": MINE}, headers=issuer.bearer(ben))).status_code == 200


@pytest.mark.parametrize(
    "phone", ["hello", "12", "+", "+1", "+999 123 456 789", "+49 12", "+49" + "1" * 20, "\0" * 9]
)
async def test_what_is_no_number_is_refused(client, database, issuer, phone):
    refused = await client.put(PATH, json={"phone": phone}, headers=issuer.bearer(await database.person()))
    assert refused.status_code == 422
    assert refused.json()["type"] == "urn:ava:problem:not-a-phone-number"
    assert refused.json()["errors"][0]["pointer"] == "#/phone"
    assert await linked(database) == []


@pytest.mark.parametrize(
    "body", [{}, {"phone": None}, {"phone": 49151}, {"phone": ""}, {"phone": "4" * 101},
             {"phone": "\ud800"}, {"phone": MINE, "region": "Germany"}, {"phone": MINE, "region": "D1"}]
)  # fmt: skip
async def test_a_wrong_body_is_refused(client, database, issuer, body):
    me = {**issuer.bearer(await database.person()), "Content-Type": "application/json"}
    refused = await client.put(PATH, content=json.dumps(body), headers=me)
    assert refused.status_code == 422
    assert await linked(database) == []


async def test_a_number_without_country_code_needs_a_region(client, database, issuer):
    me = issuer.bearer(await database.person())
    refused = await client.put(PATH, json={"phone": "0151 12345678"}, headers=me)
    assert refused.status_code == 422
    assert refused.json()["type"] == "urn:ava:problem:country-missing"
    assert "region" in refused.json()["detail"]
    answer = await client.put(PATH, json={"phone": "0151 12345678", "region": "de"}, headers=me)
    assert answer.json()["whatsapp_phone"] == MINE


async def asked(code_client, headers, phone=MINE):
    answer = await code_client.put(PATH, json={"phone": phone}, headers=headers)
    assert answer.status_code == 202
    return answer.json()


async def test_with_a_code_the_number_waits_until_the_code_comes_from_it(code_client, database, issuer):
    user = await database.person()
    me = issuer.bearer(user)
    pending = await asked(code_client, me)
    waiting = (await code_client.get("/profile/preferences", headers=me)).json()
    assert waiting == NOTHING | {"whatsapp_pending_phone": MINE}
    assert await database.admin(LOOK_UP, MINE, "00000000") == []
    [found] = await database.admin(LOOK_UP, MINE, pending["code"])
    assert found["user_id"] == user
    proven = (await code_client.get("/profile/preferences", headers=me)).json()
    assert proven["whatsapp_phone"] == MINE
    assert proven["whatsapp_pending_phone"] is None


async def test_the_code_comes_with_a_link_that_types_it_and_ends_after_ten_minutes(
    code_client, database, issuer
):
    pending = await asked(code_client, issuer.bearer(await database.person()))
    assert pending.keys() == {"pending", "code", "expires_at", "whatsapp_url"}
    assert pending["pending"] == MINE
    url = urlsplit(pending["whatsapp_url"])
    assert (url.netloc, url.path) == ("wa.me", "/4930123456")
    assert pending["code"] in parse_qs(url.query)["text"][0]
    left = datetime.fromisoformat(pending["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=9) < left <= timedelta(minutes=10)


async def test_only_a_digest_of_the_code_is_kept(code_client, database, issuer):
    user = await database.person()
    pending = await asked(code_client, issuer.bearer(user))
    [row] = await database.admin("select * from public.user_preferences")
    assert pending["code"] not in str(dict(row))
    digest = hashlib.sha256(f"{user}:{pending['code']}".encode()).hexdigest()
    assert row["whatsapp_code_hash"] == digest


async def test_a_code_works_once_and_a_new_one_ends_the_old(code_client, database, issuer):
    me = issuer.bearer(await database.person())
    old, new = await asked(code_client, me), await asked(code_client, me)
    assert old["code"] != new["code"]
    assert await database.admin(LOOK_UP, MINE, old["code"]) == []
    assert await database.admin(LOOK_UP, MINE, new["code"])
    await code_client.delete(PATH, headers=me)
    assert await database.admin(LOOK_UP, MINE, new["code"]) == []


async def test_an_expired_code_and_the_sixth_attempt_are_too_late(code_client, database, issuer):
    me = issuer.bearer(await database.person())
    expired = await asked(code_client, me)
    await database.admin("update public.user_preferences set whatsapp_code_expires_at = now()")
    assert await database.admin(LOOK_UP, MINE, expired["code"]) == []
    assert (await code_client.get("/profile/preferences", headers=me)).json() == NOTHING
    guessed = await asked(code_client, me)
    for _ in range(5):
        await database.admin(LOOK_UP, MINE, "wrong")
    assert await database.admin(LOOK_UP, MINE, guessed["code"]) == []


async def test_with_a_code_a_linked_number_stays_until_the_new_one_is_proven(code_client, database, issuer):
    me = issuer.bearer(await database.person())
    await database.admin(LOOK_UP, MINE, (await asked(code_client, me))["code"])
    again = await code_client.put(PATH, json={"phone": MINE}, headers=me)
    assert (again.status_code, again.json()["whatsapp_phone"]) == (200, MINE)
    await asked(code_client, me, "+14155552671")
    waiting = (await code_client.get("/profile/preferences", headers=me)).json()
    assert (waiting["whatsapp_phone"], waiting["whatsapp_pending_phone"]) == (MINE, "+14155552671")


async def test_with_a_code_nobody_learns_that_a_number_is_taken(code_client, database, issuer):
    ada, ben = issuer.bearer(await database.person()), issuer.bearer(await database.person())
    await database.admin(LOOK_UP, MINE, (await asked(code_client, ada))["code"])
    assert (await asked(code_client, ben))["pending"] == MINE
    assert (await code_client.get("/profile/preferences", headers=ada)).json()["whatsapp_phone"] == MINE
