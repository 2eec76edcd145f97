"""At a real house: tokens that outlived their session or account, and what a person leaves behind."""

import json
from typing import Any

import asyncpg
import httpx
import pytest

from ava_local.handle import House
from e2e.people import AVATAR, Somebody, eventually, words

DESCRIPTIONS = {"auth": "/auth", "profile": "/profile", "messaging": "/messages"}
NEW = "another-lantern-3"
# What is answered from the token alone: who it says one is, and ending what has ended already.
NEEDS_NO_LIVE_SESSION = {"GET /auth/me", "POST /auth/logout"}
BODIES: dict[str, Any] = {
    "PUT /profile/avatar": AVATAR,
    "PATCH /profile/avatar": {"name": "Ghost"},
    "PUT /profile/preferences/whatsapp": {"phone": "+4915112345678"},
    "POST /messages": {"content": "a ghost's words"},
    "PUT /messages/{message_id}": {"channel": "app", "role": "user", "content": "a ghost's words"},
}
EVERY_TABLE = """select format('%I.%I', schemaname, tablename) as name from pg_tables
where schemaname in ('public', 'whatsapp', 'accounts', 'auth')"""


def protected(house: House, room: str) -> list[tuple[str, str]]:
    told = httpx.get(
        f"{house.url(room)}{DESCRIPTIONS[room]}/openapi.json", timeout=60, trust_env=False
    ).json()
    return [
        (verb.upper(), path)
        for path, operations in told["paths"].items()
        for verb, operation in operations.items()
        if {"HTTPBearer": []} in operation.get("security", [])
    ]


def try_with(person: Somebody, token: str, method: str, path: str) -> httpx.Response:
    own = {"password": person.password, "current_password": person.password, "new_password": NEW}
    bodies = BODIES | {
        "DELETE /auth/account": {"password": own["password"]},
        "PUT /auth/password": {name: own[name] for name in ("current_password", "new_password")},
    }
    target = path.replace("{message_id}", "018f0000-0000-7000-8000-00000000dead")
    bearer = {"Authorization": f"Bearer {token}"}
    return person.http.request(method, target, headers=bearer, json=bodies.get(f"{method} {path}"))


@pytest.mark.parametrize("end", ["logged out everywhere", "password changed elsewhere", "account deleted"])
def test_an_ended_session_does_nothing_that_needs_a_live_one(house: House, end: str) -> None:
    person = Somebody(house)
    old = person.token
    person.log_in()
    if end == "logged out everywhere":
        person.ask("POST", "/auth/logout?scope=global", 204)
    elif end == "password changed elsewhere":
        told = {"current_password": person.password, "new_password": f"{person.password}-2"}
        person.ask("PUT", "/auth/password", 204, json=told)
        person.password = told["new_password"]
    else:
        person.ask("DELETE", "/auth/account", 204, json={"password": person.password})
    tried = 0
    for method, path in protected(house, "auth"):
        if f"{method} {path}" not in NEEDS_NO_LIVE_SESSION:
            refused = try_with(person, old, method, path)
            assert refused.status_code == 401, (method, path)
            assert refused.json()["type"] == "urn:ava:problem:session-ended"
            tried += 1
    assert tried >= 3


@pytest.mark.parametrize("room", ["profile", "messaging"])
async def test_the_token_of_a_deleted_person_writes_and_shows_nothing(house: House, room: str) -> None:
    person = Somebody(house).settle_in()
    person.ask("POST", "/messages", 201, json={"content": words()})
    ghost = person.id
    token = person.token
    person.ask("DELETE", "/auth/account", 204, json={"password": person.password})
    for method, path in protected(house, room):
        answer = try_with(person, token, method, path)
        assert answer.status_code < 500, (method, path)
        if method in ("POST", "PUT", "PATCH"):
            assert answer.status_code in (401, 403, 404), (method, path)
        assert ghost not in answer.text
        assert person.number not in answer.text
    assert await traces_of(house, ghost) == {("accounts.audit", ghost)}


async def traces_of(house: House, *secrets: str) -> set[tuple[str, str]]:
    """Which tables still hold one of these, as text or in bytes."""
    connection = await asyncpg.connect(house.database_url())
    told = set()
    for (table,) in await connection.fetch(EVERY_TABLE):
        rows = await connection.fetch(f"select t::text from {table} as t")  # noqa: S608
        lines = "\n".join(row[0] for row in rows)
        told |= {(table, word) for word in secrets if word in lines or word.encode().hex() in lines}
    await connection.close()
    return told


def said_something_everywhere(house: House, person: Somebody, text: str) -> None:
    person.phone.write(text)
    assert person.phone.hear()
    eventually(person.messages, lambda found: len(found) == 2)
    person.ask("POST", "/messages", 201, json={"content": text})
    other = "/simulator/phones/" + person.number + "/messages"
    reaction = {"type": "reaction", "emoji": "x", "message_id": "wamid.x"}
    httpx.post(
        f"{house.phone}{other}", json=reaction | {"wait": 60}, timeout=90, trust_env=False
    ).raise_for_status()
    pending = f"{house.phone}/simulator/pending"
    eventually(
        lambda: httpx.get(pending, timeout=60, trust_env=False).json(),
        lambda left: not any(left.values()),
    )


async def test_after_leaving_no_table_holds_anything_of_the_person(house: House) -> None:
    staying, leaving = Somebody(house).settle_in(), Somebody(house).settle_in()
    secret, kept = words("unspeakable"), words("kept")
    said_something_everywhere(house, staying, kept)
    said_something_everywhere(house, leaving, secret)
    leaving.http.post("/auth/login", json={"email": leaving.email, "password": "a wrong guess"})
    leaving.http.post("/auth/recover", json={"email": leaving.email})
    wrong = {"current_password": "a wrong guess", "new_password": NEW}
    leaving.http.put("/auth/password", json=wrong)
    person, wamids = leaving.id, [turn["external_id"] for turn in leaving.messages() if turn["external_id"]]
    looked_for = (person, leaving.email, leaving.number.lstrip("+"), secret, *wamids)
    before = {table for table, _ in await traces_of(house, *looked_for)}
    assert before >= {
        "auth.users", "auth.identities", "auth.sessions", "public.users", "public.avatars",
        "public.user_preferences", "public.messages", "whatsapp.contacts", "whatsapp.events",
        "whatsapp.deliveries", "whatsapp.outbox", "whatsapp.statuses", "accounts.audit",
        "accounts.attempts",
    }  # fmt: skip
    also_kept = json.dumps(staying.everything())
    leaving.ask("DELETE", "/auth/account", 204, json={"password": leaving.password})
    # The trail of security events keeps the id, as documented, and nothing else does.
    assert await traces_of(house, *looked_for) == {("accounts.audit", person)}
    assert json.dumps(staying.everything()) == also_kept
