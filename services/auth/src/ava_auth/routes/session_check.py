"""The route with which services ask whether their caller's session still lives; never routed from outside.

Decision 0111.
"""

from fastapi import APIRouter, Response

from ava_common.live_sessions import REFUSALS, LiveCaller
from ava_common.problems import responses
from ava_common.token_verifier import InvalidToken

router = APIRouter(tags=["services"])


@router.get(
    "/internal/session",
    operation_id="sessions_check",
    openapi_extra={"x-internal": True},
    status_code=204,
    response_class=Response,
    responses=responses(InvalidToken, *REFUSALS),
)
async def check(_: LiveCaller) -> None:
    """204 while the session behind this token lives: not logged out, banned or deleted."""
