"""Run an application in this process, from startup to shutdown, and speak HTTP to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from asgi_lifespan import LifespanManager
from starlette.types import ASGIApp

WAIT_SECONDS = 60


@asynccontextmanager
async def started(app: ASGIApp) -> AsyncIterator[ASGIApp]:
    """The application between its startup and its shutdown."""
    async with LifespanManager(app, startup_timeout=WAIT_SECONDS, shutdown_timeout=WAIT_SECONDS) as running:
        yield running.app


def client_of(
    app: ASGIApp, base_url: str = "http://service", raise_app_exceptions: bool = True
) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=raise_app_exceptions)
    return httpx.AsyncClient(transport=transport, base_url=base_url)


@asynccontextmanager
async def client_of_started(app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application, which is started before and shut down after."""
    async with started(app) as running, client_of(running) as client:
        yield client
