"""Delegated tokens: which service may ask, for which user, and what they contain."""

import json
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
from jwt import PyJWK

from ava_local.testing.databases import Database
from ava_local.testing.token_issuer import Issuer

from .conftest import GATEWAY, AuditEvents, OpenService, Person, Supabase, signing_key

ASKED = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "subject_token_type": "urn:ava:token-type:user-id",
}


async def ask(client: httpx.AsyncClient, person: Any, auth: Any = GATEWAY, **changes: str) -> httpx.Response:
    return await client.post(
        "/internal/tokens", data={**ASKED, "subject_token": str(person), **changes}, auth=auth
    )


async def claims_of(client: httpx.AsyncClient, token: str) -> dict[str, Any]:
    """The claims, verified with the keys that auth publishes."""
    published = (await client.get("/.well-known/jwks.json")).json()["keys"]
    kid = jwt.get_unverified_header(token)["kid"]
    key = next(PyJWK(one) for one in published if one["kid"] == kid)
    return jwt.decode(token, key.key, algorithms=["ES256"], audience="authenticated", issuer="urn:ava:auth")


async def test_the_gateway_gets_a_short_lived_token_that_names_it(
    client: httpx.AsyncClient, person: Person, audit_events: AuditEvents
) -> None:
    given = (await ask(client, person.id)).json()
    assert given["issued_token_type"] == "urn:ietf:params:oauth:token-type:jwt"
    claims = await claims_of(client, given["access_token"])
    assert claims["sub"] == str(person.id)
    assert (claims["role"], claims["act"]) == ("authenticated", {"sub": "whatsapp-gateway"})
    assert claims["exp"] - claims["iat"] <= 120
    assert given["expires_in"] <= 120
    assert "session_id" not in claims
    assert await audit_events() == ["delegation.given"]


async def test_the_audit_log_has_the_tokens_id_but_not_the_token(
    client: httpx.AsyncClient, person: Person, database: Database
) -> None:
    given = (await ask(client, person.id)).json()["access_token"]
    (row,) = await database.admin("select user_id, detail::text from accounts.audit")
    assert row["user_id"] == person.id
    assert json.loads(row["detail"])["jti"] == (await claims_of(client, given))["jti"]
    assert given not in row["detail"]


@pytest.mark.parametrize(
    "change",
    [
        "update auth.users set banned_until = now() + interval '1 day' where id = $1",
        "update auth.users set deleted_at = now() where id = $1",
    ],
)
async def test_no_service_may_act_for_a_banned_or_deleted_user(
    client: httpx.AsyncClient, person: Person, supabase: Supabase, change: str, audit_events: AuditEvents
) -> None:
    await supabase.database.admin(change, person.id)
    refused = await ask(client, person.id)
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:ava:problem:token-refused")
    assert await audit_events() == ["delegation.refused"]


async def test_a_ban_that_is_over_no_longer_matters(
    client: httpx.AsyncClient, person: Person, supabase: Supabase
) -> None:
    await supabase.database.admin(
        "update auth.users set banned_until = now() - interval '1 second' where id = $1", person.id
    )
    assert (await ask(client, person.id)).status_code == 200


async def test_no_service_may_act_for_a_user_who_never_existed(client: httpx.AsyncClient) -> None:
    assert (await ask(client, uuid4())).status_code == 403


@pytest.mark.parametrize(
    "auth", [None, (GATEWAY[0], "wrong secret"), ("profile", GATEWAY[1]), ("", ""), (GATEWAY[0], "schlüssel")]
)
async def test_an_unknown_client_is_refused(
    client: httpx.AsyncClient, person: Person, auth: Any, audit_events: AuditEvents
) -> None:
    refused = await ask(client, person.id, auth=auth)
    assert (refused.status_code, refused.json()["type"]) == (401, "urn:ava:problem:client-unknown")
    assert await audit_events() == ["delegation.client_unknown"]


@pytest.mark.parametrize("header", ["Basic", "Basic %%%", "Basic /w==", "Bearer abc"])
async def test_broken_credentials_are_refused(client: httpx.AsyncClient, person: Person, header: str) -> None:
    form = {**ASKED, "subject_token": str(person.id)}
    refused = await client.post("/internal/tokens", data=form, headers={"Authorization": header})
    assert refused.status_code == 401


@pytest.mark.parametrize("field", ["grant_type", "subject_token_type"])
async def test_another_kind_of_exchange_is_refused(
    client: httpx.AsyncClient, person: Person, field: str
) -> None:
    assert (await ask(client, person.id, **{field: "urn:other"})).status_code == 400


async def test_a_subject_that_is_not_a_user_id_is_refused(client: httpx.AsyncClient) -> None:
    assert (await ask(client, "ada")).status_code == 422


async def test_both_secrets_of_a_rotation_are_accepted(open_service: OpenService, person: Person) -> None:
    clients = {"whatsapp-gateway": ["the-gateways-next-secret", GATEWAY[1]]}
    async with open_service(clients=clients) as client:
        for secret in clients["whatsapp-gateway"]:
            assert (await ask(client, person.id, auth=(GATEWAY[0], secret))).status_code == 200


async def test_tokens_of_the_previous_key_stay_valid_after_a_rotation(
    open_service: OpenService, person: Person
) -> None:
    old, new = signing_key("old"), signing_key("new")
    async with open_service(signing_keys=json.dumps([old])) as client:
        token = (await ask(client, person.id)).json()["access_token"]
    async with open_service(signing_keys=json.dumps([new, old])) as client:
        assert (await claims_of(client, token))["sub"] == str(person.id)
        fresh = (await ask(client, person.id)).json()["access_token"]
        assert jwt.get_unverified_header(fresh)["kid"] == "new"


async def test_no_private_part_of_a_key_is_published(client: httpx.AsyncClient) -> None:
    published = await client.get("/.well-known/jwks.json")
    assert "d" not in published.json()["keys"][0]
    assert published.headers["cache-control"] == "public, max-age=600"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/auth/me", None),
        ("POST", "/auth/logout", None),
        ("PUT", "/auth/password", {"current_password": "a", "new_password": "quiet-harbour-8"}),
        ("DELETE", "/auth/account", {"password": "a"}),
        ("GET", "/auth/export", None),
    ],
)
async def test_a_delegated_token_is_refused_where_the_user_must_be_present(
    client: httpx.AsyncClient, person: Person, issuer: Issuer, method: str, path: str, body: Any
) -> None:
    headers = {"Authorization": f"Bearer {issuer.delegated(person.id)}"}
    refused = await client.request(method, path, json=body, headers=headers)
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:ava:problem:person-required")
