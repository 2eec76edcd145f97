"""The client of auth: delegated tokens to act for a user (RFC 8693 token exchange).

Decision 0065.
"""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import httpx

from ava_common.caller import Caller
from ava_common.expiring_cache import ExpiringCache
from ava_common.http_client import json_object
from ava_whatsapp_gateway.peers.http import PeerAway, PeerRefused, TokenRejected, request

CLIENT_ID = "whatsapp-gateway"
_CACHE_SIZE = 10_000
_WRONG_SECRET_RETRY_SECONDS = 60
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class DelegatedTokens:
    """Delegated tokens, cached for at most half their life."""

    def __init__(self, secret: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._auth = httpx.BasicAuth(CLIENT_ID, secret)
        self._callers: ExpiringCache[UUID, Caller] = ExpiringCache(_CACHE_SIZE, clock)

    async def caller_for(self, client: httpx.AsyncClient, user_id: UUID) -> Caller:
        """The caller to act as for this user. Raises PeerRefused for banned and deleted accounts."""
        if caller := self._callers.get(user_id):
            return caller
        response = await self._exchange(client, user_id)
        try:
            granted = json_object(response)
            token, life_seconds = str(granted["access_token"]), float(granted["expires_in"])
        except (ValueError, KeyError, TypeError):
            raise PeerAway("auth", "a response without a token") from None
        caller = Caller(user_id, token, int(time.time() + life_seconds), actor=CLIENT_ID)
        self._callers.put(user_id, caller, life_seconds / 2)
        return caller

    def clear(self) -> None:
        """Ask for new tokens from now on: a service does not accept the cached ones (a key was revoked)."""
        self._callers.clear()

    async def _exchange(self, client: httpx.AsyncClient, user_id: UUID) -> httpx.Response:
        asked = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": str(user_id),
            "subject_token_type": "urn:ava:token-type:user-id",
        }
        form: dict[str, Any] = {"content": urlencode(asked).encode(), "headers": _FORM}
        try:
            response = await request(client, "auth", "POST", "/internal/tokens", auth=self._auth, **form)
        except TokenRejected:
            why = "does not know our client secret"
            raise PeerAway("auth", why, _WRONG_SECRET_RETRY_SECONDS) from None
        if not response.is_success:
            self._callers.discard(user_id)
            raise PeerRefused("auth", response)
        return response
