"""What is refused before routing, because ignoring it would look like success: If-Match, repeated parameters.

Decision 0124.
"""

from collections import Counter
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send

from ava_common.problems import InvalidRequest, Problem
from ava_common.resource_methods import ResourceMethods

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_KEY = b"idempotency-key"
_QUOTED_MAX_CHARACTERS = 200


class ConditionNotSupported(Problem):
    """This address does not compare versions, so If-Match cannot be met here. Send the request without it."""

    status = 412


class RequestChecks:
    """ASGI middleware: refuses If-Match where no route compares it, and what is given twice."""

    def __init__(self, app: ASGIApp, methods: ResourceMethods) -> None:
        self.app, self.methods = app, methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = self._found_in(scope) if scope["type"] == "http" else None
        await (problem.response() if problem else self.app)(scope, receive, send)

    def _found_in(self, scope: Scope) -> Problem | None:
        query: bytes = scope["query_string"]
        if b"&" in query and (repeated := repeated_names(query)[:10]):
            return InvalidRequest(
                errors=[
                    {"pointer": f"query:{name[:_QUOTED_MAX_CHARACTERS]}", "detail": "must be given once"}
                    for name in repeated
                ]
            )
        if scope["method"] in _SAFE:
            return None
        names = [name for name, _ in scope["headers"]]
        if names.count(_KEY) > 1:
            return InvalidRequest(
                errors=[{"pointer": "header:Idempotency-Key", "detail": "must be given once"}]
            )
        if b"if-match" not in names:
            return None
        supported = self.methods.compares_versions(scope["method"], scope["path"])
        return None if supported else ConditionNotSupported()


def repeated_names(query: bytes) -> list[str]:
    """The names that a query string holds more than once."""
    given = Counter(name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    return [name for name, times in given.items() if times > 1]
