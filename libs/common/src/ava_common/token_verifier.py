"""Verify access tokens locally: fixed algorithms, trusted issuers, required claims, nothing guessed.

Decisions 0065 and 0113. See docs/contracts/supabase-auth.md#access-tokens.
"""

import hashlib
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import jwt

from ava_common.caller import Caller
from ava_common.expiring_cache import ExpiringCache
from ava_common.http_client import tls_context
from ava_common.jwks import KeySet
from ava_common.problems import Problem
from ava_common.token_claims import read_caller
from ava_common.trusted_issuers import TrustedIssuer

AUDIENCE = "authenticated"
LEEWAY_SECONDS = 10
TOKEN_MAX_CHARACTERS = 8192
DELEGATION_MAX_SECONDS = 120
CACHE_TOKENS = 10_000
CACHE_SECONDS = 300
JWKS_TIMEOUT_SECONDS = 5
_UNREADABLE = (jwt.PyJWTError, KeyError, ValueError, TypeError, AttributeError, OverflowError, RecursionError)
"""What the JWT library and the claims themselves raise for documents that no issuer makes."""
_REQUIRED_CLAIMS = ["exp", "iat", "sub", "aud", "iss", "role"]


class InvalidToken(Problem):
    """This access token is not valid, or no longer valid. Log in again."""

    status = 401

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


class TokenVerifier:
    """Turns a token into a Caller; a verified token is remembered, by hash, for at most its life."""

    def __init__(
        self,
        issuers: Iterable[TrustedIssuer],
        http: httpx.AsyncClient,
        cache_size: int = CACHE_TOKENS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._issuers = {issuer.name: (issuer, KeySet(issuer.jwks_url, http)) for issuer in issuers}
        self._clock = clock
        self._cache: ExpiringCache[bytes, Caller] = ExpiringCache(cache_size, clock)

    async def verify(self, token: str) -> Caller:
        """The caller this token proves. Raises InvalidToken (401) or KeysUnavailable (503)."""
        if len(token) > TOKEN_MAX_CHARACTERS or not token.isascii():
            raise InvalidToken
        digest = hashlib.sha256(token.encode()).digest()
        if known := self._cache.get(digest):
            return known
        caller = await self._check(token)
        self._cache.put(digest, caller, min(caller.expires_at - self._clock(), CACHE_SECONDS))
        return caller

    async def _check(self, token: str) -> Caller:
        try:
            header = jwt.get_unverified_header(token)
            unverified = jwt.decode(token, options={"verify_signature": False})
            issuer, keys = self._issuers[unverified["iss"]]
            key, algorithm = await _key_for(issuer, keys, header)
            claims = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=AUDIENCE,
                issuer=issuer.name,
                leeway=LEEWAY_SECONDS,
                options={"require": _REQUIRED_CLAIMS},
            )
            return _caller(token, claims, issuer)
        except _UNREADABLE:
            raise InvalidToken from None


@asynccontextmanager
async def open_verifier(*issuers: TrustedIssuer) -> AsyncIterator[TokenVerifier]:
    """A verifier that trusts these issuers, with the HTTP client that fetches their keys."""
    tls = tls_context(*(issuer.jwks_url for issuer in issuers))
    async with httpx.AsyncClient(timeout=JWKS_TIMEOUT_SECONDS, verify=tls) as http:
        yield TokenVerifier(issuers, http)


async def _key_for(issuer: TrustedIssuer, keys: KeySet, header: dict[str, Any]) -> tuple[Any, str]:
    """The algorithm follows from the key we hold, never from the header alone."""
    if header.get("alg") == "HS256" and issuer.secret:
        return issuer.secret, "HS256"
    key = await keys.find(header["kid"])
    if key is None or key.algorithm_name != header.get("alg"):
        raise InvalidToken
    return key.key, key.algorithm_name


def _caller(token: str, claims: dict[str, Any], issuer: TrustedIssuer) -> Caller:
    if claims["role"] != "authenticated" or claims["aud"] != AUDIENCE:
        raise InvalidToken
    return read_caller(token, claims, delegates=issuer.delegates, longest_seconds=DELEGATION_MAX_SECONDS)
