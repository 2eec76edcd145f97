"""The auth service: accounts over Supabase Auth, the web page, delegated tokens."""

import ava_common.lean_fastapi  # noqa: F401 - before FastAPI

# isort: split

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
import httpx
from fastapi import FastAPI

from ava_auth.audit import AuditLog
from ava_auth.even_queue import EvenQueue
from ava_auth.issuer import Issuer, read_keys
from ava_auth.live_sessions import LiveSessions
from ava_auth.project_settings import ProjectSettings
from ava_auth.pwned_passwords import PwnedPasswords
from ava_auth.resources import Resources
from ava_auth.routes import (
    api_reference,
    browser_session,
    own_account,
    session_check,
    sign_up_and_log_in,
    token_exchange,
    web_page,
)
from ava_auth.service_clients import ServiceClients
from ava_auth.settings import Settings
from ava_auth.single_flight import SingleFlight
from ava_auth.supabase_connection import open_supabase
from ava_auth.supabase_readiness import SupabaseReadiness
from ava_auth.throttle import Throttle
from ava_common.app_factory import create_service_app
from ava_common.database import AWAY, open_pool
from ava_common.database_readiness import DatabaseReadiness
from ava_common.health import Finding
from ava_common.http_client import certificate_authorities, open_client
from ava_common.log import log
from ava_common.settings import load
from ava_common.token_verifier import open_verifier
from ava_common.trusted_issuers import delegating_issuer

DATABASE_CONNECTIONS = 5
RETENTION_INTERVAL_SECONDS = 3600
PWNED_PASSWORDS_TIMEOUT_SECONDS = 2


def create_app(settings: Settings) -> FastAPI:
    """The service as a function of its settings; nothing is opened before its lifespan begins."""

    @asynccontextmanager
    async def open_resources() -> AsyncIterator[Resources]:
        async with AsyncExitStack() as stack:
            resources = await _open(settings, stack)
            for queue in (resources.passwords, resources.mails):
                stack.push_async_callback(queue.finish)
            retention = asyncio.create_task(_apply_retention(resources))
            stack.callback(retention.cancel)
            yield resources

    return create_service_app(
        "Ava auth",
        prefix="/auth",
        open_resources=open_resources,
        routers=[
            sign_up_and_log_in.router,
            browser_session.router,
            own_account.router,
            token_exchange.router,
            session_check.router,
            web_page.router,
            api_reference.router,
        ],
        ready=_ready,
        log_level=settings.log_level,
    )


async def _open(settings: Settings, stack: AsyncExitStack) -> Resources:
    enter = stack.enter_async_context
    issuers = settings.user_tokens(), delegating_issuer(settings.auth_url, settings.auth_issuer)
    url = settings.database_url.get_secret_value()
    pool = await enter(open_pool(url, name="ava-auth", size=DATABASE_CONNECTIONS))
    audit_log = AuditLog(pool)
    http = await enter(
        httpx.AsyncClient(timeout=PWNED_PASSWORDS_TIMEOUT_SECONDS, verify=certificate_authorities())
    )
    supabase = await enter(open_supabase(settings))
    asking = await enter(open_client(settings.supabase_url))
    return Resources(
        settings=settings,
        pool=pool,
        database=DatabaseReadiness(pool, url, "AUTH_DATABASE_URL"),
        verifier=await enter(open_verifier(*issuers)),
        supabase=supabase,
        supabase_readiness=SupabaseReadiness(settings, asking),
        project=ProjectSettings(settings, asking),
        sessions=LiveSessions(supabase),
        throttle=Throttle(pool, audit_log, settings),
        audit_log=audit_log,
        pwned_passwords=PwnedPasswords(settings.breached_passwords_url, http),
        issuer=Issuer(settings.auth_issuer, read_keys(settings.signing_keys.get_secret_value())),
        service_clients=ServiceClients(settings),
        profile=await enter(open_client(settings.profile_url)),
        messaging=await enter(open_client(settings.messaging_url)),
        refreshes=SingleFlight(),
        passwords=EvenQueue(settings.even_seconds),
        mails=EvenQueue(settings.even_seconds),
    )


async def _ready(resources: Resources) -> list[Finding]:
    return [*await resources.database.findings(), *await resources.supabase_readiness.findings()]


async def _apply_retention(resources: Resources) -> None:
    """Once an hour, drop expired attempt counters and audit events that are too old."""
    while True:
        try:
            await resources.audit_log.set_gauges(resources.settings.audit_days)
            await resources.throttle.apply_retention(resources.settings.audit_days)
        except (*AWAY, asyncpg.PostgresError) as error:
            log.warning("retention.failed", error=type(error).__name__)
        await asyncio.sleep(RETENTION_INTERVAL_SECONDS)


def build() -> FastAPI:
    """For a server: `python -m ava_common.serve ava_auth.app:build`."""
    return create_app(load(Settings))
