"""Every attack on every protected route of every service, as their own descriptions list them."""

import itertools
import re
from uuid import uuid4

from identity.services import Services

from ava_local.testing.databases import Database
from ava_local.testing.forged_tokens import FORGED_TOKENS
from ava_local.testing.token_issuer import Issuer

# What anyone may ask. A new route is listed here by decision, or it needs a token.
OPEN = {
    "auth": {
        "POST /auth/signup", "POST /auth/login", "POST /auth/refresh", "POST /auth/recover",
        "POST /auth/resend", "POST /auth/verify", "POST /auth/session", "DELETE /auth/session",
        "POST /auth/session/refresh", "POST /auth/session/resume", "POST /internal/tokens",
        "GET /.well-known/jwks.json",
    },
    "profile": {"GET /profile/personalities"},
    "messaging": set(),
    "whatsapp-gateway": {"GET /webhooks/whatsapp", "POST /webhooks/whatsapp"},
}  # fmt: skip
# Open and not described: the page, the API reference, and what Caddy does not route.
REFERENCE = {
    "/docs",
    "/docs/reference.js",
    "/docs/swagger-ui.css",
    "/docs/swagger-ui-bundle.js",
    "/openapi.json",
}
UNDESCRIBED = {"/", "/app.js", "/healthz", "/readyz", "/metrics"} | REFERENCE
# What a service may do for a person who is absent; everything else needs the person.
DELEGABLE = {
    "GET /profile/avatar", "GET /profile/avatars", "GET /profile/preferences", "GET /messages",
    "GET /messages/{message_id}", "PUT /messages/{message_id}", "PATCH /messages/{message_id}",
}  # fmt: skip


async def test_only_the_routes_listed_as_open_are_open(services: Services) -> None:
    for service, meant in OPEN.items():
        described = {route.name for route in services.described() if route.service == service}
        protected = {route.name for route in services.protected() if route.service == service}
        assert described - protected == meant, service


async def test_every_route_is_described(services: Services) -> None:
    for service, app in services.apps.items():
        described = {route.path for route in services.described() if route.service == service}
        routes = {re.sub(r":\w+}", "}", route.path) for route in app.state.methods.routes}
        assert described <= routes, service
        assert routes - described <= UNDESCRIBED, service


async def test_every_protected_route_refuses_every_forged_token(
    services: Services, database: Database, issuer: Issuer
) -> None:
    person = await database.person()
    assert len(services.protected()) >= 18
    for route, (flaw, forge) in itertools.product(services.protected(), FORGED_TOKENS.items()):
        refused = await services.ask(route, forge(issuer, person))
        invalid = (401, "urn:ava:problem:invalid-token")
        assert (refused.status_code, refused.json()["type"]) == invalid, (route, flaw)
        assert refused.headers["www-authenticate"].startswith("Bearer")


async def test_every_protected_route_refuses_no_token_and_two_tokens(
    services: Services, issuer: Issuer
) -> None:
    for route in services.protected():
        refused = await services.ask(route, None)
        assert (refused.status_code, refused.json()["type"]) == (401, "urn:ava:problem:not-signed-in"), route
        good = f"Bearer {issuer.token(uuid4())}"
        both = [("Authorization", good), ("Authorization", good)]
        twice = await services.clients[route.service].request(route.method, route.target, headers=both)
        assert twice.status_code == 401, route


async def test_every_protected_route_accepts_a_valid_token(
    services: Services, database: Database, issuer: Issuer
) -> None:
    """So that the refusals above are about the tokens and nothing else."""
    token = issuer.token(await database.person())
    for route in services.protected():
        assert (await services.ask(route, token)).status_code != 401, route


async def test_a_delegate_may_only_do_what_does_not_need_the_person(
    services: Services, database: Database, issuer: Issuer
) -> None:
    token = issuer.delegated(await database.person())
    refused = set()
    for route in services.protected():
        answer = await services.ask(route, token)
        assert answer.status_code != 401, route
        if answer.status_code == 403:
            assert answer.json()["type"] == "urn:ava:problem:person-required", route
            refused.add(route.name)
    assert {route.name for route in services.protected()} - refused == DELEGABLE


async def test_who_impersonates_a_user_may_read_and_is_no_delegate(
    services: Services, database: Database, issuer: Issuer
) -> None:
    """A hook of the Supabase project can give out tokens of its own issuer that name who acts."""
    token = issuer.token(await database.person(), act={"sub": "whatsapp-gateway"})
    for route in services.protected():
        answer = await services.ask(route, token)
        if route.name not in DELEGABLE:
            assert answer.json()["type"] == "urn:ava:problem:person-required", route
        elif route.method in ("PUT", "PATCH"):
            assert answer.status_code in (403, 422), route
        else:
            assert answer.status_code in (200, 404), route


async def test_every_public_body_refuses_unknown_fields(services: Services) -> None:
    """A new body is included by itself; one for services is listed by decision."""
    tolerant = set()
    for service, app in services.apps.items():
        told = app.openapi()
        for route in services.described():
            if route.service == service:
                operation = told["paths"][route.path][route.method.lower()]
                content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
                name = content.get("schema", {}).get("$ref", "").rsplit("/")[-1]
                if name and told["components"]["schemas"][name].get("additionalProperties") is not False:
                    tolerant.add(name)
    assert tolerant == {"Turn", "Correction"}
