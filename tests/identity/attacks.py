"""Tokens that must be refused, each with a single flaw; made for one person by the tests' issuer."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import jwt

from ava_local.testing.token_issuer import AUTH_ISSUER, Issuer, SigningKey

NOW = int(time.time())


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _unsigned(issuer: Issuer, person: UUID) -> str:
    return f"{_part({'alg': 'none', 'kid': issuer.supabase.kid})}.{_part(issuer.claims(person))}."


def _signed_with_the_public_key(issuer: Issuer, person: UUID) -> str:
    # By hand, because PyJWT refuses to make such a token.
    head = _part({"alg": "HS256", "typ": "JWT", "kid": issuer.supabase.kid})
    signed = f"{head}.{_part(issuer.claims(person))}"
    mac = hmac.new(json.dumps(issuer.supabase.published).encode(), signed.encode(), hashlib.sha256)
    return f"{signed}.{base64.urlsafe_b64encode(mac.digest()).decode().rstrip('=')}"


ATTACKS: dict[str, Callable[[Issuer, UUID], str]] = {
    "garbage": lambda i, p: "garbage",
    "expired": lambda i, p: i.token(p, iat=NOW - 7200, exp=NOW - 3600),
    "not yet valid": lambda i, p: i.token(p, nbf=NOW + 86_400),
    "right kid, wrong key": lambda i, p: SigningKey(i.supabase.kid).sign(i.claims(p)),
    "alg none": _unsigned,
    "HS256 with the public key": _signed_with_the_public_key,
    "HS256 though not configured": lambda i, p: jwt.encode(i.claims(p), "x" * 32, "HS256"),
    "wrong audience": lambda i, p: i.token(p, aud="another-audience"),
    "wrong issuer": lambda i, p: i.token(p, iss="https://elsewhere.example/auth/v1"),
    "Supabase's key for auth's issuer": lambda i, p: i.supabase.sign(i.claims(p, iss=AUTH_ISSUER)),
    "auth's key for Supabase's issuer": lambda i, p: i.auth.sign(i.claims(p)),
    "anon": lambda i, p: i.token(p, role="anon"),
    "service_role": lambda i, p: i.token(p, role="service_role"),
    "no subject": lambda i, p: i.token(p, sub=None),
    "a subject that is not a UUID": lambda i, p: i.token("ada"),
    "an expired delegation": lambda i, p: i.delegated(p, iat=NOW - 600, exp=NOW - 500),
    "a delegation for an hour": lambda i, p: i.delegated(p, exp=NOW + 3600),
    "a delegation without an actor": lambda i, p: i.delegated(p, act=None),
}
