"""What operators ask of every service: `/healthz`, `/readyz`, `/metrics`."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias, TypeVar

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest
from starlette.responses import Response

from ava_common.database import AWAY, Pool
from ava_common.problems import Problem

READY = Gauge("service_ready", "1 while the service has all that it needs, as /readyz says; else 0.")

R = TypeVar("R")
ReadinessCheck: TypeAlias = Callable[[R], Awaitable[Mapping[str, bool | str]]]
"""Given the service's resources, answers {name of what it needs: whether it is available}.

Words in place of True say why the service is degraded: it works, and something should be done.
"""


class NotReady(Problem):
    """This service is not ready. `errors` lists what it is waiting for."""

    status = 503


def router(ready: ReadinessCheck[R]) -> APIRouter:
    """The three routes; none of them is in the API description or routed from outside."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @routes.get("/readyz")
    async def readyz(request: Request) -> dict[str, str | list[dict[str, str]]]:
        checks = await ready(request.state.resources)
        if missing := [name for name, available in checks.items() if not available]:
            raise NotReady(errors=[{"pointer": name, "detail": "is not ready"} for name in missing])
        words = {name: said for name, said in checks.items() if isinstance(said, str)}
        if words:
            errors = [{"pointer": name, "detail": said} for name, said in words.items()]
            return {"status": "degraded", "errors": errors}
        return {"status": "ready"}

    @routes.get("/metrics")
    async def metrics(request: Request) -> Response:
        READY.set(all((await ready(request.state.resources)).values()))
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return routes


async def database_answers(pool: Pool) -> bool:
    """Whether the database answers a query: the usual readiness check."""
    try:
        return bool(await pool.fetchval("select true"))
    except AWAY:
        return False
