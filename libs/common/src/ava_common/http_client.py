"""The HTTP client for asking another service, and how to tell the service's own answer from others'.

It carries the trace, and the caller's own token; it keeps no cookies. Decisions 0106 and 0153.
"""

import ssl
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import httpx
import orjson

from ava_common.caller import Caller
from ava_common.tracing import current_trace

LONGEST_RETRY_AFTER_SECONDS = 3600.0


@cache
def certificate_authorities() -> ssl.SSLContext:
    """The authorities we trust, loaded once: every httpx client would spend 25 ms on its own copy."""
    return httpx.create_ssl_context()


def tls_context(*urls: str, load: Callable[[], ssl.SSLContext] = certificate_authorities) -> ssl.SSLContext:
    """What a client for these addresses verifies servers with. Decision 0176.

    Authorities take 0.7 MB; where no address begins with `https`, none are loaded and TLS is refused.
    """
    over_tls = any(httpx.URL(url).scheme == "https" for url in urls)
    return load() if over_tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class on_behalf_of(httpx.Auth):
    """Forward the caller's own token, so that row-level security applies to every hop."""

    def __init__(self, caller: Caller) -> None:
        self._header = f"Bearer {caller.token}"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = self._header
        yield request


class _NoCookies(httpx.Cookies):
    def extract_cookies(self, response: httpx.Response) -> None:
        """Nothing is kept; reading them costs as much as the rest of a short response."""


class _Client(httpx.AsyncClient):
    """A cookie that it kept would travel with the next request, which is another person's."""

    @property
    def cookies(self) -> httpx.Cookies:
        return _NO_COOKIES

    @cookies.setter
    def cookies(self, cookies: object) -> None:
        """None is ever sent."""


_NO_COOKIES = _NoCookies()


def trace_headers() -> dict[str, str]:
    """What carries the trace being worked in to another service; nothing outside of one."""
    trace = current_trace()
    return {"traceparent": trace.traceparent, "X-Request-Id": trace.request_id} if trace.traceparent else {}


async def _carry_trace(request: httpx.Request) -> None:
    request.headers.update(trace_headers())


@asynccontextmanager
async def open_client(
    base_url: str, *, timeout_seconds: float = 5.0, **options: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """A client for one service; the timeout is for connect, read, write and pool each."""
    async with _Client(
        base_url=base_url,
        timeout=timeout_seconds,
        event_hooks={"request": [_carry_trace]},
        **{"verify": tls_context(base_url), **options},
    ) as client:
        yield client


def retry_after_seconds(response: httpx.Response) -> float | None:
    """The `Retry-After` of a response, at most an hour; None when it is missing or a date (RFC 9110)."""
    value = response.headers.get("retry-after", "").strip()
    seconds = float(value) if value.isascii() and value.isdigit() else None
    return None if seconds is None else min(seconds, LONGEST_RETRY_AFTER_SECONDS)


_NOT_SERVED = ("urn:ava:problem:not-found", "urn:ava:problem:method-not-allowed")
"""What says that nothing is served at this path: an older version, another service, or the edge proxy."""


def json_object(response: httpx.Response) -> dict[str, Any]:
    """The JSON object of a response, empty when it is something else."""
    try:
        found = orjson.loads(response.content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def own_problem(response: httpx.Response) -> str | None:
    """The type of a problem document in which the service itself refuses, be it one of a newer version.

    None when something else answered in its place, or when it does not serve this path at all.
    """
    kind = json_object(response).get("type")
    own = isinstance(kind, str) and kind.startswith("urn:ava:problem:") and kind not in _NOT_SERVED
    return str(kind)[:100] if own else None
