"""Valid requests with one thing in them replaced: refused or accepted, never a failure.

What a validator looks at last is reached only by what is right up to there.
"""

import itertools
import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from identity.conftest import ADA
from identity.services import GATEWAY_CLIENT, Route, Services

from ava_local.testing.databases import Database
from ava_local.testing.token_issuer import Issuer

Attacked = tuple[Services, str]
NOW = "2026-01-01T00:00:00Z"
AVATAR = {"name": "Mira", "age": 27, "personality": "witty", "physical_description": "Tall."}
MOMENTS = {"created_at": NOW, "sent_at": NOW}
VALID: dict[str, dict[str, Any]] = {
    "POST /auth/signup": ADA,
    "POST /auth/login": ADA,
    "POST /auth/session": ADA,
    "POST /auth/recover": {"email": ADA["email"]},
    "POST /auth/resend": {"email": ADA["email"]},
    "POST /auth/refresh": {"refresh_token": "abcdefghijkl"},
    "POST /auth/verify": {"type": "recovery", "token_hash": "a" * 56, "new_password": "another-lantern-3"},
    "PUT /auth/password": {"current_password": "not the password", "new_password": "another-lantern-3"},
    "DELETE /auth/account": {"password": "not the password"},
    "PUT /profile/avatar": AVATAR,
    "PATCH /profile/avatar": AVATAR,
    "PUT /profile/preferences/whatsapp": {"phone": "0151 12345678", "region": "DE"},
    "POST /messages": {"content": "hello", "avatar_id": None},
    "PUT /messages/{message_id}": {
        "channel": "whatsapp", "role": "user", "content": "hello", "avatar_id": None, "external_id": "w",
        **MOMENTS,
    },
    "PATCH /messages/{message_id}": {"external_id": "w", "content": "hello", "changed_at": NOW},
}  # fmt: skip
ANSWERED = {200, 201, 202, 401, 403, 404, 409, 410}
"""What a valid body may be answered here: not that a field is wrong."""

TAILS = [
    "\0",
    "\ud800",
    "\udfff",
    "\ud800 0100",
    "\0 01:00",
    " 01:00",
    " 0100",
    "٣",
    "é" * 300,
    "\x85",
    "\n",
    "%",
]
OTHERS: list[Any] = [
    None,
    True,
    0,
    -1,
    10**30,
    1e308,
    "",
    " ",
    [],
    {},
    [[]],
    {"sub": {}},
    "\ud83d\ude00",
    str(uuid4()),
]
RAW = [
    '"\\ud800"',
    "NaN",
    "-Infinity",
    "1" * 5000,
    "1e99999",
    "[" * 5000 + "]" * 5000,
    '{"a":' * 3000 + "1" + "}" * 3000,
]


def near(value: Any) -> Iterator[Any]:
    """What begins, ends or is nested like the valid value, and what has nothing of it."""
    yield from OTHERS
    yield from ([value], {"value": value})
    if isinstance(value, str):
        middle = len(value) // 2
        for odd in TAILS:
            yield from (value + odd, odd + value, value[:middle] + odd + value[middle:])
        yield from (value[:-1], value * 2, value.upper(), f" {value} ")


def documents(valid: dict[str, Any]) -> Iterator[str]:
    """The valid body with each field replaced, doubled, left out, and with a field more."""
    for field, value in valid.items():
        for other in near(value):
            yield json.dumps(valid | {field: other})
        for raw in RAW:
            yield json.dumps(valid | {field: "@@"}).replace('"@@"', raw)
        yield json.dumps({name: kept for name, kept in valid.items() if name != field})
        doubled = f"{json.dumps(field)}: {json.dumps(value)}"
        yield json.dumps(valid)[:-1] + f", {doubled}, {json.dumps(field)}: " + '"\\ud800"}'
    for name in ("\ud800", "\0", "", "x" * 5000, "__proto__", "0"):
        yield json.dumps(valid | {name: valid})
    yield from RAW
    yield json.dumps([valid])
    yield json.dumps(json.dumps(valid))


def routes(services: Services) -> Iterator[Route]:
    """Every route that takes JSON: a new one needs a valid body here."""
    for route in services.described():
        operation = services.apps[route.service].openapi()["paths"][route.path][route.method.lower()]
        if "application/json" in operation.get("requestBody", {}).get("content", {}):
            yield route


