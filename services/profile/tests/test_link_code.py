"""Linking with a confirmation code: the number counts once its code has come from it."""

import hashlib
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx

from ava_local.testing.databases import Database
from ava_local.testing.token_issuer import Issuer

PATH = "/profile/preferences/whatsapp"
PHONE = "+4915112345678"
NOTHING = {"whatsapp_phone": None, "whatsapp_linked_at": None, "whatsapp_pending_phone": None}
LOOK_UP = "select user_id from ava_private.users_for_phones(array[$1], $2)"


async def request_link(
    code_client: httpx.AsyncClient, headers: dict[str, str], phone: str = PHONE
) -> dict[str, str]:
    answer = await code_client.put(PATH, json={"phone": phone}, headers=headers)
    assert answer.status_code == 202
    return dict(answer.json())


async def test_a_number_is_pending_until_its_code_arrives_from_it(
    code_client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    user = await database.person()
    me = issuer.bearer(user)
    pending = await request_link(code_client, me)
    waiting = (await code_client.get("/profile/preferences", headers=me)).json()
    assert waiting == NOTHING | {"whatsapp_pending_phone": PHONE}
    assert await database.admin(LOOK_UP, PHONE, "00000000") == []
    [found] = await database.admin(LOOK_UP, PHONE, pending["code"])
    assert found["user_id"] == user
    confirmed = (await code_client.get("/profile/preferences", headers=me)).json()
    assert confirmed["whatsapp_phone"] == PHONE
    assert confirmed["whatsapp_pending_phone"] is None


async def test_the_code_comes_with_a_link_that_types_it_and_expires_after_ten_minutes(
    code_client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    pending = await request_link(code_client, issuer.bearer(await database.person()))
    assert pending.keys() == {"pending", "code", "expires_at", "whatsapp_url"}
    assert pending["pending"] == PHONE
    url = urlsplit(pending["whatsapp_url"])
    assert (url.netloc, url.path) == ("wa.me", "/4930123456")
    assert pending["code"] in parse_qs(url.query)["text"][0]
    left = datetime.fromisoformat(pending["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=9) < left <= timedelta(minutes=10)


async def test_only_a_digest_of_the_code_is_stored(
    code_client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    user = await database.person()
    pending = await request_link(code_client, issuer.bearer(user))
    [row] = await database.admin("select * from public.user_preferences")
    assert pending["code"] not in str(dict(row))
    digest = hashlib.sha256(f"{user}:{pending['code']}".encode()).hexdigest()
    assert row["whatsapp_code_hash"] == digest


async def test_a_new_code_replaces_the_old_one_and_unlinking_ends_it(
    code_client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    me = issuer.bearer(await database.person())
    old, new = await request_link(code_client, me), await request_link(code_client, me)
    assert old["code"] != new["code"]
    assert await database.admin(LOOK_UP, PHONE, old["code"]) == []
    assert await database.admin(LOOK_UP, PHONE, new["code"])
    await code_client.delete(PATH, headers=me)
    assert await database.admin(LOOK_UP, PHONE, new["code"]) == []


async def test_an_expired_code_and_the_sixth_attempt_are_too_late(
    code_client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    me = issuer.bearer(await database.person())
    expired = await request_link(code_client, me)
    await database.admin("update public.user_preferences set whatsapp_code_expires_at = now()")
    assert await database.admin(LOOK_UP, PHONE, expired["code"]) == []
    assert (await code_client.get("/profile/preferences", headers=me)).json() == NOTHING
    guessed = await request_link(code_client, me)
    for _ in range(5):
        await database.admin(LOOK_UP, PHONE, "wrong")
    assert await database.admin(LOOK_UP, PHONE, guessed["code"]) == []


async def test_a_linked_number_stays_until_the_new_one_is_confirmed(
    code_client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    me = issuer.bearer(await database.person())
    await database.admin(LOOK_UP, PHONE, (await request_link(code_client, me))["code"])
    again = await code_client.put(PATH, json={"phone": PHONE}, headers=me)
    assert (again.status_code, again.json()["whatsapp_phone"]) == (200, PHONE)
    await request_link(code_client, me, "+14155552671")
    waiting = (await code_client.get("/profile/preferences", headers=me)).json()
    assert (waiting["whatsapp_phone"], waiting["whatsapp_pending_phone"]) == (PHONE, "+14155552671")


async def test_asking_for_a_code_does_not_tell_that_a_number_is_taken(
    code_client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    ada, ben = issuer.bearer(await database.person()), issuer.bearer(await database.person())
    await database.admin(LOOK_UP, PHONE, (await request_link(code_client, ada))["code"])
    assert (await request_link(code_client, ben))["pending"] == PHONE
    assert (await code_client.get("/profile/preferences", headers=ada)).json()["whatsapp_phone"] == PHONE


async def test_a_link_by_a_hidden_number_is_shown_as_a_date_without_a_number_and_can_be_undone(
    code_client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    me = issuer.bearer(await database.person())
    pending = await request_link(code_client, me)
    await database.admin(LOOK_UP, "DE.1", pending["code"])
    linked = (await code_client.get("/profile/preferences", headers=me)).json()
    assert linked["whatsapp_linked_at"]
    assert linked | {"whatsapp_linked_at": None} == NOTHING
    other = issuer.bearer(await database.person())
    assert (await code_client.get("/profile/preferences", headers=other)).json() == NOTHING
    await code_client.delete(PATH, headers=me)
    assert (await code_client.get("/profile/preferences", headers=me)).json() == NOTHING
