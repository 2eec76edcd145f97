"""Complete the OpenAPI description that the framework generates: problems, statuses, no unused schemas.

Decision 0123.
"""

import json
import re
from typing import Any

from fastapi import FastAPI

from ava_common.problems import SCHEMA, Problem, UnsupportedMediaType, responses
from ava_common.request_checks import ConditionNotSupported

_UNSAFE = frozenset({"post", "put", "patch", "delete"})
Json = dict[str, Any]


def complete(app: FastAPI) -> None:
    """What `app.openapi` returns from now on holds what can really come, and nothing that can not."""
    generate = app.openapi

    def described() -> Json:
        if app.openapi_schema is None:
            app.openapi_schema = completed(generate())
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def completed(description: Json) -> Json:
    """The description with the statuses that every operation of its kind can have, and the Problem schema."""
    schemas = description.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = SCHEMA
    for path in description["paths"].values():
        for method, operation in path.items():
            _complete(method, operation)
    _drop_unused(description, schemas)
    return description


def _complete(method: str, operation: Json) -> None:
    statuses: Json = operation["responses"]
    body = operation.get("requestBody", {}).get("content", {})
    if not body:
        statuses.pop("400", None)
    if "application/json" in body:
        add(statuses, UnsupportedMediaType)
    if method in _UNSAFE and not _compares_versions(operation):
        add(statuses, ConditionNotSupported)
    operation["responses"] = dict(sorted(statuses.items()))


def _compares_versions(operation: Json) -> bool:
    return any(parameter["name"].lower() == "if-match" for parameter in operation.get("parameters", ()))


def add(statuses: Json, *problems: type[Problem]) -> None:
    """Add problems to an operation's `responses`, beside others of the same status."""
    for status, entry in responses(*problems).items():
        known = statuses.setdefault(str(status), entry)
        if known is not entry and entry["description"] not in known["description"]:
            known["description"] += f" / {entry['description']}"


def _drop_unused(description: Json, schemas: Json) -> None:
    """A schema that nothing refers to is an internal one, such as what a cursor is decoded to."""
    while unused := schemas.keys() - set(
        re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(description))
    ):
        for name in unused:
            del schemas[name]
