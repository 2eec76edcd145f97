"""The audience (`aud`) a request is about, and the one a token names."""

from typing import Any

from starlette.requests import Request


def request_audience(request: Request, claims: dict[str, Any] | None = None) -> str:
    """X-JWT-AUD, else the token's audience, else `authenticated`."""
    return request.headers.get("x-jwt-aud") or token_audience(claims or {}) or "authenticated"


def token_audience(claims: dict[str, Any]) -> str:
    """The first audience a token names, '' if it names none."""
    audience = claims.get("aud")
    first = audience[0] if isinstance(audience, list) and audience else audience
    return first if isinstance(first, str) else ""
