"""Reading a request: its JSON body, who sends it, where it wants to return to."""

import fnmatch
import ipaddress
import json
import math
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from starlette.requests import Request
from starlette.responses import Response

from ava_local.supabase_auth.database import Pool
from ava_local.supabase_auth.errors import Refusal, invalid
from ava_local.supabase_auth.keys import SigningKeys
from ava_local.supabase_auth.limits import Limits
from ava_local.supabase_auth.outbox import Outbox
from ava_local.supabase_auth.passwords import Hasher
from ava_local.supabase_auth.settings import Settings

LARGEST_BODY = 1 << 20
EMAIL = re.compile(
    r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*"
)
Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Service:
    """Everything a handler needs besides the request."""

    settings: Settings
    pool: Pool
    keys: SigningKeys
    hasher: Hasher
    limits: Limits
    outbox: Outbox


class Body(BaseModel):
    """A JSON object as Go reads it: null is the zero value, unknown names are ignored, types are not bent."""

    model_config = ConfigDict(strict=True, extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: item for name, item in value.items() if item is not None}
        return {} if value is None else value


B = TypeVar("B", bound=Body)


def here(request: Request) -> Service:
    """The service this request came to."""
    service: Service = request.state.service
    return service


async def read(request: Request, shape: type[B], *, optional: bool = False) -> B:
    """The body as the given shape; 400 bad_json or 413 request_entity_too_large."""
    raw = await _body(request)
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


async def _body(request: Request) -> bytes:
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > LARGEST_BODY:
            message = f"Request body too large (max {LARGEST_BODY} bytes)"
            raise Refusal(413, "request_entity_too_large", message)
    return bytes(raw)


def email_of(text: str) -> str:
    """A plausible address, lower case; 400 validation_failed otherwise."""
    if not text:
        raise invalid("An email address is required")
    if len(text.encode()) > 255:
        raise invalid("An email address is too long")
    if not EMAIL.fullmatch(text):
        raise invalid("Unable to validate email address: invalid format")
    return text.lower()


def address_of(request: Request) -> str:
    """The end user's address: Sb-Forwarded-For (the gateway let it through), else the peer."""
    return _address(request.headers.get("sb-forwarded-for", "")) or (
        request.client.host if request.client else ""
    )


def noted_address(request: Request) -> str | None:
    """What a session row remembers; X-Forwarded-For counts here, but never for the limits."""
    forwarded = _address(request.headers.get("sb-forwarded-for", ""))
    hops = request.headers.get("x-forwarded-for", "").split(",")
    found = forwarded or next((hop for hop in map(_address, hops) if hop), "")
    return found or _address(request.client.host if request.client else "") or None


def audience_of(request: Request, claims: dict[str, Any] | None = None) -> str:
    """X-JWT-AUD, else the token's audience, else `authenticated`."""
    return request.headers.get("x-jwt-aud") or own_audience(claims or {}) or "authenticated"


def own_audience(claims: dict[str, Any]) -> str:
    """The first audience a token names, '' when it names none."""
    audience = claims.get("aud")
    first = audience[0] if isinstance(audience, list) and audience else audience
    return first if isinstance(first, str) else ""


def return_address(request: Request) -> str:
    """redirect_to if it is allowed, else the Referer if it is, else the site itself."""
    settings = here(request).settings
    wanted = request.headers.get("redirect_to") or request.query_params.get("redirect_to") or ""
    for url in (wanted, request.headers.get("referer", "")):
        if may_return_to(url, settings):
            return url
    return settings.site_url


def may_return_to(url: str, settings: Settings) -> bool:
    """The site's own origin, loopback addresses, and whatever the allow list matches."""
    try:
        site, target = urlsplit(settings.site_url), urlsplit(url)
        same = (site.scheme, site.hostname, site.port) == (target.scheme, target.hostname, target.port)
        host = target.hostname or ""
    except ValueError:
        return False
    if url and same:
        return True
    if _address(host):
        return ipaddress.ip_address(host).is_loopback
    patterns = [pattern.strip() for pattern in settings.uri_allow_list.split(",") if pattern.strip()]
    return bool(url) and any(fnmatch.fnmatchcase(url.partition("#")[0], pattern) for pattern in patterns)


def _parsed(raw: bytes) -> Any:
    """JSON as Go takes it: lone surrogates are replaced; NaN, endless numbers and deep nests are errors."""
    if not raw:
        raise ValueError("unexpected end of JSON input")
    text = raw.decode("utf-8", "replace")
    try:
        if "\\ud" in text.lower():  # Python would carry a lone surrogate to the database
            text = json.dumps(json.loads(text), ensure_ascii=False)
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return json.loads(text, parse_constant=_finite, parse_float=_finite)
    except RecursionError:
        raise ValueError("exceeded max depth") from None


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"cannot unmarshal number {text}")
    return number


def _bad_json(why: str) -> Refusal:
    return Refusal(400, "bad_json", f"Could not parse request body as JSON: {why}")


def _address(text: str) -> str:
    """The first address of a list, or '' when it is none that PostgreSQL would take."""
    try:
        return str(ipaddress.ip_address(text.split(",")[0].split("%")[0].strip()))
    except ValueError:
        return ""
