"""What the Supabase project is set to, as it tells every client: whether addresses must be confirmed.

Decision 0115. See docs/contracts/supabase-auth.md#service-endpoints.
"""

import asyncio

import httpx

from ava_auth.settings import Settings
from ava_common.log import log

REMEMBERED_SECONDS = 60.0


class ProjectSettings:
    """Asked for once in a while; until the project has answered, addresses are taken to need confirming."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient) -> None:
        self._http, self._key = http, settings.supabase_publishable_key.get_secret_value()
        self._confirms, self._until = True, float("-inf")

    async def confirm_addresses(self) -> bool:
        """Whether a new account needs the link of a mail before its first log-in."""
        now = asyncio.get_running_loop().time()
        if now > self._until:
            self._until = now + REMEMBERED_SECONDS
            try:
                found = await self._http.get("/auth/v1/settings", headers={"apikey": self._key})
                self._confirms = found.json()["mailer_autoconfirm"] is not True
            except (httpx.HTTPError, ValueError, LookupError, TypeError) as error:
                log.warning("supabase.settings_unreadable", error=type(error).__name__)
        return self._confirms
