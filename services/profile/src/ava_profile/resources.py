"""What the service holds while it runs, and how a route gets it."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from ava_common.attempt_limiter import AttemptLimiter
from ava_common.database import Pool
from ava_common.database_readiness import DatabaseReadiness
from ava_common.live_sessions import SessionCheck
from ava_common.token_verifier import TokenVerifier
from ava_profile.settings import Settings


@dataclass(frozen=True)
class Resources:
    """Opened in the lifespan, closed after the last request."""

    settings: Settings
    pool: Pool
    database: DatabaseReadiness
    verifier: TokenVerifier
    sessions: SessionCheck
    limiter: AttemptLimiter


async def _resources(request: Request) -> Resources:
    return cast(Resources, request.state.resources)


ResourcesDep = Annotated[Resources, Depends(_resources)]
