"""Arbitrary JSON, claims and queries at every route: refused or accepted, never a failure."""

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from identity.services import Route, Services

from ava_local.testing.databases import Database
from ava_local.testing.token_issuer import Issuer

TEXTS = st.text(st.characters(exclude_categories=[]), max_size=20)
WORDS = TEXTS | st.sampled_from(
    ["", "\0", "\ud800", "a\0b", "\udfff", "x" * 5000, "ada@people.example", "\ud800@people.example",
     "quiet-harbour-7", "+4915112345678", "user", "app", "warm", str(uuid4()), "2026-01-01T00:00:00Z"]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)
ODD: list[Any] = ["\0", "\ud800", "a\udfff", "x" * 100_000, 1e308, float("inf"), True, [], {}]
AWAY = {"urn:ava:problem:room-away"}
"""What the export answers here, where profile and messaging are nowhere."""


def bodies(services: Services) -> list[tuple[Route, list[str]]]:
    """Every route that takes JSON, and the names of its fields."""
    found = []
    for route in services.described():
        app = services.apps[route.service].openapi()
        operation = app["paths"][route.path][route.method.lower()]
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" in content:
            name = content["application/json"]["schema"].get("$ref", "").rsplit("/")[-1]
            found.append((route, sorted(app["components"]["schemas"].get(name, {}).get("properties", {}))))
    return found


async def post(services: Services, route: Route, token: str, body: Any) -> httpx.Response:
    headers = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"}
    if "HTTPBearer" in route.security:
        headers["Authorization"] = f"Bearer {token}"
    client = services.clients[route.service]
    return await client.request(route.method, route.target, content=json.dumps(body), headers=headers)


@pytest.mark.timeout(300)
async def test_no_body_makes_a_route_fail(
    attacked: tuple[Services, str], database: Database, issuer: Issuer
) -> None:
    services, own = attacked
    user = await database.person()
    tokens = {"auth": own, "profile": issuer.token(user), "messaging": issuer.token(user)}
    routes = [pair for pair in bodies(services) if pair[0].service in tokens]
    assert len(routes) >= 12

    for route, fields in routes:
        token = tokens[route.service]
        if route.path == "/messages/{message_id}":
            token = issuer.delegated(user)
        for field in fields:
            for value in ODD:
                answer = await post(services, route, token, {field: value})
                assert answer.status_code < 500, (route, field, answer.text)
        named = st.dictionaries(st.sampled_from(fields) | WORDS, JSON, max_size=len(fields) + 1)
        found: list[Any] = []
        collect(named | JSON, found)
        for body in found:
            answer = await post(services, route, token, body)
            assert answer.status_code < 500, (route, body, answer.text)


def collect(strategy: st.SearchStrategy[Any], into: list[Any], count: int = 25) -> None:
    """Some values of a strategy, which an async test can send within one event loop."""

    @settings(max_examples=count, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def draw(value: Any) -> None:
        into.append(value)

    draw()


@pytest.mark.timeout(300)
async def test_no_claims_make_a_route_fail(services: Services, database: Database, issuer: Issuer) -> None:
    user = await database.person()
    names = ["exp", "iat", "nbf", "sub", "aud", "role", "session_id", "email", "act", "jti", "amr"]
    found: list[dict[str, Any]] = []
    collect(st.dictionaries(st.sampled_from(names), JSON, min_size=1, max_size=3), found, count=60)
    odd: list[dict[str, Any]] = [{name: value} for name in names for value in ODD]
    asked = [route for route in services.protected() if route.path != "/auth/logout"]
    for number, claims in enumerate([*odd, *found]):
        for key in (issuer.supabase, issuer.auth):
            token = key.sign(issuer.claims(user) | claims)
            route = asked[number % len(asked)]
            answer = await services.ask(route, token)
            assert answer.status_code < 500 or answer.json()["type"] in AWAY, (route, claims, answer.text)


@pytest.mark.parametrize("query", ["?{0}=a&{0}=b", "?{0}=%00", "?{0}=%ed%a0%80", "?{0}[]=x", "?%00=1"])
async def test_no_query_makes_a_route_fail(
    services: Services, database: Database, issuer: Issuer, query: str
) -> None:
    token = issuer.token(await database.person())
    headers = {"Authorization": f"Bearer {token}"}
    for name in ("text", "channel", "cursor", "limit", "since", "avatar_id", "order"):
        for path in ("/messages", "/messages/export"):
            answer = await services.clients["messaging"].get(path + query.format(name), headers=headers)
            # What is not UTF-8 is read with a replacement character, which one may search for.
            assert answer.status_code == (200 if (name, query) == ("text", "?{0}=%ed%a0%80") else 422), name
