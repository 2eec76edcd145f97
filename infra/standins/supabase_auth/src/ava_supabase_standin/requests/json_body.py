"""Reads a request's JSON body as Go does, and validates the e-mail address in it."""

import json
import math
import re
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from starlette.requests import Request

from ava_supabase_standin.errors import AuthError, validation_failed

MAX_BODY_BYTES = 1 << 20
EMAIL = re.compile(
    r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*"
)


class JsonBody(BaseModel):
    """A JSON object as Go reads it: null is the zero value, unknown names are ignored, types are strict."""

    model_config = ConfigDict(strict=True, extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: item for name, item in value.items() if item is not None}
        return {} if value is None else value


Body = TypeVar("Body", bound=JsonBody)


async def read_body(request: Request, shape: type[Body], *, optional: bool = False) -> Body:
    """The body as the given shape; 400 bad_json or 413 request_entity_too_large."""
    raw = await _raw_body(request)
    if optional and not raw:
        return shape()
    try:
        return shape.model_validate(_parsed(raw))
    except ValidationError as error:
        flaw = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in flaw["loc"]) or "body"
        raise _bad_json(f"json: cannot unmarshal field {name}: {flaw['msg']}") from None
    except ValueError as error:
        raise _bad_json(str(error)) from None


async def _raw_body(request: Request) -> bytes:
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > MAX_BODY_BYTES:
            message = f"Request body too large (max {MAX_BODY_BYTES} bytes)"
            raise AuthError(413, "request_entity_too_large", message)
    return bytes(raw)


def validated_email(text: str) -> str:
    """A plausible e-mail address, in lower case; 400 validation_failed otherwise."""
    if not text:
        raise validation_failed("An email address is required")
    if len(text.encode()) > 255:
        raise validation_failed("An email address is too long")
    if not EMAIL.fullmatch(text):
        raise validation_failed("Unable to validate email address: invalid format")
    return text.lower()


def _parsed(raw: bytes) -> Any:
    """JSON as Go reads it: lone surrogates are replaced; NaN, infinity and deep nesting are errors."""
    if not raw:
        raise ValueError("unexpected end of JSON input")
    text = raw.decode("utf-8", "replace")
    try:
        if "\\ud" in text.lower():  # Python would carry a lone surrogate to the database
            text = json.dumps(json.loads(text), ensure_ascii=False)
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return json.loads(text, parse_constant=_finite_number, parse_float=_finite_number)
    except RecursionError:
        raise ValueError("exceeded max depth") from None


def _finite_number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"cannot unmarshal number {text}")
    return number


def _bad_json(reason: str) -> AuthError:
    return AuthError(400, "bad_json", f"Could not parse request body as JSON: {reason}")
