"""What the gateway holds for its routes while it runs, and how a route gets it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends, Request

from ava_common.database import Pool
from ava_common.database_readiness import DatabaseReadiness
from ava_whatsapp_gateway.cloud_api.number_readiness import NumberReadiness
from ava_whatsapp_gateway.settings import Settings
from ava_whatsapp_gateway.webhook.delivery_inbox import Inbox


@dataclass(frozen=True)
class Resources:
    """Opened in the lifespan, closed after the last request; Meta may sign with any of `app_secrets`."""

    settings: Settings
    pool: Pool
    database: DatabaseReadiness
    number: NumberReadiness
    inbox: Inbox
    app_secrets: Sequence[bytes] = field(repr=False)
    answerers_trouble: Callable[[], str]


async def _resources(request: Request) -> Resources:
    return cast(Resources, request.state.resources)


ResourcesDep = Annotated[Resources, Depends(_resources)]
