"""The HTTP client behind every call to Supabase Auth.

Decision 0060.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from ava_auth.settings import Settings
from ava_auth.supabase import SupabaseAuth
from ava_common.http_client import certificate_authorities, open_client

TIMEOUT_SECONDS = 10


@asynccontextmanager
async def open_supabase(settings: Settings) -> AsyncIterator[SupabaseAuth]:
    """One HTTP client for all calls, which keeps no cookies and retries only what was never sent."""
    async with open_client(
        settings.supabase_url,
        timeout_seconds=TIMEOUT_SECONDS,
        transport=httpx.AsyncHTTPTransport(retries=1, verify=certificate_authorities()),
    ) as http:
        yield SupabaseAuth(settings, http)
