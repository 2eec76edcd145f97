"""The auth room, made from its settings."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg
import httpx
from fastapi import FastAPI

from ava_auth import account, browser, internal, page, routes
from ava_auth.accounts import open_accounts
from ava_auth.attempts import Attempts
from ava_auth.audit import Trail
from ava_auth.breaches import Breaches
from ava_auth.clients import Clients
from ava_auth.flights import Flights
from ava_auth.issuer import Issuer, read_keys
from ava_auth.resources import Resources
from ava_auth.settings import Settings
from ava_common import database
from ava_common.log import log
from ava_common.peers import authorities, open_peer
from ava_common.service import answers, service
from ava_common.settings import load
from ava_common.tokens import open_verifier

_HOUR = 3600


def create_app(settings: Settings) -> FastAPI:
    """The room; nothing is opened before its lifespan begins."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
        async with AsyncExitStack() as stack:
            resources = await _open(settings, stack)
            verifier = await stack.enter_async_context(open_verifier(settings))
            tidying = asyncio.create_task(_tidy(resources))
            stack.callback(tidying.cancel)
            yield {"verifier": verifier, "resources": resources}

    return service(
        "Ava auth",
        prefix="/auth",
        lifespan=lifespan,
        routers=[routes.router, browser.router, account.router, internal.router, page.router],
        ready=_ready,
        level=settings.log_level,
    )


async def _open(settings: Settings, stack: AsyncExitStack) -> Resources:
    url = settings.database_url.get_secret_value()
    pool = await stack.enter_async_context(database.open_pool(url, name="ava-auth"))
    trail = Trail(pool)
    elsewhere = await stack.enter_async_context(httpx.AsyncClient(timeout=2, verify=authorities()))
    return Resources(
        settings=settings,
        pool=pool,
        accounts=await stack.enter_async_context(open_accounts(settings)),
        attempts=Attempts(pool, trail, settings),
        trail=trail,
        breaches=Breaches(settings.breached_passwords_url, elsewhere),
        issuer=Issuer(settings.auth_issuer, read_keys(settings.signing_keys.get_secret_value())),
        clients=Clients(settings),
        profile=await stack.enter_async_context(open_peer(settings.profile_url)),
        messaging=await stack.enter_async_context(open_peer(settings.messaging_url)),
        refreshes=Flights(),
    )


async def _ready(state: Any) -> Mapping[str, bool]:
    here: Resources = state.resources
    return {"database": await answers(here.pool), "accounts": await here.accounts.answer()}


async def _tidy(here: Resources) -> None:
    """Once an hour, drop counters that have served and events that are too old."""
    while True:
        try:
            await here.pool.execute("select accounts.forget($1)", here.settings.audit_days)
        except (*database.AWAY, asyncpg.PostgresError) as error:
            log.warning("tidying.failed", error=type(error).__name__)
        await asyncio.sleep(_HOUR)


def build() -> FastAPI:
    """The room as uvicorn starts it: `uvicorn --factory ava_auth.app:build`."""
    return create_app(load(Settings))
