"""The WhatsApp gateway, wired: the webhook keeps deliveries, the worker hands each event to the handler.

Decision 0090.
"""

import ava_common.lean_fastapi  # noqa: F401 - before FastAPI

# isort: split

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial

from fastapi import FastAPI

from ava_common.app_factory import create_service_app
from ava_common.database import open_pool
from ava_common.database_readiness import DatabaseReadiness
from ava_common.health import Finding, degraded
from ava_common.settings import load
from ava_whatsapp_gateway.cloud_api import versions
from ava_whatsapp_gateway.cloud_api.number_readiness import open_number_readiness
from ava_whatsapp_gateway.cloud_api.typing_indicator import open_typing_indicator
from ava_whatsapp_gateway.contacts.pin_sweep import PinSweep
from ava_whatsapp_gateway.handling.handler import Handler
from ava_whatsapp_gateway.handling.http_answerer import open_answerer
from ava_whatsapp_gateway.outbox.rate_limiter import RateLimiter
from ava_whatsapp_gateway.outbox.sender import Sender
from ava_whatsapp_gateway.peers.http import open_clients
from ava_whatsapp_gateway.queue import backlog
from ava_whatsapp_gateway.queue.foreign_number import foreign_number_only
from ava_whatsapp_gateway.queue.group_commit import GroupCommit
from ava_whatsapp_gateway.queue.lanes import EVENTS_PER_CLAIM
from ava_whatsapp_gateway.queue.lease_keeper import LeaseKeeper
from ava_whatsapp_gateway.queue.worker import Worker, running
from ava_whatsapp_gateway.settings import Settings
from ava_whatsapp_gateway.webhook import routes
from ava_whatsapp_gateway.webhook.delivery_inbox import Inbox
from ava_whatsapp_gateway.webhook.ingest import BATCH_DELIVERIES, ingest
from ava_whatsapp_gateway.webhook.resources import Resources


def create_app(settings: Settings) -> FastAPI:
    """The service as a function of its settings; its worker runs as long as it does."""

    @asynccontextmanager
    async def open_resources() -> AsyncIterator[Resources]:
        versions.warn_before_sunset(settings.graph_api_version, datetime.now(UTC).date())
        url, size = settings.database_url.get_secret_value(), settings.database_connections
        async with (
            open_pool(url, name="whatsapp-gateway", size=size, may_become=("service_role",)) as pool,
            open_clients(settings, settings.concurrency) as clients,
            open_answerer(settings) as answerer,
            open_typing_indicator(settings, wanted=answerer.thinks) as typing,
            open_number_readiness(settings) as number,
        ):
            arrived = asyncio.Event()
            writes = GroupCommit(pool)
            sender = Sender(pool, writes, settings, RateLimiter(settings.sends_per_second))
            keeper = LeaseKeeper(pool, settings.lease_seconds)
            handler = Handler(
                pool, writes, settings, clients, sender, answerer=answerer, typing=typing, keeper=keeper
            )
            worker = Worker(
                pool,
                writes,
                settings,
                arrived,
                ingest=partial(ingest, pool, settings.phone_number_id),
                deliveries_at_once=BATCH_DELIVERIES,
                handle=handler.handle,
                sweep=PinSweep(pool).check_next,
                keeper=keeper,
                # What was said later may change while an answer is awaited.
                events_per_claim=1 if answerer.thinks else EVENTS_PER_CLAIM,
            )
            async with running(worker):
                secrets = [secret.get_secret_value().encode() for secret in settings.app_secrets]
                database = DatabaseReadiness(pool, url, "WHATSAPP_GATEWAY_DATABASE_URL")
                yield Resources(
                    settings, pool, database, number, Inbox(pool, arrived), secrets, handler.trouble
                )

    return create_service_app(
        "Ava WhatsApp gateway",
        prefix=routes.PATH,
        open_resources=open_resources,
        routers=[routes.router],
        hot_routes=[routes.deliveries],
        fast_paths=[routes.usual_deliveries],
        ready=_ready,
        log_level=settings.log_level,
    )


async def _ready(resources: Resources) -> list[Finding]:
    """Without the database nothing can be kept; with a queue that waits, deliveries still are."""
    pool, settings = resources.pool, resources.settings
    if missing := await resources.database.findings():
        return missing
    foreign = await foreign_number_only(pool, settings.phone_number_id)
    found = await backlog.findings(pool, settings)
    if foreign:
        found.append(degraded("phone_number_id", foreign))
    if not any(one.pointer == "circuit" for one in found):  # it says the same, with the code of a send
        found += await resources.number.findings()
    if trouble := resources.answerers_trouble():
        found.append(degraded("answerer", f"{trouble}. Messages are kept meanwhile"))
    return found


def build() -> FastAPI:
    """For a server: `python -m ava_common.serve ava_whatsapp_gateway.app:build`."""
    return create_app(load(Settings))
