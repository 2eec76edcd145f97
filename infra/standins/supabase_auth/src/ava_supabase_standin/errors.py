"""Supabase Auth's errors, and the two JSON shapes in which it writes them.

See docs/contracts/supabase-auth.md#errors.
"""

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
# SQLSTATEs that GoTrue passes on (utilities/postgres.go), so that triggers can return errors
EXPOSED_SQLSTATES = {"P0001", "23000", "23001", "23502", "23503", "23505", "23514", "23P01"}


class AuthError(Exception):
    """Any response other than success: HTTP status, error code and message as on the wire."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class WeakPassword(AuthError):
    """A password that breaks the rules, with the reasons: length, characters, pwned."""

    def __init__(self, message: str, reasons: list[str]) -> None:
        super().__init__(422, "weak_password", message)
        self.reasons = reasons


def validation_failed(message: str) -> AuthError:
    """400 validation_failed."""
    return AuthError(400, "validation_failed", message)


def unexpected_failure(message: str) -> AuthError:
    """500 unexpected_failure; raise it `from` the database's error, so that triggers can return errors."""
    return AuthError(500, "unexpected_failure", message)


def wants_error_codes(request: Request) -> bool:
    """Whether the caller asked for the 2024-01-01 shape; an invalid version means the legacy one."""
    try:
        return date.fromisoformat(request.headers.get(VERSION_HEADER, "")) >= CODED_SINCE
    except ValueError:
        return False


async def error_response(request: Request, error: Exception) -> Response:
    """The error in the shape the caller asked for."""
    assert isinstance(error, AuthError)
    if wants_error_codes(request):
        return _response_with_code(error)
    return _database_response(error.__cause__) or _legacy_response(error)


async def database_error_response(request: Request, error: Exception) -> Response:
    """An unexpected database error: only its state is logged, because its text may hold personal data."""
    assert isinstance(error, asyncpg.PostgresError)
    LOG.error("%s %s: database error %s", request.method, request.url.path, error.sqlstate)
    failure = unexpected_failure(UNEXPECTED)
    failure.__cause__ = error
    return await error_response(request, failure)


async def unexpected_error_response(request: Request, _: Exception) -> Response:
    """Any other unexpected error."""
    return await error_response(request, unexpected_failure(UNEXPECTED))


def _response_with_code(error: AuthError) -> Response:
    body: dict[str, object] = {"code": error.code, "message": error.message}
    headers = {VERSION_HEADER: CODED_SINCE.isoformat()}
    if isinstance(error, WeakPassword):
        body["weak_password"] = {"reasons": error.reasons}
    else:
        headers["x-sb-error-code"] = error.code
    return JSONResponse(body, error.status, headers)


def _legacy_response(error: AuthError) -> Response:
    body: dict[str, object] = {"code": error.status, "error_code": error.code, "msg": error.message}
    if error.status >= 500:
        body["error_id"] = str(uuid.uuid4())
    if isinstance(error, WeakPassword):
        body["weak_password"] = {"reasons": error.reasons}
    return JSONResponse(body, error.status, {"x-sb-error-code": error.code})


def _database_response(cause: BaseException | None) -> Response | None:
    """The database's own error, for the few states GoTrue passes on; PTxyz states choose the status."""
    if not isinstance(cause, asyncpg.PostgresError):
        return None
    state = str(cause.sqlstate)
    status = int(state[2:]) if state.startswith("PT") and state[2:].isdigit() else 500
    if state not in EXPOSED_SQLSTATES and not state.startswith("PT"):
        return None
    said = {"code": state, "message": cause.message, "hint": cause.hint, "detail": cause.detail}
    return JSONResponse({name: text for name, text in said.items() if text}, status)
