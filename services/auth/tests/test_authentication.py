"""Invalid tokens, against every route of auth that needs one."""

import time
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from ava_local.testing.token_issuer import Issuer

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
    key = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    payload = jwt.encode(issuer.claims(uuid4()), "x" * 32, "HS256", headers=head).rsplit(".", 1)[0]
    signature = jwt.utils.base64url_encode(key.sign(payload.encode(), public)).decode()
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
    "wrong audience": lambda issuer: issuer.token(uuid4(), aud="another-audience"),
    "wrong issuer": lambda issuer: issuer.token(uuid4(), iss="https://elsewhere.example/auth/v1"),
    "anonymous": lambda issuer: issuer.token(uuid4(), role="anon"),
    "service role": lambda issuer: issuer.token(uuid4(), role="service_role"),
    "no subject": lambda issuer: issuer.token(uuid4(), sub=None),
    "a subject that is not an id": lambda issuer: issuer.token("ada"),
}


@pytest.fixture
async def trusting_client(open_service: Any, issuer: Issuer) -> Any:
    """A client of auth that trusts the tests' issuer, so that only the flaw of each token decides."""
    async with open_service(supabase_url=issuer.url, auth_url=issuer.url) as client:
        valid = issuer.bearer(uuid4())
        assert (await client.get("/auth/me", headers=valid)).status_code == 200
        yield client


@pytest.mark.parametrize("attack", ATTACKS)
async def test_an_invalid_token_is_refused(
    trusting_client: httpx.AsyncClient, issuer: Issuer, attack: str
) -> None:
    headers = {"Authorization": f"Bearer {ATTACKS[attack](issuer)}"}
    for method, path, body in PROTECTED:
        refused = await trusting_client.request(method, path, json=body, headers=headers)
        assert (refused.status_code, refused.json()["type"]) == (401, "urn:ava:problem:invalid-token"), path
        assert refused.headers["www-authenticate"].startswith("Bearer")


async def test_a_request_without_a_token_is_refused(trusting_client: httpx.AsyncClient) -> None:
    for method, path, body in PROTECTED:
        refused = await trusting_client.request(method, path, json=body)
        assert (refused.status_code, refused.json()["type"]) == (401, "urn:ava:problem:not-signed-in"), path


async def test_the_token_of_a_deleted_account_is_refused_where_a_live_session_is_required(
    client: httpx.AsyncClient, person: Any, log_in: Any, supabase: Any
) -> None:
    session = await log_in(person)
    await supabase.database.admin("delete from auth.users where id = $1", person.id)
    headers = {"Authorization": f"Bearer {session['access_token']}"}
    for method, path, body in PROTECTED[2:]:
        refused = await client.request(method, path, json=body, headers=headers)
        assert (refused.status_code, refused.json()["type"]) == (401, "urn:ava:problem:session-ended"), path
