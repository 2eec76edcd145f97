"""What operators ask of every service: `/healthz`, `/readyz`, `/metrics`.

Decision 0117.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest
from pydantic import BaseModel
from starlette.responses import Response

from ava_common.log import log
from ava_common.problems import Problem

READY = Gauge("service_ready", "1 while the service has all that it needs, as /readyz says; else 0.")
DEGRADED = Gauge("service_degraded", "1 for each thing outside that refuses or is away.", ["pointer"])

R = TypeVar("R")


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be: where, and in words what it is and what to do.

    `missing`: the service cannot work without it (503); otherwise it is degraded (200) and does the rest.
    """

    pointer: str
    detail: str
    missing: bool = False


def missing(pointer: str, detail: str) -> Finding:
    """What the service itself needs, and does not have."""
    return Finding(pointer, detail, missing=True)


def degraded(pointer: str, detail: str) -> Finding:
    """What refuses or is away outside, while the service goes on with the rest."""
    return Finding(pointer, detail)


ReadinessCheck: TypeAlias = Callable[[R], Awaitable[Sequence[Finding]]]
"""Given the service's resources, answers what is not as it should be; nothing when all is well."""


class NotReady(Problem):
    """This service is not ready. `errors` lists what it is waiting for."""

    status = 503


class Readiness(BaseModel):
    """The answer of a service that works, perhaps not with all that it is meant to do."""

    status: Literal["ready", "degraded"]
    errors: list[dict[str, str]] = []


def router(ready: ReadinessCheck[R]) -> APIRouter:
    """The three routes; none of them is in the API description or routed from outside."""
    routes = APIRouter(include_in_schema=False)
    changes = Changes()

    @routes.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @routes.get("/readyz", response_model_exclude_defaults=True)
    async def readyz(request: Request) -> Readiness:
        found = await ready(request.state.resources)
        changes.note(found)
        errors = [{"pointer": one.pointer, "detail": one.detail} for one in found]
        if any(one.missing for one in found):
            raise NotReady(errors=errors)
        return Readiness(status="degraded" if found else "ready", errors=errors)

    @routes.get("/metrics")
    async def metrics(request: Request) -> Response:
        found = await ready(request.state.resources)
        READY.set(not any(one.missing for one in found))
        DEGRADED.clear()
        for one in found:
            if not one.missing:
                DEGRADED.labels(one.pointer).set(1)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return routes


class Changes:
    """Logs what a readiness check found, once for each change of it."""

    def __init__(self) -> None:
        self._last: tuple[Finding, ...] | None = None

    def note(self, found: Sequence[Finding]) -> None:
        """Log the findings unless they are those of the last time."""
        if self._last == (now := tuple(found)):
            return
        self._last = now
        if not now:
            log.info("readiness.changed", status="ready")
            return
        status = "not ready" if any(one.missing for one in now) else "degraded"
        log.warning(
            "readiness.changed", status=status, reasons=[f"{one.pointer}: {one.detail}" for one in now]
        )
