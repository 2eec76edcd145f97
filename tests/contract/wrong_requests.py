"""Every kind of wrong request that an OpenAPI description makes possible, one wrong thing at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

TOO_LARGE = 10**9
BODIES = {"application/json": "json", "application/x-www-form-urlencoded": "data"}


@dataclass(frozen=True)
class WrongRequest:
    """`pointer` is what the refusal must name; None where the body as a whole cannot be read."""

    what: str
    operation: dict[str, Any] = field(repr=False)
    method: str
    path: str
    pointer: str | None
    options: dict[str, Any] = field(repr=False)


def wrong_requests(description: dict[str, Any]) -> Iterator[WrongRequest]:
    """The wrong requests of every operation; paths with parameters are asked with the nil UUID."""
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            wrong = [*_wrong_parameters(description, operation), *_wrong_bodies(description, operation)]
            target = path.replace("{message_id}", "00000000-0000-0000-0000-000000000000")
            for what, pointer, options in wrong:
                yield WrongRequest(what, operation, method.upper(), target, pointer, options)


Wrong = tuple[str, str | None, dict[str, Any]]


def _wrong_parameters(description: dict[str, Any], operation: dict[str, Any]) -> Iterator[Wrong]:
    parameters = [one for one in operation.get("parameters", []) if one["in"] != "path"]
    for parameter in parameters:
        place, name = parameter["in"], parameter["name"]
        if name == "X-Hub-Signature-256":  # checked by its endpoint itself, which has no fields
            continue
        if parameter.get("required"):
            yield f"no {name}", f"{place}:{name}", {}
        for what, value in _wrong_texts(_resolved(description, parameter["schema"])[0], place):
            yield f"{name} {what}", f"{place}:{name}", _option(place, name, value)


def _option(place: str, name: str, value: str) -> dict[str, Any]:
    if place == "cookie":
        return {"headers": {"Cookie": f"{name}={value}"}}
    return {"params": {name: value}} if place == "query" else {"headers": {name: value}}


def _wrong_bodies(description: dict[str, Any], operation: dict[str, Any]) -> Iterator[Wrong]:
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        schema, _ = _resolved(description, content["schema"])
        if "properties" not in schema:
            continue
        option = BODIES[media_type]
        if option == "json":
            yield from _wrong_documents()
        for name in schema.get("required", []):
            yield f"no {name}", f"#/{name}", {option: {"another": "x"}}
        if schema.get("additionalProperties") is False:
            yield "an unknown field", "#/unknown", {option: {"unknown": 1}}
        for name, one in schema["properties"].items():
            found, nullable = _resolved(description, one)
            values = _wrong_values(found, nullable) if option == "json" else _wrong_texts(found, "body")
            for what, value in values:
                yield f"{name} {what}", f"#/{name}", {option: {name: value}}


def _wrong_documents() -> Iterator[Wrong]:
    yield "no body", "#", {}
    yield "malformed JSON", None, {"content": b"{", "headers": {"Content-Type": "application/json"}}
    yield "not sent as JSON", None, {"content": b"age=20", "headers": {"Content-Type": "text/plain"}}
    bodies: tuple[Any, ...] = ([], "text", 5, True)
    for value in bodies:
        yield f"the body {value!r}", "#", {"json": value}


def _wrong_values(schema: dict[str, Any], nullable: bool) -> Iterator[tuple[str, Any]]:
    """Values of the wrong type, then values of the right type that break a constraint."""
    values: tuple[Any, ...] = ([], {}) if nullable else ([], {}, None)
    for value in values:
        yield f"is {value!r}", value
    if schema["type"] == "string":
        yield "is a number", 5
        yield from _wrong_texts(schema, "body")
    if schema["type"] == "integer":
        yield from (("is text", "many"), ("has a fraction", 30.5), ("is huge", TOO_LARGE))
        yield from (("is too small", schema["minimum"] - 1), ("is too large", schema["maximum"] + 1))


def _wrong_texts(schema: dict[str, Any], place: str) -> Iterator[tuple[str, str]]:
    """Texts that break a constraint of this schema, as they can be sent in this place."""
    if schema.get("minLength"):
        yield "is empty", ""
    if "maxLength" in schema:
        yield "is too long", "x" * (schema["maxLength"] + 1)
    if "pattern" in schema:
        yield "does not match", "two words" if place == "header" else "\0"
    if "enum" in schema or "const" in schema:
        yield "is an unknown choice", "unknown"
    if schema.get("format") in ("uuid", "date-time", "email"):
        yield "is malformed", "nonsense"
    if schema.get("format") == "date-time":
        yield from (("has no zone", "2026-01-01T00:00:00"), ("is out of range", "0001-01-01T00:00:00Z"))
    if schema["type"] == "integer":
        yield from (("is text", "many"), ("is too small", str(schema["minimum"] - 1)))
        yield from (("has a fraction", "1.5"), ("is too large", str(schema["maximum"] + 1)))


def _resolved(description: dict[str, Any], schema: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """The schema behind references, without null; and whether null was allowed."""
    if "$ref" in schema:
        return _resolved(description, description["components"]["schemas"][schema["$ref"].rsplit("/")[-1]])
    if "anyOf" in schema:
        (only,) = [one for one in schema["anyOf"] if one != {"type": "null"}]
        return _resolved(description, only)[0], True
    return schema, False
