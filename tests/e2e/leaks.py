"""Finds secrets in the logs of a running stack; which secrets there are it asks the stack itself."""

import asyncio
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
import httpx

from ava_local.stack.control import Stack

# What is not stored, or is deleted with its account, is recognised by how the tests and the stack spell it.
SHAPES = {
    "a token": re.compile(r"eyJ[\w-]{10,}\.[\w-]{10,}\."),
    "an e-mail address": re.compile(r"[\w.+-]+@(example\.org|people\.example)"),
    "a password": re.compile(r"(quiet|another)-(harbour|lantern)|Passw0rd!"),
    "a phone number": re.compile(r"(?<![0-9a-f])491511\d{7}(?![0-9a-f])"),
}
STORED = """
select email from auth.users union select token from auth.refresh_tokens
union select ltrim(whatsapp_phone, '+') from public.user_preferences
union select ltrim(whatsapp_pending_phone, '+') from public.user_preferences
union select physical_description from public.avatars union select content from public.messages
union select wa_digits from whatsapp.contacts union select bsuid from whatsapp.contacts
union select words from whatsapp.events union select body from whatsapp.outbox
"""
MIN_LENGTH = 9
"""Shorter words are in logs for other reasons."""


def secrets_found(stack: Stack, *more: str) -> dict[str, set[str]]:
    """Every log of the stack that contains a secret, and which secrets; `more` are searched for too."""
    secrets = stack_secrets(stack).union(more)
    logs = {file.name: file.read_text(errors="replace") for file in stack.layout.logs_dir.iterdir()}
    return {name: found for name, log in logs.items() if (found := secrets_in(log, secrets))}


def secrets_in(log: str, secrets: set[str]) -> set[str]:
    """The secrets in one log, and the names of the shapes in it."""
    shapes = {name for name, shape in SHAPES.items() if shape.search(log)}
    return shapes | {secret for secret in secrets if secret in log}


def stack_secrets(stack: Stack) -> set[str]:
    """What users typed and were sent so far, and the secrets that the stack generated for itself."""
    # In a thread, because this one may already run an event loop.
    with ThreadPoolExecutor(1) as thread:
        stored = thread.submit(asyncio.run, _stored(stack)).result()
    found = {*stored, *_mailed(stack), *_sent_by_phone(stack), *_generated(stack)}
    return {secret for secret in found if len(secret.strip()) >= MIN_LENGTH}


async def _stored(stack: Stack) -> set[str]:
    connection = await asyncpg.connect(stack.database_url())
    try:
        return {row[0] for row in await connection.fetch(STORED) if row[0]}
    finally:
        await connection.close()


def _mailed(stack: Stack) -> Iterator[str]:
    for mail in _get(f"{stack.url('supabase-auth')}/outbox")["mails"]:
        yield from (mail["to"], mail["token_hash"])


def _sent_by_phone(stack: Stack) -> Iterator[str]:
    """Numbers, messages, replies and codes of every phone, those of deleted accounts included."""
    facts = _get(f"{stack.simulator_url}/simulator/oracle")
    for message in facts["inbound"]:
        yield from (message["number"].lstrip("+"), message["text"] or "")
    for send in facts["sends"]:
        yield from (send["addressee"].lstrip("+"), send["text"] or "")


def _get(url: str) -> Any:
    return httpx.get(url, timeout=60, trust_env=False).raise_for_status().json()


def _generated(stack: Stack) -> Iterator[str]:
    public = ("kid", "kty", "crv", "x", "y", "alg", "use")

    def leaves(value: object) -> Iterator[str]:
        if isinstance(value, dict):
            for name, part in value.items():
                yield from leaves(part) if name not in public else ()
        elif isinstance(value, str) and len(value) > 12:
            yield value

    return leaves(json.loads((stack.layout.state_dir / "secrets.json").read_text()))
