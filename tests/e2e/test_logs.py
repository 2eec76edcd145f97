"""What the whole run wrote down: never a secret, a token, a phone, an address or words. Runs last."""

import json
import re

import asyncpg
import httpx

from ava_local.stack.control import Stack
from ava_local.stack.environment import SERVICES
from e2e.people import AVATAR, SECRETS, Somebody, eventually, words

PROCESSES = ("caddy", "supabase-auth", "whatsapp-simulator", "database", "postgres", *SERVICES)
SHAPES = {
    "a token": re.compile(r"eyJ[\w-]{10,}\.[\w-]{10,}\."),
    "an e-mail address": re.compile(r"[\w.+-]+@(example\.org|people\.example)"),
}
# Whatever anybody who was here, in a test of whichever folder, has left in the database.
KEPT = """
select email from auth.users union select token from auth.refresh_tokens
union select ltrim(whatsapp_phone, '+') from public.user_preferences
union select ltrim(whatsapp_pending_phone, '+') from public.user_preferences
union select physical_description from public.avatars union select content from public.messages
union select wa_digits from whatsapp.contacts union select bsuid from whatsapp.contacts
union select words from whatsapp.events
"""
SHORTEST = 9
"""Shorter words stand in logs for other reasons."""


def told_in(log: str, secrets: set[str]) -> set[str]:
    """What a log tells that it should not."""
    shapes = {name for name, shape in SHAPES.items() if shape.search(log)}
    return shapes | {secret for secret in secrets if secret in log}


async def everything_secret(house: Stack) -> set[str]:
    connection = await asyncpg.connect(house.database_url())
    kept = {row[0] for row in await connection.fetch(KEPT) if row[0]}
    await connection.close()
    found = SECRETS | kept | mailed(house) | set(secrets_of(house))
    return {secret for secret in found if len(secret.strip()) >= SHORTEST}


def mailed(house: Stack) -> set[str]:
    outbox = httpx.get(f"{house.url('supabase-auth')}/outbox", trust_env=False).json()["mails"]
    return {mail[name] for mail in outbox for name in ("to", "token_hash")}


def live_loudly(house: Stack) -> None:
    """All that is likely to end up in a log, in case this test runs alone."""
    person = Somebody(house).settle_in()
    person.phone.send(words("unspeakable"))
    assert person.phone.receive()
    eventually(person.messages, lambda found: len(found) == 2)
    person.http.post("/messages", json={"content": words("untold")})
    person.http.get("/messages", params={"text": "unspeakable"})
    person.http.post("/auth/login", json={"email": person.email, "password": "wrong-guess-word"})
    person.http.post("/auth/recover", json={"email": person.email})
    person.http.put("/profile/preferences/whatsapp", json={"phone": f"{person.number} ext"})
    SECRETS.update(("unspeakable", "wrong-guess-word", str(AVATAR["physical_description"])))


async def test_no_log_line_of_the_whole_run_tells_on_anybody(house: Stack) -> None:
    live_loudly(house)
    secrets = await everything_secret(house)
    logs = {process: house.log_text(process) for process in PROCESSES}
    assert len(secrets) > 20
    for room in SERVICES:
        assert '"event":"request"' in logs[room].replace('": "', '":"'), room
    for process, log in logs.items():
        assert told_in(log, secrets) == set(), process


def test_a_log_that_tells_would_be_found_out() -> None:
    token = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0xxxx.c2ln"
    log = f"GET /messages?text=unspeakable ada@example.org Bearer {token}"
    assert told_in(log, {"unspeakable", "unsaid"}) == {"unspeakable", *SHAPES}


def secrets_of(house: Stack) -> list[str]:
    kept = json.loads((house.layout.state_dir / "secrets.json").read_text())

    def leaves(value: object) -> list[str]:
        if isinstance(value, dict):
            return [
                leaf
                for name, part in value.items()
                if name not in ("kid", "kty", "crv", "x", "y", "alg", "use")
                for leaf in leaves(part)
            ]
        return [value] if isinstance(value, str) and len(value) > 12 else []

    return leaves(kept)
