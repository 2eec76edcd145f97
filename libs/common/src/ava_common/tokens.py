"""Verify access tokens locally: fixed algorithms, known issuers, required claims, nothing guessed."""

import hashlib
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import httpx
import jwt
from pydantic import SecretStr

from ava_common.callers import Caller
from ava_common.keys import KeySet
from ava_common.peers import authorities
from ava_common.problems import Problem

AUDIENCE = "authenticated"
LEEWAY_SECONDS = 10
LONGEST_TOKEN = 8192
LONGEST_DELEGATION_SECONDS = 120
REMEMBERED = 10_000
REMEMBER_SECONDS = 300
_REQUIRED = ["exp", "iat", "sub", "aud", "iss", "role"]


class InvalidToken(Problem):
    """This sign-in is not valid, or no longer. Log in again."""

    status = 401

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


@dataclass(frozen=True)
class TrustedIssuer:
    """An `iss` we believe, with its own keys; only a delegating issuer may (and must) name an actor."""

    name: str
    keys: KeySet
    secret: str | None = None
    delegates: bool = False


class Trust(Protocol):
    """The part of a room's settings that says whose tokens it believes."""

    @property
    def supabase_url(self) -> str: ...
    @property
    def supabase_jwt_secret(self) -> SecretStr | None: ...
    @property
    def supabase_jwt_issuer(self) -> str | None: ...
    @property
    def auth_url(self) -> str: ...
    @property
    def auth_issuer(self) -> str: ...


def trusted_issuers(settings: Trust, http: httpx.AsyncClient) -> list[TrustedIssuer]:
    """Supabase Auth for people, the auth room for delegated tokens."""
    supabase = f"{settings.supabase_url}/auth/v1"
    secret = settings.supabase_jwt_secret.get_secret_value() if settings.supabase_jwt_secret else None
    return [
        TrustedIssuer(
            settings.supabase_jwt_issuer or supabase,
            KeySet(f"{supabase}/.well-known/jwks.json", http),
            secret,
        ),
        TrustedIssuer(
            settings.auth_issuer, KeySet(f"{settings.auth_url}/.well-known/jwks.json", http), delegates=True
        ),
    ]


class Verifier:
    """Turns a token into a Caller; a token once verified is remembered (by hash) for at most its life."""

    def __init__(self, issuers: Sequence[TrustedIssuer], most: int = REMEMBERED) -> None:
        self._issuers = {issuer.name: issuer for issuer in issuers}
        self._most = most
        self._remembered: dict[bytes, tuple[Caller, float]] = {}

    async def verify(self, token: str) -> Caller:
        """The caller this token proves. Raises InvalidToken (401) or KeysUnavailable (503)."""
        if len(token) > LONGEST_TOKEN or not token.isascii():
            raise InvalidToken
        digest = hashlib.sha256(token.encode()).digest()
        known = self._remembered.get(digest)
        if known and time.time() < known[1]:
            return known[0]
        caller = await self._check(token)
        self._remember(digest, caller)
        return caller

    def _remember(self, digest: bytes, caller: Caller) -> None:
        self._remembered.pop(digest, None)
        while len(self._remembered) >= self._most:
            self._remembered.pop(next(iter(self._remembered)))
        self._remembered[digest] = caller, min(caller.expires_at, time.time() + REMEMBER_SECONDS)

    async def _check(self, token: str) -> Caller:
        try:
            header = jwt.get_unverified_header(token)
            unverified = jwt.decode(token, options={"verify_signature": False})
            issuer = self._issuers[unverified["iss"]]
            key, algorithm = await _key_for(issuer, header)
            claims = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=AUDIENCE,
                issuer=issuer.name,
                leeway=LEEWAY_SECONDS,
                options={"require": _REQUIRED},
            )
            return _caller(token, claims, issuer)
        except (jwt.PyJWTError, KeyError, ValueError, TypeError, AttributeError):
            raise InvalidToken from None


@asynccontextmanager
async def open_verifier(settings: Trust) -> AsyncIterator[Verifier]:
    """The verifier of a room, with the HTTP client that fetches keys."""
    async with httpx.AsyncClient(timeout=5, verify=authorities()) as http:
        yield Verifier(trusted_issuers(settings, http))


async def _key_for(issuer: TrustedIssuer, header: dict[str, Any]) -> tuple[Any, str]:
    """The algorithm follows from the key we hold, never from the header alone."""
    if header.get("alg") == "HS256" and issuer.secret:
        return issuer.secret, "HS256"
    key = await issuer.keys.find(header["kid"])
    if key is None or key.algorithm_name != header.get("alg"):
        raise InvalidToken
    return key.key, key.algorithm_name


def _caller(token: str, claims: dict[str, Any], issuer: TrustedIssuer) -> Caller:
    if claims["role"] != "authenticated" or claims["aud"] != AUDIENCE:
        raise InvalidToken
    actor = claims["act"]["sub"] if issuer.delegates else None
    if issuer.delegates and (not actor or claims["exp"] - claims["iat"] > LONGEST_DELEGATION_SECONDS):
        raise InvalidToken
    session = claims.get("session_id")
    email = claims.get("email")
    return Caller(UUID(claims["sub"]), token, int(claims["exp"]), actor, session, email)
