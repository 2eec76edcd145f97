"""Turn every exception that reaches the framework into a problem document."""

from collections.abc import Sequence
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ava_common.database import GONE, AccountGone
from ava_common.database_errors import AWAY, BUSY
from ava_common.log import log
from ava_common.problems import (
    DatabaseAway,
    InternalError,
    InvalidRequest,
    MalformedJson,
    MethodNotAllowed,
    NotFound,
    Problem,
    UnsupportedMediaType,
)
from ava_common.text import printable
from ava_common.validation_messages import message

_NAME_MAX_CHARACTERS = 200  # of a field that the client made up
_ERRORS_MAX = 100  # a body of a megabyte can have a hundred thousand unknown fields


async def _problem(_: Request, error: Exception) -> Response:
    return (error if isinstance(error, Problem) else InternalError()).response()


async def _validation_error(_: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    if any(item["loc"] == ("body",) and isinstance(item.get("input"), bytes) for item in found):
        return UnsupportedMediaType().response()  # the framework leaves a body unread that is not JSON
    if any(item["type"] == "json_invalid" for item in found):
        return MalformedJson().response()
    return InvalidRequest(
        errors=[{"pointer": _pointer(item["loc"]), "detail": message(item)} for item in found[:_ERRORS_MAX]]
    ).response()


def _pointer(location: Sequence[int | str]) -> str:
    """`#/age` for a field of the body (RFC 6901), `query:limit` for a parameter outside the body."""
    place, *path = [printable(str(part))[:_NAME_MAX_CHARACTERS] for part in location]
    if place != "body":
        return ":".join([place, *path])
    return "#" + "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)


async def _http_exception(request: Request, error: Exception) -> Response:
    """What the framework raises itself: an unknown path or method, a body that is not UTF-8 JSON."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 405:
        # The framework names the methods of the first route at this path, not of all of them.
        return MethodNotAllowed(
            headers={"Allow": request.app.state.methods.at(request.scope["path"])}
        ).response()
    known: dict[int, type[Problem]] = {400: MalformedJson, 404: NotFound}
    return known.get(status, InternalError)().response()


async def _database_away(_: Request, error: Exception) -> Response:
    log.warning("database.away", error=str(error) if isinstance(error, AWAY) else type(error).__name__)
    return DatabaseAway().response()


async def _account_gone(_: Request, error: Exception) -> Response:
    return AccountGone().response()


async def response_to(error: Exception) -> Response | None:
    """The problem document for an exception; None for one that no handler knows."""
    for kind in type(error).__mro__:
        if handler := HANDLERS.get(kind):
            response: Response = await handler(None, error)
            return response
    return None


HANDLERS: dict[Any, Any] = {
    Problem: _problem,
    RequestValidationError: _validation_error,
    HTTPException: _http_exception,
    **dict.fromkeys((*AWAY, *BUSY), _database_away),
    GONE: _account_gone,
}
