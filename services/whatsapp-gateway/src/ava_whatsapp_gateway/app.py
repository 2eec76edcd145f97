"""The WhatsApp gateway: deliveries in, answers out, each once and in order."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI

from ava_common.database import open_pool
from ava_common.service import service
from ava_common.settings import load
from ava_whatsapp_gateway import graph_versions, health, routes
from ava_whatsapp_gateway.inbox import Inbox
from ava_whatsapp_gateway.settings import Settings
from ava_whatsapp_gateway.worker import working


def create_app(settings: Settings) -> FastAPI:
    """The room as a function of its settings; its worker lives as long as the room."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
        graph_versions.warn(settings.graph_api_version, datetime.now(UTC).date())
        url, arrived = settings.database_url.get_secret_value(), asyncio.Event()
        async with (
            open_pool(
                url,
                name="whatsapp-gateway",
                size=settings.database_connections,
                may_become=("service_role",),
            ) as pool,
            working(pool, settings, arrived),
        ):
            yield {
                "pool": pool,
                "settings": settings,
                "inbox": Inbox(pool, arrived),
                "secrets": [secret.get_secret_value().encode() for secret in settings.app_secrets],
            }

    app = service(
        "Ava WhatsApp gateway",
        prefix=routes.PATH,
        lifespan=lifespan,
        routers=[routes.router],
        ready=health.ready,
        level=settings.log_level,
    )
    app.router.routes.insert(0, routes.receive)
    return app


def build() -> FastAPI:
    """For uvicorn: `uvicorn --factory ava_whatsapp_gateway.app:build`."""
    return create_app(load(Settings))
