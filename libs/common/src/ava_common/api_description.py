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


def complete(app: FastAPI, *, checked: bool) -> None:
    """What `app.openapi` returns from now on holds what can really come, and nothing that cannot.

    `checked`: the service refuses what RequestChecks refuses.
    """
    generate = app.openapi

    def described() -> Json:
        if app.openapi_schema is None:
            app.openapi_schema = completed(generate(), checked=checked)
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def completed(description: Json, *, checked: bool) -> Json:
    """The description with the statuses that every operation of its kind can have, and the Problem schema."""
    schemas = description.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = SCHEMA
    for path in description["paths"].values():
        for method, operation in path.items():
            if "requestBody" not in operation:
                operation["responses"].pop("400", None)
            if checked:
                _add_refusals(method, operation)
            operation["responses"] = dict(sorted(operation["responses"].items()))
    _drop_unused(description, schemas)
    return description


def _add_refusals(method: str, operation: Json) -> None:
    if "application/json" in operation.get("requestBody", {}).get("content", {}):
        add(operation["responses"], UnsupportedMediaType)
    if method in _UNSAFE and not _compares_versions(operation):
        add(operation["responses"], ConditionNotSupported)


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
