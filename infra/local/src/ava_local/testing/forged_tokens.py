"""Access tokens that must be refused, each with a single flaw; made by the tests' issuer."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ava_local.testing.token_issuer import AUTH_ISSUER, Issuer, SigningKey

Forge = Callable[[Issuer, UUID], str]
LEGACY_SECRET = "a-legacy-secret-of-at-least-thirty-two-bytes"  # noqa: S105


def encode_part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def unsigned(issuer: Issuer, user: UUID) -> str:
    return f"{encode_part({'alg': 'none', 'kid': issuer.supabase.kid})}.{encode_part(issuer.claims(user))}."


def signed_with(secret: bytes, issuer: Issuer, user: UUID) -> str:
    """HS256 keyed with what anyone can read: by hand, because PyJWT refuses to make such a token."""
    head = encode_part({"alg": "HS256", "typ": "JWT", "kid": issuer.supabase.kid})
    signed = f"{head}.{encode_part(issuer.claims(user))}"
    mac = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def signed_with_the_public_key(issuer: Issuer, user: UUID) -> str:
    return signed_with(json.dumps(issuer.supabase.published).encode(), issuer, user)


def signed_with_the_public_key_as_pem(issuer: Issuer, user: UUID) -> str:
    public = issuer.supabase.private.public_key()
    return signed_with(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), issuer, user)


def without(claim: str) -> Forge:
    return lambda issuer, user: issuer.token(user, **{claim: None})


def in_seconds(seconds: int) -> int:
    return int(time.time()) + seconds


FORGED_TOKENS: dict[str, Forge] = {
    "garbage": lambda i, u: "garbage",
    "three dots": lambda i, u: "a.b.c",
    "three words with dots": lambda i, u: "e30.e30.e30",
    "too long": lambda i, u: i.token(u, padding="x" * 9000),
    "expired": lambda i, u: i.token(u, iat=in_seconds(-7200), exp=in_seconds(-60)),
    "not yet valid": lambda i, u: i.token(u, nbf=in_seconds(86_400)),
    "issued in the future": lambda i, u: i.token(u, iat=in_seconds(60)),
    "right kid, wrong key": lambda i, u: SigningKey(i.supabase.kid).sign(i.claims(u)),
    "right kid, auth's key": lambda i, u: i.auth.sign(i.claims(u), kid=i.supabase.kid),
    "unknown kid": lambda i, u: SigningKey("unknown").sign(i.claims(u)),
    "no kid": lambda i, u: jwt.encode(i.claims(u), i.supabase.private, "ES256"),
    "alg none": unsigned,
    "HS256 with the public key": signed_with_the_public_key,
    "HS256 with the public key as PEM": signed_with_the_public_key_as_pem,
    "HS256 though not configured": lambda i, u: jwt.encode(i.claims(u), LEGACY_SECRET, "HS256"),
    "wrong audience": lambda i, u: i.token(u, aud="another-audience"),
    "the audience anon": lambda i, u: i.token(u, aud="anon"),
    "audience list": lambda i, u: i.token(u, aud=["authenticated", "other"]),
    "wrong issuer": lambda i, u: i.token(u, iss="https://elsewhere.example/auth/v1"),
    "auth's issuer, Supabase's key": lambda i, u: i.supabase.sign(i.claims(u, iss=AUTH_ISSUER)),
    "Supabase's issuer, auth's key": lambda i, u: i.auth.sign(i.claims(u)),
    "anon": lambda i, u: i.token(u, role="anon"),
    "service_role": lambda i, u: i.token(u, role="service_role"),
    "a subject that is not a UUID": lambda i, u: i.token("ada"),
    "a subject that is SQL": lambda i, u: i.token("1 or 1=1"),
    **{f"without {claim}": without(claim) for claim in ("exp", "iat", "sub", "aud", "iss", "role")},
    "an expired delegation": lambda i, u: i.delegated(u, iat=in_seconds(-600), exp=in_seconds(-500)),
    "a delegation for an hour": lambda i, u: i.delegated(u, exp=in_seconds(3600)),
    "a delegation without an actor": lambda i, u: i.delegated(u, act=None),
    "a delegation with an odd actor": lambda i, u: i.delegated(u, act="whatsapp-gateway"),
    "a delegation to another audience": lambda i, u: i.delegated(u, aud="another-audience"),
    "a delegation signed by another key": lambda i, u: SigningKey(i.auth.kid).sign(
        i.claims(u, iss=AUTH_ISSUER, act={"sub": "whatsapp-gateway"})
    ),
}
