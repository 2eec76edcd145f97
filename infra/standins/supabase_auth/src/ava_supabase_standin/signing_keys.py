"""The JWT signing keys: load or create them, sign, verify, publish as JWKS.

See docs/contracts/supabase-auth.md#access-tokens.
"""

import json
import os
import secrets
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from ava_supabase_standin.errors import AuthError
from ava_supabase_standin.settings import Settings

PUBLIC_PARTS = ("kty", "crv", "x", "y", "n", "e", "kid", "alg")
Claims = dict[str, Any]


class SigningKeys:
    """Private JWKs (the first with `sign` in key_ops signs, else the first) and an optional HS256 secret."""

    def __init__(self, jwks: list[dict[str, Any]], secret: str | None, algorithm: str) -> None:
        self._keys = {jwk["kid"]: jwt.PyJWK(jwk) for jwk in jwks}
        self._published = [_public_part(jwk) for jwk in jwks if jwk["kty"] != "oct"]
        # The public half verifies: the library would take a private key for EC, but not for RSA.
        self._verifying = {jwk["kid"]: jwt.PyJWK(_verifying_half(jwk)) for jwk in jwks}
        self._secret = secret
        self._signer = None if algorithm == "HS256" else self._keys[_signing_kid(jwks)]

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A compact JWT; HS256 tokens carry no `kid`, as on legacy projects."""
        if self._signer is None:
            return jwt.encode(dict(claims), self._secret or "", "HS256")
        signer = self._signer
        return jwt.encode(dict(claims), signer.key, signer.algorithm_name, {"kid": signer.key_id or ""})

    def verify(self, token: str) -> Claims:
        """The claims of a token signed by one of these keys, whatever its audience; 403 bad_jwt otherwise."""
        try:
            header = jwt.get_unverified_header(token)
            key, algorithm = self._key_for(header)
            return jwt.decode(token, key, [algorithm], options={"verify_aud": False, "verify_iat": False})
        except jwt.ExpiredSignatureError:
            raise _bad_jwt("token has invalid claims: token is expired") from None
        except jwt.InvalidSignatureError:
            raise _bad_jwt("token signature is invalid: signature is invalid") from None
        except jwt.PyJWTError as error:
            raise _bad_jwt(f"token is malformed: {error}") from None

    def jwks(self) -> dict[str, list[dict[str, Any]]]:
        """The JWKS document: public keys only, none for HS256."""
        return {"keys": self._published}

    def _key_for(self, header: dict[str, Any]) -> tuple[Any, str]:
        kid, algorithm = header.get("kid"), header.get("alg")
        known = self._verifying.get(kid) if isinstance(kid, str) else None
        if known and known.algorithm_name == algorithm:
            return known.key, known.algorithm_name
        if not known and algorithm == "HS256" and self._secret:
            return self._secret, "HS256"
        raise _bad_jwt(f"token is unverifiable: unrecognized JWT kid {kid} for algorithm {algorithm}")


def signing_keys(settings: Settings) -> SigningKeys:
    """From SUPABASE_AUTH_JWT_KEYS, or from the state folder, where they are made at the first start."""
    secret = settings.jwt_secret.get_secret_value() if settings.jwt_secret else None
    if settings.jwt_keys:
        jwks = json.loads(settings.jwt_keys.get_secret_value())
    elif settings.state_dir:
        jwks = load_or_create_keys(settings.state_dir / "jwt_keys.json")
    else:
        jwks = []
    return SigningKeys(jwks, secret, settings.jwt_algorithm)


def load_or_create_keys(file: Path) -> list[dict[str, Any]]:
    """The private keys in a file only its owner can read; created with one new key if it is missing."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            json.dump([new_key()], opened)
        draft.replace(file)
    keys: list[dict[str, Any]] = json.loads(file.read_text())
    return keys


def new_key() -> dict[str, Any]:
    """A new private ES256 JWK."""
    key: dict[str, Any] = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True)
    return {**key, "kid": str(uuid.uuid4()), "alg": "ES256", "use": "sig", "key_ops": ["sign", "verify"]}


def _signing_kid(jwks: list[dict[str, Any]]) -> str:
    signers = [jwk for jwk in jwks if "sign" in jwk.get("key_ops", [])] or jwks
    if not signers:
        raise ValueError("SUPABASE_AUTH_JWT_KEYS contains no signing key")
    return str(signers[0]["kid"])


def _public_part(jwk: dict[str, Any]) -> dict[str, Any]:
    half = {part: jwk[part] for part in PUBLIC_PARTS if part in jwk}
    return {**half, "use": "sig", "key_ops": ["verify"], "ext": True}


def _verifying_half(jwk: dict[str, Any]) -> dict[str, Any]:
    """The public half of a key pair; a shared secret as it is."""
    return jwk if jwk["kty"] == "oct" else {part: jwk[part] for part in PUBLIC_PARTS if part in jwk}


def _bad_jwt(reason: str) -> AuthError:
    return AuthError(403, "bad_jwt", f"invalid JWT: unable to parse or verify signature, {reason}")
