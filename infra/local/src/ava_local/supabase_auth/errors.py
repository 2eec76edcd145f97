"""Refusals of Supabase Auth, and the two shapes in which it writes them."""

import logging
import uuid
from datetime import date

import asyncpg
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

LOG = logging.getLogger("uvicorn.error")
VERSION_HEADER = "X-Supabase-Api-Version"
CODED_SINCE = date(2024, 1, 1)
UNEXPECTED = "Unexpected failure, please check server logs for more information"
# SQLSTATEs that GoTrue shows as they are (utilities/postgres.go), so that triggers can speak
SHOWN_STATES = {"P0001", "23000", "23001", "23502", "23503", "23505", "23514", "23P01"}


class Refusal(Exception):
    """An answer other than success: HTTP status, error code and message exactly as on the wire."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class WeakPassword(Refusal):
    """A password that breaks the rules, with the reasons: length, characters, pwned."""

    def __init__(self, message: str, reasons: list[str]) -> None:
        super().__init__(422, "weak_password", message)
        self.reasons = reasons


def invalid(message: str) -> Refusal:
    """400 validation_failed."""
    return Refusal(400, "validation_failed", message)


def broken(message: str) -> Refusal:
    """500 unexpected_failure; raise it `from` the database's error so that triggers can speak."""
    return Refusal(500, "unexpected_failure", message)


def speaks_codes(request: Request) -> bool:
    """Whether the caller asked for the 2024-01-01 shape; an unreadable version means the first one."""
    try:
        return date.fromisoformat(request.headers.get(VERSION_HEADER, "")) >= CODED_SINCE
    except ValueError:
        return False


async def refuse(request: Request, error: Exception) -> Response:
    """Write a refusal in the shape the caller asked for."""
    assert isinstance(error, Refusal)
    if speaks_codes(request):
        return _coded(error)
    return _raw(error.__cause__) or _first_shape(error)


async def refuse_database(request: Request, error: Exception) -> Response:
    """A database error nobody foresaw: only its state is logged, for its text may name people."""
    assert isinstance(error, asyncpg.PostgresError)
    LOG.error("%s %s: database error %s", request.method, request.url.path, error.sqlstate)
    refusal = broken(UNEXPECTED)
    refusal.__cause__ = error
    return await refuse(request, refusal)


async def refuse_unexpected(request: Request, _: Exception) -> Response:
    """Whatever nobody foresaw."""
    return await refuse(request, broken(UNEXPECTED))


def _coded(error: Refusal) -> Response:
    body: dict[str, object] = {"code": error.code, "message": error.message}
    headers = {VERSION_HEADER: CODED_SINCE.isoformat()}
    if isinstance(error, WeakPassword):
        body["weak_password"] = {"reasons": error.reasons}
    else:
        headers["x-sb-error-code"] = error.code
    return JSONResponse(body, error.status, headers)


def _first_shape(error: Refusal) -> Response:
    body: dict[str, object] = {"code": error.status, "error_code": error.code, "msg": error.message}
    if error.status >= 500:
        body["error_id"] = str(uuid.uuid4())
    if isinstance(error, WeakPassword):
        body["weak_password"] = {"reasons": error.reasons}
    return JSONResponse(body, error.status, {"x-sb-error-code": error.code})


def _raw(cause: BaseException | None) -> Response | None:
    """What the database said, for the few states GoTrue passes on; PTxyz states choose the status."""
    if not isinstance(cause, asyncpg.PostgresError):
        return None
    state = str(cause.sqlstate)
    status = int(state[2:]) if state.startswith("PT") and state[2:].isdigit() else 500
    if state not in SHOWN_STATES and not state.startswith("PT"):
        return None
    said = {"code": state, "message": cause.message, "hint": cause.hint, "detail": cause.detail}
    return JSONResponse({name: text for name, text in said.items() if text}, status)
