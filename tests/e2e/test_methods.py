"""Through the edge proxy: HEAD wherever GET, and an Allow that is true."""

import httpx
import pytest

from ava_local.stack.control import Stack


@pytest.mark.parametrize(
    ("path", "status"),
    [("/", 200), ("/app.js", 200), ("/docs", 200), ("/openapi.json", 200), ("/healthz", 200),
     ("/profile/personalities", 200), ("/messages", 401), ("/profile/avatar", 401)],
)  # fmt: skip
def test_head_has_the_status_of_get_and_no_body(stack: Stack, path: str, status: int) -> None:
    get = httpx.get(stack.url("caddy") + path, timeout=60)
    head = httpx.head(stack.url("caddy") + path, timeout=60)
    assert (head.status_code, get.status_code, head.content) == (status, status, b"")
    assert head.headers.get("content-type") == get.headers.get("content-type")


ALLOWED = {
    "/": "GET, HEAD",
    "/messages": "GET, HEAD, POST",
    "/messages/00000000-0000-0000-0000-000000000000": "DELETE, GET, HEAD, PATCH, PUT",
    "/profile/preferences/whatsapp": "DELETE, PUT",
    "/webhooks/whatsapp": "GET, HEAD, POST",
    "/healthz": "GET, HEAD",
}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        (method, path)
        for method in ("OPTIONS", "POST", "PATCH")
        for path, allowed in ALLOWED.items()
        if method not in allowed.split(", ")
    ],
)
def test_allow_lists_what_the_address_supports(stack: Stack, method: str, path: str) -> None:
    refused = httpx.request(method, stack.url("caddy") + path, timeout=60)
    assert (refused.status_code, refused.headers["allow"]) == (405, ALLOWED[path])
    assert refused.headers["content-type"] == "application/problem+json"
