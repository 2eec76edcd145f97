"""Errors as RFC 9457 problem documents: a problem is a class whose docstring is its message.

Decision 0090.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import orjson
from starlette.responses import Response

from ava_common.tracing import current_trace

MEDIA_TYPE = "application/problem+json"

SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "A problem document (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "description": "The problem's stable name, a URN."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What happened and what to do next."},
        "instance": {
            "type": "string",
            "description": "The request's id, a URN; quote it when asking for help.",
        },
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "description": "`#/age`: this field of the body (RFC 6901). `query:limit`, "
                        "`header:If-Match`, `path:id`: this parameter.",
                    },
                    "detail": {"type": "string", "description": "What is wrong with it."},
                },
            },
        },
    },
}


class Problem(Exception):
    """Something went wrong. Try again later."""

    status: ClassVar[int] = 500
    name: ClassVar[str | None] = None
    """The last part of `type` where it is not the class's own name: a type stays when a class is renamed."""

    def __init__(
        self,
        detail: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[Mapping[str, str]] | None = None,
    ) -> None:
        super().__init__(type(self).__name__)
        self.detail = detail or self.message()
        self.headers = dict(headers or {})
        self.errors = list(errors or ())

    @classmethod
    def message(cls) -> str:
        return " ".join((cls.__doc__ or "").split())

    @classmethod
    def title(cls) -> str:
        return cls.message().split(". ")[0].rstrip(".")

    @classmethod
    def type(cls) -> str:
        return "urn:ava:problem:" + (cls.name or re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower())

    def document(self) -> dict[str, Any]:
        """The body: type, title, status, detail, instance and, where fields are wrong, errors."""
        body: dict[str, Any] = {
            "type": self.type(),
            "title": self.title(),
            "status": self.status,
            "detail": self.detail,
            "instance": f"urn:ava:request:{current_trace().request_id}",
        }
        return body | ({"errors": self.errors} if self.errors else {})

    def response(self) -> Response:
        return Response(orjson.dumps(self.document()), self.status, self.headers, media_type=MEDIA_TYPE)


class NotFound(Problem):
    """There is nothing at this address. Check the path and the method against the API description."""

    status = 404


class MethodNotAllowed(Problem):
    """This address does not support this method. The Allow header lists the ones it supports."""

    status = 405


class MalformedJson(Problem):
    """The body is not valid JSON. Send one JSON document encoded as UTF-8."""

    status = 400


class UnsupportedMediaType(Problem):
    """The body is not sent as JSON. Send the header `Content-Type: application/json` with it."""

    status = 415


class InvalidRequest(Problem):
    """Some fields are invalid. Fix the fields listed in `errors` and try again."""

    status = 422


class InternalError(Problem):
    """Something went wrong on our side. Try again; if it keeps failing, report this document's `instance`."""

    status = 500


class DatabaseAway(Problem):
    """The database is not available right now. Try again in a moment."""

    status = 503

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "2"})


def responses(*problems: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route that may raise these problems."""
    documented: dict[int | str, dict[str, Any]] = {}
    for problem in problems:
        entry = documented.setdefault(
            problem.status,
            {
                "description": "",
                "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        )
        entry["description"] = " / ".join(filter(None, [entry["description"], problem.title()]))
    return documented
