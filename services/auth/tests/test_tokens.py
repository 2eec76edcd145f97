"""Tokens that must open nothing, against every path of this room that asks for one."""

import time
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from ava_local.issuer import Issuer

PROTECTED = [
    ("GET", "/auth/me", None),
    ("POST", "/auth/logout", None),
    ("PUT", "/auth/password", {"current_password": "a", "new_password": "quiet-harbour-8"}),
    ("DELETE", "/auth/account", {"password": "a"}),
    ("GET", "/auth/export", None),
]
NOW = int(time.time())


def _with_public_key_as_secret(issuer: Issuer) -> str:
    public = issuer.supabase.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    head = {"alg": "HS256", "typ": "JWT", "kid": issuer.supabase.kid}
    encoder = jwt.PyJWS()
    key = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    payload = jwt.encode(issuer.claims(uuid4()), "x" * 32, "HS256", headers=head).rsplit(".", 1)[0]
    signature = jwt.utils.base64url_encode(key.sign(payload.encode(), public)).decode()
    assert encoder
    return f"{payload}.{signature}"


ATTACKS: dict[str, Any] = {
    "garbage": lambda issuer: "garbage",
    "expired": lambda issuer: issuer.token(uuid4(), exp=NOW - 3600, iat=NOW - 7200),
    "not yet valid": lambda issuer: issuer.token(uuid4(), nbf=NOW + 86_400),
    "right kid, wrong key": lambda issuer: issuer.auth.sign(issuer.claims(uuid4()), kid=issuer.supabase.kid),
    "unsigned": lambda issuer: jwt.encode(
        issuer.claims(uuid4()), None, "none", headers={"kid": issuer.supabase.kid}
    ),
    "HS256 with the public key": _with_public_key_as_secret,
    "wrong audience": lambda issuer: issuer.token(uuid4(), aud="somebody else"),
    "wrong issuer": lambda issuer: issuer.token(uuid4(), iss="https://elsewhere.example/auth/v1"),
    "anonymous key": lambda issuer: issuer.token(uuid4(), role="anon"),
    "service role": lambda issuer: issuer.token(uuid4(), role="service_role"),
    "no subject": lambda issuer: issuer.token(uuid4(), sub=None),
    "a subject that is no id": lambda issuer: issuer.token("everybody"),
}


@pytest.fixture
async def attacked(open_room: Any, issuer: Issuer) -> Any:
    """The room believing the tests' issuer, so that only the flaw of each token decides."""
    async with open_room(supabase_url=issuer.url, auth_url=issuer.url) as room:
        person = issuer.bearer(uuid4())
        assert (await room.get("/auth/me", headers=person)).status_code == 200
        yield room


@pytest.mark.parametrize("attack", ATTACKS)
async def test_a_forged_token_opens_nothing(attacked: httpx.AsyncClient, issuer: Issuer, attack: str) -> None:
    headers = {"Authorization": f"Bearer {ATTACKS[attack](issuer)}"}
    for method, path, body in PROTECTED:
        refused = await attacked.request(method, path, json=body, headers=headers)
        assert (refused.status_code, refused.json()["type"]) == (401, "urn:ava:problem:invalid-token"), path
        assert refused.headers["www-authenticate"].startswith("Bearer")


async def test_without_a_token_nothing_opens(attacked: httpx.AsyncClient) -> None:
    for method, path, body in PROTECTED:
        refused = await attacked.request(method, path, json=body)
        assert (refused.status_code, refused.json()["type"]) == (401, "urn:ava:problem:not-signed-in"), path


async def test_a_deleted_person_is_nobody_where_a_live_session_is_required(
    room: httpx.AsyncClient, person: Any, log_in: Any, supabase: Any
) -> None:
    session = await log_in(person)
    await supabase.database.admin("delete from auth.users where id = $1", person.id)
    headers = {"Authorization": f"Bearer {session['access_token']}"}
    for method, path, body in PROTECTED[2:]:
        refused = await room.request(method, path, json=body, headers=headers)
        assert (refused.status_code, refused.json()["type"]) == (401, "urn:ava:problem:session-ended"), path
