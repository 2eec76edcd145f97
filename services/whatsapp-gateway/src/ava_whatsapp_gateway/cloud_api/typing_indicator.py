"""Show a person that their message was read and that an answer is being written: best effort.

Decision 0146. See docs/contracts/whatsapp-cloud-api.md#sending.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from ava_common.http_client import open_client
from ava_common.log import log
from ava_whatsapp_gateway.settings import Settings

RENEW_SECONDS = 20.0
"""WhatsApp shows it for 25 seconds, or until the answer arrives."""


@dataclass(frozen=True)
class TypingIndicator:
    """`path` is /{version}/{phone number id}/messages; without a client nothing is shown."""

    client: httpx.AsyncClient | None
    path: str
    renew_seconds: float = RENEW_SECONDS

    @asynccontextmanager
    async def shown(self, wamid: str) -> AsyncIterator[None]:
        """Shown meanwhile, beside the work: never waited for, never retried, never counted."""
        if self.client is None or not wamid.startswith("wamid."):
            yield
            return
        showing = asyncio.create_task(self._keep_showing(self.client, wamid))
        try:
            yield
        finally:
            showing.cancel()

    async def _keep_showing(self, client: httpx.AsyncClient, wamid: str) -> None:
        asked = {"messaging_product": "whatsapp", "status": "read", "message_id": wamid}
        while True:
            try:
                await client.post(self.path, json={**asked, "typing_indicator": {"type": "text"}})
            except httpx.HTTPError as error:
                log.debug("typing.not_shown", why=type(error).__name__)
            await asyncio.sleep(self.renew_seconds)


@asynccontextmanager
async def open_typing_indicator(settings: Settings, *, wanted: bool) -> AsyncIterator[TypingIndicator]:
    """With connections of its own, so that no answer ever waits for it; without any unless `wanted`."""
    path = f"/{settings.graph_api_version}/{settings.phone_number_id}/messages"
    if not wanted or settings.typing_indicator == "off":
        yield TypingIndicator(None, path)
        return
    bearer = {"Authorization": f"Bearer {settings.access_token.get_secret_value()}"}
    options = {"limits": httpx.Limits(max_connections=16, keepalive_expiry=3.0), "trust_env": False}
    seconds = settings.graph_timeout_seconds
    async with open_client(
        settings.graph_api_url, timeout_seconds=seconds, headers=bearer, **options
    ) as client:
        yield TypingIndicator(client, path)
