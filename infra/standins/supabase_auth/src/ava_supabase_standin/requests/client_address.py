"""The IP address of the end user: the one that is rate limited, and the one a session stores."""

import ipaddress

from starlette.requests import Request


def rate_limit_address(request: Request) -> str:
    """Sb-Forwarded-For (the API-key gateway removes it unless it is trusted), else the peer's address."""
    return first_valid_address(request.headers.get("sb-forwarded-for", "")) or (
        request.client.host if request.client else ""
    )


def session_address(request: Request) -> str | None:
    """What a session row stores; X-Forwarded-For counts here, but never for rate limits."""
    forwarded = first_valid_address(request.headers.get("sb-forwarded-for", ""))
    hops = request.headers.get("x-forwarded-for", "").split(",")
    found = forwarded or next((hop for hop in map(first_valid_address, hops) if hop), "")
    return found or first_valid_address(request.client.host if request.client else "") or None


def first_valid_address(text: str) -> str:
    """The first address of a list, or '' if PostgreSQL would not accept it."""
    try:
        return str(ipaddress.ip_address(text.split(",")[0].split("%")[0].strip()))
    except ValueError:
        return ""
