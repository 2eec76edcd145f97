"""Turn every exception that reaches the framework into a problem document."""

from collections.abc import Sequence
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ava_common import database
from ava_common.log import log
from ava_common.problems import (
    DatabaseAway,
    InternalError,
    InvalidRequest,
    MalformedJson,
    MethodNotAllowed,
    NotFound,
    Problem,
)
from ava_common.text import printable
from ava_common.validation_messages import message

_NAME_MAX_CHARACTERS = 200  # of a field that the client made up


async def _problem(_: Request, error: Exception) -> Response:
    return (error if isinstance(error, Problem) else InternalError()).response()


async def _validation_error(_: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    if any(item["type"] == "json_invalid" for item in found):
        return MalformedJson().response()
    return InvalidRequest(
        errors=[{"pointer": _pointer(item["loc"]), "detail": message(item)} for item in found]
    ).response()


def _pointer(location: Sequence[int | str]) -> str:
    """`#/age` for a field of the body (RFC 6901), `query:limit` for a parameter outside the body."""
    place, *path = [printable(str(part))[:_NAME_MAX_CHARACTERS] for part in location]
    if place != "body":
        return ":".join([place, *path])
    return "#" + "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)


async def _http_exception(_: Request, error: Exception) -> Response:
    """What the framework raises itself: an unknown path or method, a body that is not UTF-8 JSON."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    if status == 400:
        return MalformedJson().response()
    known: dict[int, type[Problem]] = {404: NotFound, 405: MethodNotAllowed}
    return known.get(status, InternalError)(headers=headers).response()


async def _database_away(_: Request, error: Exception) -> Response:
    log.warning("database.away", error=type(error).__name__)
    return DatabaseAway().response()


async def _account_gone(_: Request, error: Exception) -> Response:
    return database.AccountGone().response()


HANDLERS: dict[Any, Any] = {
    Problem: _problem,
    RequestValidationError: _validation_error,
    HTTPException: _http_exception,
    **dict.fromkeys(database.AWAY, _database_away),
    database.GONE: _account_gone,
}
