"""The public keys of a token issuer (JWKS, RFC 7517): fetched without blocking, cached for minutes.

See docs/contracts/supabase-auth.md#access-tokens.
"""

import asyncio
import time

import httpx
from jwt import PyJWK, PyJWKError, PyJWKSet, PyJWTError

from ava_common.log import log
from ava_common.problems import Problem

CACHE_SECONDS = 600  # Supabase: longer caching breaks key revocation
COOL_DOWN_SECONDS = 10  # an attacker inventing key ids must not make us hammer the issuer


class KeysUnavailable(Problem):
    """Sign-ins cannot be verified right now. Try again in a moment."""

    status = 503

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "5"})


class KeySet:
    """The keys at one URL: cached ≤ 10 minutes, fetched again for an unknown id, kept while it is away."""

    def __init__(self, url: str, http: httpx.AsyncClient) -> None:
        self._url, self._http = url, http
        self._keys: dict[str, PyJWK] = {}
        self._fetched_at = self._tried_at = float("-inf")
        self._lock = asyncio.Lock()

    async def find(self, kid: str) -> PyJWK | None:
        """The key with this id, or None. Raises KeysUnavailable when no key was ever fetched."""
        if kid in self._keys and time.monotonic() - self._fetched_at < CACHE_SECONDS:
            return self._keys[kid]
        async with self._lock:
            await self._refresh_for(kid)
        if not self._keys and self._fetched_at == float("-inf"):
            raise KeysUnavailable
        return self._keys.get(kid)

    async def _refresh_for(self, kid: str) -> None:
        now = time.monotonic()
        fresh = now - self._fetched_at < CACHE_SECONDS
        cooling = now - self._tried_at < COOL_DOWN_SECONDS and self._fetched_at > float("-inf")
        if cooling or (fresh and kid in self._keys):
            return
        self._tried_at = now
        try:
            response = await self._http.get(self._url)
            response.raise_for_status()
            self._keys = _usable(response.content)
            self._fetched_at = now
        except (httpx.HTTPError, PyJWTError, ValueError) as error:
            log.warning("keys.unreachable", url=self._url, error=type(error).__name__)


def _usable(document: bytes) -> dict[str, PyJWK]:
    try:
        found = PyJWKSet.from_json(document.decode()).keys
    except PyJWKError:  # an HS256 project publishes an empty list
        return {}
    return {key.key_id: key for key in found if key.key_id and key.algorithm_name in ("ES256", "RS256")}
