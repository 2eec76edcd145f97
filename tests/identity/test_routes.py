"""Every attack on every protected route of every room; which those are, the rooms themselves say."""

from typing import Any
from uuid import uuid4

import pytest
from fastapi.routing import APIRoute
from identity.attacks import ATTACKS

# What anybody may ask. A new route stands here by decision, or it asks for a token.
OPEN = {
    "auth": {
        "POST /auth/signup", "POST /auth/login", "POST /auth/refresh", "POST /auth/recover",
        "POST /auth/resend", "POST /auth/verify", "POST /auth/session", "DELETE /auth/session",
        "POST /auth/session/refresh", "POST /internal/tokens", "GET /.well-known/jwks.json",
    },
    "profile": {"GET /profile/personalities"},
    "messaging": set(),
    "whatsapp-gateway": {"GET /webhooks/whatsapp", "POST /webhooks/whatsapp"},
}  # fmt: skip
# Not described, and open: the page, and what Caddy does not route.
UNDESCRIBED = {"/", "/app.js", "/healthz", "/readyz", "/metrics"}
# What a service may do for a person who is not there; everything else asks for the person.
DELEGABLE = {
    "GET /profile/avatar", "GET /profile/preferences", "GET /messages", "GET /messages/{message_id}",
    "PUT /messages/{message_id}",
}  # fmt: skip


async def test_only_what_is_meant_to_be_open_is_open(rooms: Any) -> None:
    for room, meant in OPEN.items():
        described = {route.name for route in rooms.described() if route.room == room}
        protected = {route.name for route in rooms.protected() if route.room == room}
        assert described - protected == meant, room


async def test_no_route_hides_from_the_description(rooms: Any) -> None:
    for room, app in rooms.apps.items():
        described = {route.path for route in rooms.described() if route.room == room}
        routes = {route.path for route in app.routes if isinstance(route, APIRoute)}
        assert routes - described <= UNDESCRIBED, room


@pytest.mark.parametrize("attack", ATTACKS)
async def test_no_protected_route_opens_to(rooms: Any, database: Any, issuer: Any, attack: str) -> None:
    token = ATTACKS[attack](issuer, await database.person())
    assert len(rooms.protected()) >= 18
    for route in rooms.protected():
        refused = await rooms.ask(route, token)
        assert (refused.status_code, refused.json()["type"]) == (401, "urn:ava:problem:invalid-token"), route
        assert refused.headers["www-authenticate"].startswith("Bearer")


async def test_no_protected_route_opens_without_a_token_or_with_two(rooms: Any, issuer: Any) -> None:
    for route in rooms.protected():
        refused = await rooms.ask(route, None)
        assert (refused.status_code, refused.json()["type"]) == (401, "urn:ava:problem:not-signed-in"), route
        good = f"Bearer {issuer.token(uuid4())}"
        both = [("Authorization", good), ("Authorization", good)]
        twice = await rooms.clients[route.room].request(route.method, route.target, headers=both)
        assert twice.status_code == 401, route


async def test_every_protected_route_lets_the_person_in(rooms: Any, database: Any, issuer: Any) -> None:
    """So that the refusals above are about the tokens and nothing else."""
    token = issuer.token(await database.person())
    for route in rooms.protected():
        assert (await rooms.ask(route, token)).status_code != 401, route


async def test_a_delegate_does_only_what_needs_no_person(rooms: Any, database: Any, issuer: Any) -> None:
    token = issuer.delegated(await database.person())
    refused = set()
    for route in rooms.protected():
        answer = await rooms.ask(route, token)
        assert answer.status_code != 401, route
        if answer.status_code == 403:
            assert answer.json()["type"] == "urn:ava:problem:person-required", route
            refused.add(route.name)
    assert {route.name for route in rooms.protected()} - refused == DELEGABLE
