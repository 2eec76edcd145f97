"""What no log may tell, asked of the running stack itself: whoever typed or made it, in whichever test."""

import asyncio
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
import httpx

from ava_local.handle import House

# What nothing keeps, or what goes with an account, is known by how the tests and the stack write it.
SHAPES = {
    "a token": re.compile(r"eyJ[\w-]{10,}\.[\w-]{10,}\."),
    "an e-mail address": re.compile(r"[\w.+-]+@(example\.org|people\.example)"),
    "a password": re.compile(r"(quiet|another)-(harbour|lantern)|Passw0rd!"),
    "a phone number": re.compile(r"(?<![0-9a-f])491511\d{7}(?![0-9a-f])"),
}
KEPT = """
select email from auth.users union select token from auth.refresh_tokens
union select ltrim(whatsapp_phone, '+') from public.user_preferences
union select ltrim(whatsapp_pending_phone, '+') from public.user_preferences
union select physical_description from public.avatars union select content from public.messages
union select wa_digits from whatsapp.contacts union select bsuid from whatsapp.contacts
union select words from whatsapp.events union select body from whatsapp.outbox
"""
SHORTEST = 9
"""Shorter words stand in logs for other reasons."""


def told(house: House, *more: str) -> dict[str, set[str]]:
    """Every log of the stack that tells what it should not, and what that is."""
    secrets = everything_secret(house).union(more)
    logs = {file.name: file.read_text(errors="replace") for file in house.places.logs.iterdir()}
    return {name: found for name, log in logs.items() if (found := told_in(log, secrets))}


def told_in(log: str, secrets: set[str]) -> set[str]:
    shapes = {name for name, shape in SHAPES.items() if shape.search(log)}
    return shapes | {secret for secret in secrets if secret in log}


def everything_secret(house: House) -> set[str]:
    """What people typed and got so far, and the stack's own secrets."""
    # In a thread, because this one may have a loop already.
    with ThreadPoolExecutor(1) as thread:
        kept = thread.submit(asyncio.run, _kept(house)).result()
    found = {*kept, *_mailed(house), *_said(house), *_own_secrets(house)}
    return {secret for secret in found if len(secret.strip()) >= SHORTEST}


async def _kept(house: House) -> set[str]:
    connection = await asyncpg.connect(house.database_url())
    try:
        return {row[0] for row in await connection.fetch(KEPT) if row[0]}
    finally:
        await connection.close()


def _mailed(house: House) -> Iterator[str]:
    for mail in _ask(f"{house.url('supabase-auth')}/outbox")["mails"]:
        yield from (mail["to"], mail["token_hash"])


def _said(house: House) -> Iterator[str]:
    """What went over any phone: numbers, messages, answers and codes, of people who left as well."""
    facts = _ask(f"{house.phone}/simulator/oracle")
    for said in facts["inbound"]:
        yield from (said["number"].lstrip("+"), said["text"] or "")
    for sent in facts["sends"]:
        yield from (sent["addressee"].lstrip("+"), sent["text"] or "")


def _ask(url: str) -> Any:
    return httpx.get(url, timeout=60, trust_env=False).raise_for_status().json()


def _own_secrets(house: House) -> Iterator[str]:
    public = ("kid", "kty", "crv", "x", "y", "alg", "use")

    def leaves(value: object) -> Iterator[str]:
        if isinstance(value, dict):
            for name, part in value.items():
                yield from leaves(part) if name not in public else ()
        elif isinstance(value, str) and len(value) > 12:
            yield value

    return leaves(json.loads((house.places.state / "secrets.json").read_text()))
