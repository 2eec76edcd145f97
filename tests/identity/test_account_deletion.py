"""In a running stack: tokens that outlive their session or account, and what a deleted account leaves."""

import json
from typing import Any

import asyncpg
import httpx
import pytest

from ava_local.stack.control import Stack
from e2e.people import AVATAR, Person, eventually, unique_text

DESCRIPTIONS = {"auth": "/auth", "profile": "/profile", "messaging": "/messages"}
NEW = "another-lantern-3"
# What an ended session may still do until its access token expires: decision 0111.
NEEDS_NO_LIVE_SESSION = {
    "POST /auth/logout", "GET /profile/avatar", "GET /profile/avatars", "GET /profile/preferences",
    "GET /messages", "GET /messages/{message_id}", "POST /messages", "PUT /messages/{message_id}",
    "PATCH /messages/{message_id}",
}  # fmt: skip
BODIES: dict[str, Any] = {
    "PUT /profile/avatar": AVATAR,
    "PATCH /profile/avatar": {"name": "Ghost"},
    "PUT /profile/preferences/whatsapp": {"phone": "+4915112345678"},
    "POST /messages": {"content": "a ghost's words"},
    "PUT /messages/{message_id}": {"channel": "app", "role": "user", "content": "a ghost's words"},
    "PATCH /messages/{message_id}": {"external_id": "w", "changed_at": "2026-01-01T00:00:00Z"},
}
EVERY_TABLE = """select format('%I.%I', schemaname, tablename) as name from pg_tables
where schemaname in ('public', 'whatsapp', 'accounts', 'auth')"""


def protected(stack: Stack, service: str) -> list[tuple[str, str]]:
    url = f"{stack.url(service)}{DESCRIPTIONS[service]}/openapi.json"
    told = httpx.get(url, timeout=60, trust_env=False).json()
    return [
        (verb.upper(), path)
        for path, operations in told["paths"].items()
        for verb, operation in operations.items()
        if {"HTTPBearer": []} in operation.get("security", []) and not path.startswith("/internal/")
    ]


def try_with(person: Person, token: str, method: str, path: str) -> httpx.Response:
    own = {"password": person.password, "current_password": person.password, "new_password": NEW}
    bodies = BODIES | {
        "DELETE /auth/account": {"password": own["password"]},
        "PUT /auth/password": {name: own[name] for name in ("current_password", "new_password")},
    }
    target = path.replace("{message_id}", "018f0000-0000-7000-8000-00000000dead")
    bearer = {"Authorization": f"Bearer {token}"}
    return person.http.request(method, target, headers=bearer, json=bodies.get(f"{method} {path}"))


@pytest.mark.parametrize("end", ["logged out everywhere", "password changed elsewhere", "account deleted"])
def test_an_ended_session_cannot_do_what_needs_a_live_one(stack: Stack, end: str) -> None:
    person = Person(stack)
    old = person.token
    person.log_in()
    if end == "logged out everywhere":
        person.request("POST", "/auth/logout?scope=global", 204)
    elif end == "password changed elsewhere":
        told = {"current_password": person.password, "new_password": f"{person.password}-2"}
        person.request("PUT", "/auth/password", 204, json=told)
        person.password = told["new_password"]
    else:
        person.request("DELETE", "/auth/account", 204, json={"password": person.password})
    expected = "account-gone" if end == "account deleted" else "session-ended"
    refused = set()
    for service in DESCRIPTIONS:
        for method, path in protected(stack, service):
            answer = try_with(person, old, method, path)
            if answer.status_code == 401:
                assert answer.json()["type"] == f"urn:ava:problem:{expected}", (method, path)
                refused.add(f"{method} {path}")
            else:
                assert f"{method} {path}" in NEEDS_NO_LIVE_SESSION
    assert len(refused) >= 12


@pytest.mark.parametrize("service", ["profile", "messaging"])
async def test_the_token_of_a_deleted_account_writes_and_shows_nothing(stack: Stack, service: str) -> None:
    person = Person(stack).set_up()
    person.request("POST", "/messages", 201, json={"content": unique_text()})
    ghost = person.id
    token = person.token
    person.request("DELETE", "/auth/account", 204, json={"password": person.password})
    for method, path in protected(stack, service):
        answer = try_with(person, token, method, path)
        if method in ("PUT", "PATCH") and path == "/messages/{message_id}":  # never for a person
            assert answer.status_code == 403
        else:
            gone = (401, "urn:ava:problem:account-gone")
            assert (answer.status_code, answer.json()["type"]) == gone, (method, path)
        assert ghost not in answer.text
        assert person.number not in answer.text
    assert await traces_of(stack, ghost) == {("accounts.audit", ghost)}


async def traces_of(stack: Stack, *secrets: str) -> set[tuple[str, str]]:
    """Which tables still hold one of these, as text or in bytes."""
    connection = await asyncpg.connect(stack.database_url())
    told = set()
    for (table,) in await connection.fetch(EVERY_TABLE):
        rows = await connection.fetch(f"select t::text from {table} as t")  # noqa: S608
        lines = "\n".join(row[0] for row in rows)
        told |= {(table, word) for word in secrets if word in lines or word.encode().hex() in lines}
    await connection.close()
    return told


def write_everywhere(stack: Stack, person: Person, text: str) -> None:
    person.phone.send(text)
    assert person.phone.receive()
    eventually(person.messages, lambda found: len(found) == 2)
    person.request("POST", "/messages", 201, json={"content": text})
    other = "/simulator/phones/" + person.number + "/messages"
    reaction = {"type": "reaction", "emoji": "x", "message_id": "wamid.x"}
    httpx.post(
        f"{stack.simulator_url}{other}", json=reaction | {"wait": 60}, timeout=90, trust_env=False
    ).raise_for_status()
    pending = f"{stack.simulator_url}/simulator/pending"
    eventually(
        lambda: httpx.get(pending, timeout=60, trust_env=False).json(),
        lambda left: not any(left.values()),
    )


async def test_a_deleted_account_is_in_no_table_but_the_audit_log(stack: Stack) -> None:
    staying, leaving = Person(stack).set_up(), Person(stack).set_up()
    secret, kept = unique_text("very private"), unique_text("kept")
    write_everywhere(stack, staying, kept)
    write_everywhere(stack, leaving, secret)
    leaving.http.post("/auth/login", json={"email": leaving.email, "password": "a wrong guess"})
    leaving.http.post("/auth/recover", json={"email": leaving.email})
    wrong = {"current_password": "a wrong guess", "new_password": NEW}
    leaving.http.put("/auth/password", json=wrong)
    person, wamids = leaving.id, [turn["external_id"] for turn in leaving.messages() if turn["external_id"]]
    looked_for = (person, leaving.email, leaving.number.lstrip("+"), secret, *wamids)
    before = {table for table, _ in await traces_of(stack, *looked_for)}
    assert before >= {
        "auth.users", "auth.identities", "auth.sessions", "public.users", "public.avatars",
        "public.user_preferences", "public.messages", "whatsapp.contacts", "whatsapp.events",
        "whatsapp.deliveries", "whatsapp.outbox", "accounts.audit",
        "accounts.attempts",
    }  # fmt: skip
    also_kept = json.dumps(staying.everything())
    leaving.request("DELETE", "/auth/account", 204, json={"password": leaving.password})
    # The audit log of security events keeps the id, as documented, and nothing else does.
    assert await traces_of(stack, *looked_for) == {("accounts.audit", person)}
    assert json.dumps(staying.everything()) == also_kept