@pytest.mark.timeout(600)
@pytest.mark.parametrize("service", ["auth", "profile", "messaging"])
async def test_no_nearly_valid_body_makes_a_route_fail(
    attacked: Attacked, database: Database, issuer: Issuer, service: str
) -> None:
    services, own = attacked
    user = await database.person()
    token = own if service == "auth" else issuer.token(user)
    tried = 0
    for route in routes(services):
        if route.service != service:
            continue
        for_services = route.path == "/messages/{message_id}"
        headers = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"}
        if "HTTPBearer" in route.security:
            headers["Authorization"] = f"Bearer {issuer.delegated(user) if for_services else token}"
        ask = services.clients[service].request
        valid = VALID[route.name]
        answer = await ask(route.method, route.target, json=valid, headers=headers)
        assert answer.status_code in ANSWERED, (route, answer.text)
        for body in documents(valid):
            answer = await ask(route.method, route.target, content=body, headers=headers)
            assert answer.status_code < 500, (route, body[:300], answer.text)
            tried += 1
    assert tried > 100


HEADERS: dict[str, list[str]] = {
    "Idempotency-Key": ["a", "a" * 200, "é", '"a"'],
    "If-Match": ['"a"', "*", 'W/"a"', '"a", "b"'],
    "If-None-Match": ["*", '"a"'],
    "Cookie": ["__Host-ava_rt=abcdefghijkl", "__Host-ava_at=a.b.c", '__Host-ava_rt="\\000"'],
    "X-Forwarded-For": ["203.0.113.9", "2001:db8::1%eth0", "203.0.113.9, 203.0.113.9"],
    "X-Request-Id": ["0193b2a4-7c1e-7d3a-9f00-5a1c2b3d4e5f"],
    "traceparent": ["00-" + "1" * 32 + "-" + "2" * 16 + "-01"],
    "Authorization": ["Basic " + "QQ==" * 3, "Bearer a.b.c", "Basic AAAA"],
    "Content-Type": ["application/json; charset=utf-16", "multipart/form-data; boundary=\xff"],
}
SENT = [(name, value) for name, values in HEADERS.items() for value in values]
ODD_BYTES = [b"", b"\xff", b"\xed\xa0\x80", b"\\000", b'"\\000"', b"\t", b"'" * 300, b"%00", b"\xc2\x85"]


@pytest.mark.timeout(600)
async def test_no_header_makes_a_route_fail(attacked: Attacked, database: Database, issuer: Issuer) -> None:
    services, own = attacked
    token, odd = issuer.token(await database.person()), itertools.cycle(ODD_BYTES)
    for route in services.described():
        if route.service == "whatsapp-gateway" or route.name == "GET /auth/export":  # its peers are nowhere
            continue
        signed = {}
        if "HTTPBearer" in route.security:
            signed["Authorization"] = f"Bearer {own if route.service == 'auth' else token}"
        elif "HTTPBasic" in route.security:
            signed["Authorization"] = httpx.BasicAuth(*GATEWAY_CLIENT)._auth_header
        body = json.dumps(VALID.get(route.name, {})) if route.method != "GET" else None
        headers = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"} | signed
        for name, value in SENT:
            sent = [(key.encode(), text.encode("latin-1")) for key, text in headers.items() if key != name]
            sent.append((name.encode(), value.encode("latin-1", "replace") + next(odd)))
            ask = services.clients[route.service].request
            answer = await ask(route.method, route.target, content=body, headers=sent)
            assert answer.status_code < 500, (route, sent[-1], answer.text)


@pytest.mark.parametrize("moment", ["2026-01-01T00:00:00", "2026-01-01T00:00:00+01:00"])
async def test_no_nearly_valid_query_makes_a_route_fail(
    services: Services, database: Database, issuer: Issuer, moment: str
) -> None:
    headers = {"Authorization": f"Bearer {issuer.token(await database.person())}"}
    tails = ["%20 0100", "+0100", "%ed%a0%80%200100", "%00", "%f0%9f%98%80%2001:00", "%d9%a3", "9" * 400]
    for tail in tails:
        for path in ("/messages", "/messages/export"):
            url = f"{path}?since={moment.replace('+', '%2B')}{tail}"
            answer = await services.clients["messaging"].get(url, headers=headers)
            assert answer.status_code == 422, (url, answer.text)
            assert [error["pointer"] for error in answer.json()["errors"]] == ["query:since"]
