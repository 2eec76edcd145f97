"""Only listed paths lead to a service, however they are spelled."""

import pytest

from .conftest import Edge

LISTED = [
    ("/", "auth"),
    ("/app.js", "auth"),
    ("/openapi.json", "auth"),
    ("/docs", "auth"),
    ("/docs/swagger-ui-bundle.js", "auth"),
    ("/.well-known/jwks.json", "auth"),
    ("/auth/login", "auth"),
    ("/auth/session/refresh", "auth"),
    ("/auth/session/resume", "auth"),
    ("/auth/openapi.json", "auth"),
    ("/profile/avatar", "profile"),
    ("/profile/preferences/whatsapp?x=1", "profile"),
    ("/messages", "messaging"),
    ("/messages?text=%2Finternal&limit=5", "messaging"),
    ("/messages/0193C0DE-0000-7000-8000-000000000000", "messaging"),
    ("/messages/export", "messaging"),
    ("/webhooks/whatsapp?hub.mode=subscribe", "whatsapp-gateway"),
]

UNLISTED = [
    "/internal/tokens",
    "/internal",
    "/INTERNAL/tokens",
    "/Internal/Tokens",
    "/internal./tokens",
    "/internal%2ftokens",
    "//internal/tokens",
    "///internal/tokens",
    "/./internal/tokens",
    "/auth/../internal/tokens",
    "/auth/%2e%2e/internal/tokens",
    "/auth/%2E%2E/internal/tokens",
    "/auth/%2e%2e%2finternal%2ftokens",
    "/auth/..%2finternal/tokens",
    "/auth/%252e%252e/internal/tokens",
    "/auth/..;/internal/tokens",
    "/auth/..\\internal/tokens",
    "/auth/..%5cinternal/tokens",
    "/auth//internal/tokens",
    "/auth//../internal/tokens",
    "/auth/./../internal/tokens",
    "/internal/../auth/login",
    "/internal/..%2fauth/login",
    "/%69nternal/tokens",
    "/auth%2f..%2finternal/tokens",
    "/auth/%00/../internal/tokens",
    "/auth/login%0d%0aX:1",
    "/AUTH/login",
    "/Auth/session",
    "/auth/.",
    "/auth/..",
    "/auth/login.",
    "/auth/login..",
    "/auth/.hidden",
    "/messages/../internal/tokens",
    "/metrics",
    "/metrics/",
    "/Metrics",
    "/auth/../metrics",
    "//metrics",
    "/profile/%2e%2e/metrics",
    "/messages/..%2fmetrics",
    "/readyz",
    "/auth/../readyz",
    "/healthz/",
    "/messages/../healthz",
    "/auth",
    "/profile",
    "/profiles/avatar",
    "/messagesx",
    "/messages.json",
    "/message",
    "/webhooks",
    "/webhooks/",
    "/webhooks/whatsapp/",
    "/webhooks/whatsapp/openapi.json",
    "/webhooks/whatsapp/../whatsapp",
    "/webhooks/WhatsApp",
    "/webhooks/whatsapp%2f",
    "/openapi.json/",
    "/openapi.yaml",
    "/docs/",
    "/docs/index.html",
    "/docs/../metrics",
    "/docs/reference.js/x",
    "/.env",
    "/.well-known/",
    "/.well-known/openid-configuration",
    "/app.js/",
    "/App.js",
    "/app.js%00",
    "/favicon.ico",
    "/index.html",
]


@pytest.mark.parametrize(("target", "service"), LISTED)
async def test_a_listed_path_reaches_its_service_unchanged(edge: Edge, target: str, service: str) -> None:
    seen = await edge.reach("GET", target)
    assert (seen.service, seen.target) == (service, target)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("target", UNLISTED)
async def test_any_other_path_is_a_404_problem_and_reaches_no_service(
    edge: Edge, method: str, target: str
) -> None:
    answer = await edge.ask(method, target, "Sec-Fetch-Site: same-origin", "Content-Length: 0")
    assert (answer.status, answer.problem) == (404, "not-found")
    assert edge.seen == []


@pytest.mark.parametrize("target", ["http://127.0.0.1/internal/tokens", "http://auth:8000/internal/tokens"])
async def test_an_absolute_target_is_judged_by_its_path(edge: Edge, target: str) -> None:
    answer = await edge.ask("GET", target)
    assert (answer.status, answer.problem) == (404, "not-found")
    assert edge.seen == []


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "PROPFIND", "get"])
async def test_unused_methods_are_refused(edge: Edge, method: str) -> None:
    answer = await edge.ask(method, "/messages")
    assert (answer.status, answer.problem) == (501, "method-unknown")
    assert answer.header("allow") is None, "the edge proxy does not know what an address supports"
    assert edge.seen == []


async def test_a_service_itself_says_what_an_address_supports(edge: Edge) -> None:
    assert (await edge.reach("OPTIONS", "/messages")).method == "OPTIONS"
    health = await edge.ask("POST", "/healthz", "Content-Length: 0")
    assert (health.status, health.problem) == (405, "method-not-allowed")
    assert health.header("allow") == "GET, HEAD"
    assert (await edge.ask("HEAD", "/healthz")).status == 200


async def test_a_tunnel_through_connect_is_refused(edge: Edge) -> None:
    answer = await edge.ask("CONNECT", "127.0.0.1:22")
    assert answer.status in {400, 404, 501}
    assert edge.seen == []


async def test_caddy_answers_for_its_own_health(edge: Edge) -> None:
    answer = await edge.ask("GET", "/healthz")
    assert answer.status == 200
    assert edge.seen == []
