"""Every protected route refuses every bad token, and a delegate where a person must be present."""

import time

import jwt
import pytest

ID = "019a0000-0000-7000-8000-000000000000"
HELLO = {"content": "Hello"}
TURN = {"channel": "whatsapp", "role": "user", "content": "Hi"}
READS = [("GET", "/messages", None), ("GET", f"/messages/{ID}", None)]
PERSONAL = [
    ("POST", "/messages", HELLO),
    ("DELETE", f"/messages/{ID}", None),
    ("GET", "/messages/export", None),
]
DELEGATED = [("PUT", f"/messages/{ID}", TURN)]
ROUTES = READS + PERSONAL + DELEGATED
NOW = int(time.time())


def forged(issuer, user):
    """A token that names our key and is signed by another one."""
    return type(issuer.auth)("auth-1").sign(
        issuer.claims(user, iss="urn:ava:auth", act={"sub": "whatsapp-gateway"})
    )


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
    "a delegation to another audience": lambda issuer, user: issuer.delegated(user, aud="another-audience"),
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
async def test_every_protected_route_refuses_a_bad_token(client, database, issuer, attack):
    user = await database.person()
    for method, path, body in ROUTES:
        bad = {"Authorization": f"Bearer {attack(issuer, user)}"}
        answer = await client.request(method, path, json=body, headers=bad)
        assert answer.status_code == 401, (method, path)
        assert answer.json()["type"] == "urn:ava:problem:invalid-token"
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert await database.admin("select * from public.messages") == []


async def test_every_protected_route_asks_to_sign_in(client):
    for method, path, body in ROUTES:
        answer = await client.request(method, path, json=body)
        assert answer.status_code == 401, (method, path)
        assert answer.json()["type"] == "urn:ava:problem:not-signed-in"


@pytest.mark.parametrize("route", PERSONAL, ids=lambda route: f"{route[0]} {route[1]}")
async def test_a_delegate_may_not_act_where_a_person_must_be_present(client, database, delegate, route):
    user = await database.person()
    await client.put(f"/messages/{ID}", json=TURN, headers=delegate(user))
    method, path, body = route
    answer = await client.request(method, path, json=body, headers=delegate(user))
    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:ava:problem:person-required"
    assert len(await database.admin("select * from public.messages")) == 1


async def test_a_token_that_outlived_its_account_writes_nothing(client, issuer, delegate):
    ghost = "7c0a8f8e-0000-4000-8000-000000000000"
    written = await client.post("/messages", json=HELLO, headers=issuer.bearer(ghost))
    stored = await client.put(f"/messages/{ID}", json=TURN, headers=delegate(ghost))
    for answer in (written, stored):
        assert answer.status_code == 401
        assert answer.json()["type"] == "urn:ava:problem:account-gone"
    page = await client.get("/messages", headers=issuer.bearer(ghost))
    assert page.json() == {"messages": [], "next": None}


async def test_an_unknown_path_and_an_unknown_method_say_so(client):
    unknown = await client.get("/nowhere")
    assert (unknown.status_code, unknown.headers["content-type"]) == (404, "application/problem+json")
    assert (await client.patch("/messages")).status_code == 405
