"""Every protected route refuses every bad token, and a delegate where a person must be present."""

import time

import jwt
import pytest

PHONE = {"phone": "+4915112345678"}
MIRA = {"name": "Mira", "age": 27, "personality": "witty", "physical_description": ""}
READS = [("GET", "/profile/avatar", None), ("GET", "/profile/preferences", None)]
WRITES = [
    ("PUT", "/profile/avatar", MIRA),
    ("PATCH", "/profile/avatar", {"age": 30}),
    ("DELETE", "/profile/avatar", None),
    ("PUT", "/profile/preferences/whatsapp", PHONE),
    ("DELETE", "/profile/preferences/whatsapp", None),
]
NOW = int(time.time())
NO_ACCOUNT = "7c0a8f8e-0000-4000-8000-000000000000"


def forged(issuer, user):
    """A token that names our key and is signed by another one."""
    return type(issuer.supabase)("supabase-1").sign(issuer.claims(user))


def unsigned(issuer, user):
    return jwt.encode(issuer.claims(user), "", "none", headers={"kid": "supabase-1"})


def signed_with_the_public_key(issuer, user):
    return jwt.encode(issuer.claims(user), str(issuer.supabase.published) * 2, "HS256", {"kid": "supabase-1"})


ATTACKS = {
    "garbage": lambda issuer, user: "garbage",
    "three words with dots": lambda issuer, user: "e30.e30.e30",
    "expired": lambda issuer, user: issuer.token(user, iat=NOW - 7200, exp=NOW - 3600),
    "not yet valid": lambda issuer, user: issuer.token(user, nbf=NOW + 86_400),
    "the right kid and the wrong key": forged,
    "alg none": unsigned,
    "HS256 with the public key": signed_with_the_public_key,
    "another audience": lambda issuer, user: issuer.token(user, aud="another-audience"),
    "another issuer": lambda issuer, user: issuer.token(user, iss="https://evil.example/auth/v1"),
    "an anon token": lambda issuer, user: issuer.token(user, role="anon"),
    "a service_role token": lambda issuer, user: issuer.token(user, role="service_role"),
    "no subject": lambda issuer, user: issuer.token(user, sub=None),
    "a subject that is not a UUID": lambda issuer, user: issuer.token(user, sub="root"),
    "an expired delegation": lambda issuer, user: issuer.delegated(user, iat=NOW - 600, exp=NOW - 500),
    "a delegation for an hour": lambda issuer, user: issuer.delegated(user, exp=NOW + 3600),
    "a delegation without actor": lambda issuer, user: issuer.delegated(user, act=None),
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
async def test_every_protected_route_refuses_a_bad_token(client, database, issuer, mira, attack):
    user = await database.person()
    await client.put("/profile/avatar", json=mira, headers=issuer.bearer(user))
    before = await database.admin("select * from public.avatars")
    for method, path, body in READS + WRITES:
        bad = {"Authorization": f"Bearer {attack(issuer, user)}"}
        answer = await client.request(method, path, json=body, headers=bad)
        assert answer.status_code == 401, (method, path)
        assert answer.json()["type"] == "urn:ava:problem:invalid-token"
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert await database.admin("select * from public.avatars") == before


async def test_every_protected_route_asks_to_sign_in(client):
    for method, path, body in READS + WRITES:
        answer = await client.request(method, path, json=body)
        assert answer.status_code == 401, (method, path)
        assert answer.json()["type"] == "urn:ava:problem:not-signed-in"


@pytest.mark.parametrize("route", WRITES, ids=lambda route: f"{route[0]} {route[1]}")
async def test_a_delegate_may_not_act_where_a_person_must_be_present(client, database, issuer, mira, route):
    user = await database.person()
    await client.put("/profile/avatar", json=mira, headers=issuer.bearer(user))
    before = await database.admin("select * from public.avatars")
    method, path, body = route
    delegate = {"Authorization": f"Bearer {issuer.delegated(user)}"}
    answer = await client.request(method, path, json=body, headers=delegate)
    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:ava:problem:person-required"
    assert await database.admin("select * from public.avatars") == before
    assert await database.admin("select * from public.user_preferences") == []


async def test_a_delegate_reads_the_avatar_of_the_person_it_acts_for(client, database, issuer, mira):
    ada, ben = await database.person(), await database.person()
    hers = (await client.put("/profile/avatar", json=mira, headers=issuer.bearer(ada))).json()
    for user, status in ((ada, 200), (ben, 404)):
        delegate = {"Authorization": f"Bearer {issuer.delegated(user)}"}
        answer = await client.get("/profile/avatar", headers=delegate)
        assert answer.status_code == status
        assert status == 404 or answer.json() == hers


async def test_a_token_that_outlived_its_account_writes_nothing(client, issuer, mira):
    ghost = issuer.bearer(NO_ACCOUNT)
    for path, body in (("/profile/avatar", mira), ("/profile/preferences/whatsapp", PHONE)):
        answer = await client.put(path, json=body, headers=ghost)
        assert answer.status_code == 401
        assert answer.json()["type"] == "urn:ava:problem:account-gone"
    assert (await client.get("/profile/avatar", headers=ghost)).status_code == 404


async def test_an_account_that_the_trigger_missed_is_added_on_its_first_visit(client, database, issuer, mira):
    user = await database.person()
    await database.admin("delete from public.users where id = $1", user)
    assert (await client.put("/profile/avatar", json=mira, headers=issuer.bearer(user))).status_code == 201
