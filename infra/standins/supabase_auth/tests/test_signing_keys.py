"""Signing keys: published, persistent, rotated, and impossible to bypass."""

import base64
import hmac
import json
import stat
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from ava_supabase_standin.signing_keys import new_key

from .conftest import MakeStandin, Project, assert_refused

SECRET_OF_OLD = "a legacy secret of forty characters long"


async def published(project: Project) -> dict[str, jwt.PyJWK]:
    keys = (await project.call("GET", "/.well-known/jwks.json")).json()["keys"]
    return {key["kid"]: jwt.PyJWK(key) for key in keys}


async def test_an_access_token_is_verified_with_the_published_key(project: Project) -> None:
    person = await project.person()
    token = (await project.tokens(person))["access_token"]
    keys = await published(project)
    if not keys:
        pytest.skip("this project signs with HS256")
    header = jwt.get_unverified_header(token)
    claims = jwt.decode(token, keys[header["kid"]].key, [header["alg"]], audience="authenticated")
    assert claims["sub"] == person.id


async def test_only_public_keys_are_published(project: Project) -> None:
    answer = await project.call("GET", "/.well-known/jwks.json")
    assert "max-age=600" in answer.headers["cache-control"]
    for key in answer.json()["keys"]:
        assert "d" not in key
        assert "k" not in key
        assert key["key_ops"] == ["verify"]


async def test_generated_keys_survive_a_restart_and_are_private(make_standin: MakeStandin) -> None:
    first = await make_standin()
    kids = set(await published(first))
    token = (await first.tokens(await first.person()))["access_token"]
    second = await make_standin()
    assert set(await published(second)) == kids
    assert (await second.user(token)).status_code == 200
    assert first.state
    assert stat.S_IMODE((first.state / "jwt_keys.json").stat().st_mode) == 0o600


async def test_during_a_rotation_both_keys_verify_and_one_signs(make_standin: MakeStandin) -> None:
    old, new = new_key(), new_key()
    before = await make_standin(jwt_keys=json.dumps([old]))
    person = await before.person()
    token = (await before.tokens(person))["access_token"]
    standby = {**old, "key_ops": ["verify"]}
    after = await make_standin(jwt_keys=json.dumps([standby, new]))
    assert set(await published(after)) == {old["kid"], new["kid"]}
    assert (await after.user(token)).status_code == 200
    fresh = (await after.tokens(person))["access_token"]
    assert jwt.get_unverified_header(fresh)["kid"] == new["kid"]
    rotated = await make_standin(jwt_keys=json.dumps([new]))
    assert_refused(await rotated.user(token), 403, "bad_jwt")


async def test_hs256_publishes_nothing_and_names_no_key(make_standin: MakeStandin) -> None:
    project = await make_standin(jwt_secret=SECRET_OF_OLD, jwt_algorithm="HS256", state_dir=None)
    assert await published(project) == {}
    token = (await project.tokens(await project.person()))["access_token"]
    assert "kid" not in jwt.get_unverified_header(token)
    assert (await project.user(token)).status_code == 200


async def test_an_rsa_key_signs_and_its_public_half_verifies(make_standin: MakeStandin) -> None:
    private = RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 2048), as_dict=True)
    project = await make_standin(jwt_keys=json.dumps([private | {"kid": "rsa-1", "alg": "RS256"}]))
    token = (await project.tokens(await project.person()))["access_token"]
    assert jwt.get_unverified_header(token) == {"alg": "RS256", "kid": "rsa-1", "typ": "JWT"}
    [shown] = (await project.call("GET", "/.well-known/jwks.json")).json()["keys"]
    assert shown.keys() == {"kty", "n", "e", "kid", "alg", "use", "key_ops", "ext"}
    assert (await project.user(token)).status_code == 200
    mine = rsa.generate_private_key(65537, 2048)
    claims = jwt.decode(token, options={"verify_signature": False})
    assert_refused(await project.user(jwt.encode(claims, mine, "RS256", {"kid": "rsa-1"})), 403, "bad_jwt")


def hmac_signed(header: dict[str, Any], claims: dict[str, Any], secret: str) -> str:
    """By hand: PyJWT refuses to sign with what is a public key."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    signature = hmac.digest(secret.encode(), b".".join(parts), "sha256")
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


async def forged(project: Project, kind: str) -> str:
    """A token that differs from a genuine one in one respect."""
    token = (await project.tokens(await project.person()))["access_token"]
    header = jwt.get_unverified_header(token)
    claims = jwt.decode(token, options={"verify_signature": False})
    mine = jwt.PyJWK(new_key()).key
    match kind:
        case "another key under the right id":
            return jwt.encode(claims, mine, "ES256", {"kid": header["kid"]})
        case "an unknown id":
            return jwt.encode(claims, mine, "ES256", {"kid": "unknown"})
        case "no signature":
            return jwt.encode(claims, "", "none", {"kid": header["kid"]})
        case "HS256 with the public key":
            document = (await project.call("GET", "/.well-known/jwks.json")).text
            return hmac_signed({"alg": "HS256", "typ": "JWT", "kid": header["kid"]}, claims, document)
        case _:
            return f"{token[:-4]}{'AAAA' if token[-4:] != 'AAAA' else 'BBBB'}"


@pytest.mark.parametrize(
    "kind",
    ["another key under the right id", "an unknown id", "no signature", "HS256 with the public key", "cut"],
)
async def test_a_forged_token_is_a_bad_token(project: Project, kind: str) -> None:
    assert_refused(await project.user(await forged(project, kind)), 403, "bad_jwt")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"exp": int(time.time()) - 1}, 403, "bad_jwt"),
        ({"sub": None}, 403, "bad_jwt"),
        ({"sub": "me"}, 400, "bad_jwt"),
        ({"session_id": "mine"}, 403, "bad_jwt"),
        ({"aud": None}, 400, "validation_failed"),
        ({"sub": "7b1f1e0e-93a4-4a4f-8e7a-2f1c46b5d111"}, 403, "user_not_found"),
        ({"session_id": "7b1f1e0e-93a4-4a4f-8e7a-2f1c46b5d111"}, 403, "session_not_found"),
    ],
)
async def test_a_signed_token_must_also_make_sense(
    make_standin: MakeStandin, changes: dict[str, object], status: int, code: str
) -> None:
    project = await make_standin(jwt_secret=SECRET_OF_OLD, jwt_algorithm="HS256")
    token = (await project.tokens(await project.person()))["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False}) | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    assert_refused(await project.user(jwt.encode(claims, SECRET_OF_OLD, "HS256")), status, code)


async def test_hs256_counts_only_where_there_is_a_secret(make_standin: MakeStandin) -> None:
    project = await make_standin()
    token = jwt.encode({"sub": "x", "role": "service_role"}, SECRET_OF_OLD, "HS256")
    assert_refused(await project.user(token), 403, "bad_jwt")
