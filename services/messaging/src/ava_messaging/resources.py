"""What the service holds while it runs, and how a route gets it."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from ava_common.database import Pool
from ava_common.database_readiness import DatabaseReadiness
from ava_common.live_sessions import SessionCheck
from ava_common.token_verifier import TokenVerifier
from ava_messaging.export import ExportSlots


@dataclass(frozen=True)
class Resources:
    """Opened in the lifespan, closed after the last request."""

    pool: Pool
    database: DatabaseReadiness
    verifier: TokenVerifier
    sessions: SessionCheck
    exports: ExportSlots


async def _resources(request: Request) -> Resources:
    return cast(Resources, request.state.resources)


ResourcesDep = Annotated[Resources, Depends(_resources)]
