"""No log of the whole run contains a secret, token, phone number, address or message. Runs last."""

import json
import re

import asyncpg
import httpx

from ava_local.stack.control import Stack
from ava_local.stack.environment import SERVICES
from e2e.people import AVATAR, SECRETS, Person, eventually, unique_text

PROCESSES = ("caddy", "supabase-auth", "whatsapp-simulator", "database-setup", "postgres", *SERVICES)
SHAPES = {
    "a token": re.compile(r"eyJ[\w-]{10,}\.[\w-]{10,}\."),
    "an e-mail address": re.compile(r"[\w.+-]+@(example\.org|people\.example)"),
}
# Everything the tests of all folders have left in the database.
STORED = """
select email from auth.users union select token from auth.refresh_tokens
union select ltrim(whatsapp_phone, '+') from public.user_preferences
union select ltrim(whatsapp_pending_phone, '+') from public.user_preferences
union select physical_description from public.avatars union select content from public.messages
union select wa_digits from whatsapp.contacts union select bsuid from whatsapp.contacts
union select words from whatsapp.events
"""
MIN_LENGTH = 9
"""Shorter words are in logs for other reasons."""


def leaks_in(log: str, secrets: set[str]) -> set[str]:
    """What a log contains that it should not."""
    shapes = {name for name, shape in SHAPES.items() if shape.search(log)}
    return shapes | {secret for secret in secrets if secret in log}


async def everything_secret(stack: Stack) -> set[str]:
    connection = await asyncpg.connect(stack.database_url())
    stored = {row[0] for row in await connection.fetch(STORED) if row[0]}
    await connection.close()
    found = SECRETS | stored | mailed_secrets(stack) | set(secrets_of(stack))
    return {secret for secret in found if len(secret.strip()) >= MIN_LENGTH}


def mailed_secrets(stack: Stack) -> set[str]:
    mails = httpx.get(f"{stack.url('supabase-auth')}/outbox", trust_env=False).json()["mails"]
    return {mail[name] for mail in mails for name in ("to", "token_hash")}


def use_everything(stack: Stack) -> None:
    """Do everything that is likely to end up in a log, in case this test runs alone."""
    person = Person(stack).set_up()
    person.phone.send(unique_text("unspeakable"))
    assert person.phone.receive()
    eventually(person.messages, lambda found: len(found) == 2)
    person.http.post("/messages", json={"content": unique_text("unmentioned")})
    person.http.get("/messages", params={"text": "unspeakable"})
    person.http.post("/auth/login", json={"email": person.email, "password": "wrong-guess-word"})
    person.http.post("/auth/recover", json={"email": person.email})
    person.http.put("/profile/preferences/whatsapp", json={"phone": f"{person.number} ext"})
    SECRETS.update(("unspeakable", "wrong-guess-word", str(AVATAR["physical_description"])))


async def test_no_log_line_of_the_whole_run_contains_a_secret(stack: Stack) -> None:
    use_everything(stack)
    secrets = await everything_secret(stack)
    logs = {process: stack.log_text(process) for process in PROCESSES}
    assert len(secrets) > 20
    for service in SERVICES:
        assert '"event":"request"' in logs[service].replace('": "', '":"'), service
    for process, log in logs.items():
        assert leaks_in(log, secrets) == set(), process


def test_a_log_with_a_secret_would_be_found() -> None:
    token = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0xxxx.c2ln"
    log = f"GET /messages?text=unspeakable ada@example.org Bearer {token}"
    assert leaks_in(log, {"unspeakable", "unsaid"}) == {"unspeakable", *SHAPES}


def secrets_of(stack: Stack) -> list[str]:
    secrets = json.loads((stack.layout.state_dir / "secrets.json").read_text())

    def leaves(value: object) -> list[str]:
        if isinstance(value, dict):
            return [
                leaf
                for name, part in value.items()
                if name not in ("kid", "kty", "crv", "x", "y", "alg", "use")
                for leaf in leaves(part)
            ]
        return [value] if isinstance(value, str) and len(value) > 12 else []

    return leaves(secrets)
