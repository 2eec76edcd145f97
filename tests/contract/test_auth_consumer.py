"""What auth relies on when it collects a user's export from profile and messaging."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import orjson
from pact import match

from ava_auth import export
from ava_auth.resources import Resources
from ava_auth.user_and_session import User
from ava_common.caller import Caller
from ava_common.http_client import open_client

from .conftest import Interaction

PERSON = UUID(int=0x1)
AVATAR, TURN = UUID(int=0xA), UUID(int=0xB)
CALLER = Caller(PERSON, "a.b.c", 2_000_000_000)
LINE = {
    "id": str(TURN),
    "avatar_id": None,
    "channel": "whatsapp",
    "role": "user",
    "content": "Hello",
    "created_at": "2026-03-04T05:06:07Z",
    "external_id": "wamid.1",
    "sent_at": None,
    "edited_at": None,
    "deleted_at": None,
}
FULL, NEW = "the person has an avatar, a number and one message", "the person has nothing yet"
AN_AVATAR, PREFERENCES = "/profile/avatar", "/profile/preferences"
IDENTITIES = "/profile/whatsapp-identities"


class NothingOfItsOwn:
    """Auth's own tables, empty: this contract is about the others."""

    async def read_of_user(self, *_: object) -> list[object]:
        return []

    async def familiar_networks(self, *_: str) -> list[object]:
        return []


async def collected(profile: str, messaging: str) -> Any:
    """The export as the user receives it, made of what the services answered."""
    async with AsyncExitStack() as stack:
        resources = SimpleNamespace(
            profile=await stack.enter_async_context(open_client(profile)),
            messaging=await stack.enter_async_context(open_client(messaging)),
            audit_log=NothingOfItsOwn(),
            throttle=NothingOfItsOwn(),
        )
        user = User(PERSON, "ada@people.example", datetime(2026, 1, 1, tzinfo=UTC), None)
        chunks = await export.open_export(cast(Resources, resources), CALLER, user)
        return orjson.loads(b"".join([chunk async for chunk in chunks]))


async def test_auth_collects_the_export_from_profile_and_messaging(
    contract: Callable[[str, str], Any], interaction: type[Interaction]
) -> None:
    avatar = {
        "id": match.uuid(str(AVATAR)),
        "name": match.like("Mira"),
        "age": match.integer(27),
        "personality": match.like("witty"),
        "physical_description": match.like("Tall"),
        "created_at": match.like("2026-03-04T05:06:07Z"),
    }
    number = match.regex("+4915112345678", regex=r"^\+[1-9][0-9]{6,14}$")
    preferences = {"whatsapp_phone": number, "whatsapp_linked_at": match.like("2026-03-04T05:06:07Z")}
    identity: dict[str, Any] = {
        "number": number,
        "business_scoped_id": None,
        "username": match.like("mira.writes"),
        "first_seen_at": match.like("2026-03-04T05:06:07Z"),
        "former_numbers": [],
        "former_business_scoped_ids": [],
    }
    lines = orjson.dumps(LINE).decode() + "\n"
    with contract("auth", "profile") as profile, contract("auth", "messaging") as messaging:
        requests = (
            interaction("the avatar, for an export", FULL, "GET", AN_AVATAR, 200, avatar),
            interaction("the preferences, for an export", FULL, "GET", PREFERENCES, 200, preferences),
            interaction("who they are on WhatsApp, for an export", FULL, "GET", IDENTITIES, 200, [identity]),
        )
        log = interaction(
            "the whole log, for an export", FULL, "GET", "/messages/export", 200, lines,
            content_type="application/x-ndjson",
        )  # fmt: skip
        with profile.expecting(*requests) as profile_url, messaging.expecting(log) as messaging_url:
            whole = await collected(profile_url, messaging_url)
        assert whole["avatar"]["id"] == str(AVATAR)
        assert whole["preferences"]["whatsapp_phone"] == "+4915112345678"
        assert whole["whatsapp_identities"][0]["username"] == "mira.writes"
        assert whole["messages"] == [LINE]

        nothing = {"whatsapp_phone": None, "whatsapp_linked_at": None}
        requests = (
            interaction(
                "a missing avatar, for an export",
                NEW,
                "GET",
                AN_AVATAR,
                404,
                {"type": "urn:ava:problem:avatar-not-found"},
                content_type="application/problem+json",
            ),
            interaction(
                "preferences that were never set, for an export", NEW, "GET", PREFERENCES, 200, nothing
            ),
            interaction("nobody on WhatsApp, for an export", NEW, "GET", IDENTITIES, 200, []),
        )
        log = interaction("an empty log, for an export", NEW, "GET", "/messages/export", 200)
        with profile.expecting(*requests) as profile_url, messaging.expecting(log) as messaging_url:
            whole = await collected(profile_url, messaging_url)
        assert (whole["avatar"], whole["messages"]) == (None, [])
