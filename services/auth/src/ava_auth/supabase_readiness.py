"""Whether Supabase Auth responds and accepts both keys, in words that name the variable.

Decision 0117. See docs/contracts/supabase-auth.md#limits-and-addresses.
"""

from collections.abc import Mapping
from uuid import UUID

import httpx

from ava_auth.settings import Settings
from ava_common.health import Finding, degraded

TIMEOUT_SECONDS = 2.5
_NO_USER = UUID(int=0)
_PAUSED = 540


class SupabaseReadiness:
    """Asks with the publishable key as a client would, and with the secret key as an administrator."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient) -> None:
        self._http, self._url = http, settings.supabase_url
        self._publishable = settings.supabase_publishable_key.get_secret_value()
        self._secret = settings.supabase_secret_key.get_secret_value()

    async def findings(self) -> list[Finding]:
        """Without Supabase Auth nobody can log in; what needs no account goes on."""
        words = await self.problem()
        return [degraded("accounts", words)] if words else []

    async def problem(self) -> str | None:
        """What is wrong, in words; None if both keys are accepted."""
        try:
            return await self._ask()
        except httpx.ConnectError:
            return f"SUPABASE_URL ({self._url}) cannot be reached: check its spelling, or the network"
        except httpx.HTTPError:
            return f"SUPABASE_URL ({self._url}) does not respond in time; it is tried again"

    async def _ask(self) -> str | None:
        health = await self._get("/auth/v1/health", {"apikey": self._publishable})
        if words := self._wrong(health, "SUPABASE_PUBLISHABLE_KEY"):
            return words
        if not _is_supabase_auth(health):
            return f"SUPABASE_URL ({self._url}) leads to something that is not Supabase Auth: check it"
        # An account that cannot exist: 404 for a key that may ask, 401 or 403 for one that may not.
        user = await self._get(f"/auth/v1/admin/users/{_NO_USER}", _as_administrator(self._secret))
        return None if user.status_code == 404 else self._wrong(user, "SUPABASE_SECRET_KEY")

    async def _get(self, path: str, headers: Mapping[str, str]) -> httpx.Response:
        return await self._http.get(path, headers=headers, timeout=TIMEOUT_SECONDS)

    def _wrong(self, response: httpx.Response, key: str) -> str | None:
        if response.status_code == _PAUSED:
            return "the Supabase project is paused: restore it in the dashboard"
        if response.status_code in (401, 403):
            return f"Supabase refuses {key}: copy it again from the dashboard, under API keys"
        if not response.is_success:
            return f"SUPABASE_URL ({self._url}) answers {response.status_code}; it is tried again"
        return None


def _is_supabase_auth(response: httpx.Response) -> bool:
    try:
        document = response.json()
    except ValueError:
        return False
    return isinstance(document, dict) and document.get("name") == "GoTrue"


def _as_administrator(key: str) -> dict[str, str]:
    """A legacy key is a token as well, and proves the role by that; a new one is only a key."""
    return {"apikey": key, "Authorization": f"Bearer {key}"}
