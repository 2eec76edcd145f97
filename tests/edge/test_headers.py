"""The headers Caddy sets for the services, and the ones every response carries."""

import re

import pytest

from .conftest import Edge

POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
CARRIED = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}
SPOOFED = [
    "X-Forwarded-For: 6.6.6.6",
    "x-forwarded-for: 7.7.7.7, 8.8.8.8",
    "X-Forwarded-Host: evil.example",
    "X-Forwarded-Proto: gopher",
    "Forwarded: for=6.6.6.6",
    "X-Real-IP: 6.6.6.6",
    "X-Client-IP: 6.6.6.6",
    "CF-Connecting-IP: 6.6.6.6",
    "True-Client-IP: 6.6.6.6",
    "Sb-Forwarded-For: 6.6.6.6",
    "Tracestate: evil=1",
    "Baggage: user=evil",
    "X-Request-Id: evil",
    "x-request-id: evil2",
    "Traceparent: 00-eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee-eeeeeeeeeeeeeeee-01",
]


async def test_only_the_api_reference_may_set_styles(edge: Edge) -> None:
    policy = (await edge.ask("GET", "/docs")).header("content-security-policy") or ""
    assert "script-src 'self'; style-src 'self' 'unsafe-inline'" in policy
    assert "default-src 'none'" in policy
    assert "form-action 'none'; frame-ancestors 'none'" in policy
    for target in ("/docs/reference.js", "/openapi.json", "/docs/nosuch/x", "/docsx"):
        assert (await edge.ask("GET", target)).header("content-security-policy") == POLICY, target


async def test_services_get_one_client_address_and_it_is_the_real_one(edge: Edge) -> None:
    seen = await edge.reach("GET", "/messages", *SPOOFED)
    assert seen.header("x-forwarded-for") == "127.0.0.1"
    assert seen.header("x-forwarded-proto") == "http"
    assert seen.header("x-forwarded-host") == f"127.0.0.1:{edge.port}"
    said = "\n".join(f"{name}: {value}" for name, value in seen.headers)
    assert not re.search(r"evil|eeee|[678]\.[678]|gopher", said), said


async def test_a_request_has_one_id_which_the_service_the_answer_and_the_trace_share(edge: Edge) -> None:
    answer = await edge.ask("GET", "/messages", *SPOOFED)
    (seen,) = edge.seen
    request_id = seen.header("x-request-id") or ""
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", request_id)
    assert answer.header("x-request-id") == request_id
    trace = request_id.replace("-", "")
    assert seen.header("traceparent") == f"00-{trace}-{trace[16:]}-01"


async def test_the_edge_proxy_asks_services_for_nothing_the_caller_did_not_ask_for(edge: Edge) -> None:
    seen = await edge.reach("GET", "/messages", "Accept: application/json")
    ours = {"via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-request-id", "traceparent"}
    assert {name for name, _ in seen.headers} - ours <= {"host", "accept", "user-agent"}


async def test_every_request_has_its_own_id(edge: Edge) -> None:
    ids = {(await edge.ask("GET", "/messages")).header("x-request-id") for _ in range(5)}
    assert len(ids) == 5


async def test_no_connection_becomes_a_tunnel(edge: Edge) -> None:
    upgrade = [
        "Connection: Upgrade, close",
        "Upgrade: websocket",
        "Sec-WebSocket-Key: eHh4",
        "Sec-WebSocket-Version: 13",
    ]
    seen = await edge.reach("GET", "/messages", *upgrade)
    assert seen.header("upgrade") is None
    h2c = await edge.reach(
        "GET", "/messages", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAM"
    )
    assert h2c.header("upgrade") is None


async def test_no_caller_can_have_our_headers_dropped(edge: Edge) -> None:
    named = "Connection: close, X-Request-Id, Traceparent, X-Forwarded-For, X-Forwarded-Proto, Authorization"
    seen = await edge.reach("GET", "/messages", named, "Cookie: __Host-ava_at=a.b.c")
    for name in ("x-request-id", "traceparent", "x-forwarded-for", "x-forwarded-proto", "authorization"):
        assert seen.header(name), name


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/"),
        ("GET", "/messages"),
        ("HEAD", "/auth/me"),
        ("GET", "/healthz"),
        ("GET", "/internal/tokens"),
        ("OPTIONS", "/messages"),
        ("POST", "/auth/session"),
    ],
)
async def test_every_answer_carries_the_same_protection_once(edge: Edge, method: str, target: str) -> None:
    answer = await edge.ask(method, target)
    for name, value in CARRIED.items():
        assert answer.header(name) == value, name
    assert "microphone=()" in (answer.header("permissions-policy") or "")
    assert answer.header("server") is None
    assert answer.header("via") is None
    assert answer.header("strict-transport-security") is None, "only where there is TLS"


async def test_a_service_can_neither_weaken_nor_double_the_protection(edge: Edge) -> None:
    weaker = {name: "unsafe-none" for name in CARRIED if name != "cache-control"}
    edge.services["auth"].extra = (
        "".join(f"{k}: {v}\r\n" for k, v in weaker.items()) + "X-Request-Id: x\r\nServer: uvicorn\r\n"
    )
    answer = await edge.ask("GET", "/")
    for name in weaker:
        assert answer.header(name) == CARRIED[name]
    assert answer.header("x-request-id") == edge.seen[0].header("x-request-id")
    assert answer.header("server") is None


async def test_a_service_may_say_how_its_answer_is_cached(edge: Edge) -> None:
    edge.services["auth"].extra = "Cache-Control: public, max-age=300\r\n"
    answer = await edge.ask("GET", "/.well-known/jwks.json")
    assert answer.header("cache-control") == "public, max-age=300"


async def test_no_other_site_is_allowed_to_read_answers(edge: Edge) -> None:
    answer = await edge.ask("GET", "/messages", "Origin: https://evil.example")
    assert not [name for name, _ in answer.headers if name.startswith("access-control")]
