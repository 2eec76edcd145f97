"""What the WhatsApp gateway relies on when it asks auth, profile and messaging."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from pact import match

from ava_common.caller import Caller
from ava_common.http_client import open_client
from ava_whatsapp_gateway.peers import messaging, profile
from ava_whatsapp_gateway.peers.auth import DelegatedTokens
from ava_whatsapp_gateway.peers.http import PeerAway, PeerRefused
from ava_whatsapp_gateway.peers.profile import AvatarIds

from .conftest import Interaction

ME = "whatsapp-gateway"
SECRET = "the secret both sides of this contract know"
PERSON, BANNED = UUID(int=0x1), UUID(int=0x2)
AVATAR, TURN = UUID(int=0xA), UUID(int=0xB)
CALLER = Caller(PERSON, "a.b.c", 2_000_000_000, actor=ME)
BASIC = "Basic d2hhdHNhcHAtZ2F0ZXdheTp0aGUgc2VjcmV0IGJvdGggc2lkZXMgb2YgdGhpcyBjb250cmFjdCBrbm93"
WRONG_BASIC = "Basic d2hhdHNhcHAtZ2F0ZXdheTpub3Qgb3VyIHNlY3JldCBhdCBhbGw="


def problem(name: str, status: int) -> dict[str, Any]:
    words = {"title": match.like("…"), "detail": match.like("…")}
    return {"type": f"urn:ava:problem:{name}", "status": status, **words}


def exchange(
    interaction: type[Interaction],
    description: str,
    person: UUID,
    status: int,
    answer: Any,
    basic: str = BASIC,
    **more: Any,
) -> Interaction:
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": str(person),
        "subject_token_type": "urn:ava:token-type:user-id",
    }
    headers = {"Authorization": basic, "Content-Type": "application/x-www-form-urlencoded"}
    state = "the people of this contract"
    return interaction(
        description, state, "POST", "/internal/tokens", status, answer, urlencode(form), signed=False,
        headers=headers, **more,
    )  # fmt: skip


async def test_the_gateway_asks_auth_to_act_for_a_person(
    contract: Callable[[str, str], Any], interaction: type[Interaction]
) -> None:
    token = {
        "access_token": match.regex("a.b.c", regex=r"^[\w-]+\.[\w-]+\.[\w-]+$"),
        "issued_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_type": "Bearer",
        "expires_in": match.integer(120),
    }
    refused = {"content_type": "application/problem+json"}
    with contract(ME, "auth") as auth:
        request = exchange(interaction, "a token for a person in good standing", PERSON, 200, token)
        with auth.expecting(request) as url:
            async with open_client(url) as client:
                caller = await DelegatedTokens(SECRET).caller_for(client, PERSON)
            assert (caller.id, caller.token, caller.actor) == (PERSON, "a.b.c", ME)
        answer = problem("token-refused", 403)
        request = exchange(interaction, "a token for a banned person", BANNED, 403, answer, **refused)
        with auth.expecting(request) as url:
            async with open_client(url) as client:
                with pytest.raises(PeerRefused):
                    await DelegatedTokens(SECRET).caller_for(client, BANNED)
        answer = problem("client-unknown", 401)
        request = exchange(
            interaction, "a token with a wrong secret", PERSON, 401, answer, WRONG_BASIC, **refused
        )
        with auth.expecting(request) as url:
            async with open_client(url) as client:
                with pytest.raises(PeerAway):
                    await DelegatedTokens("not our secret at all").caller_for(client, PERSON)


async def test_the_gateway_asks_profile_for_the_avatar(
    contract: Callable[[str, str], Any], interaction: type[Interaction]
) -> None:
    with contract(ME, "profile") as provider:
        there = interaction(
            "the avatar of a person who has one", "the person has an avatar", "GET", "/profile/avatar", 200,
            {"id": match.uuid(str(AVATAR))},
        )  # fmt: skip
        with provider.expecting(there) as url:
            async with open_client(url) as client:
                assert await AvatarIds().get(client, CALLER) == AVATAR
        whole = interaction(
            "the whole avatar of a person", "the person has an avatar", "GET", "/profile/avatar", 200,
            {
                "name": match.like("Mira"), "age": match.integer(27), "personality": match.like("witty"),
                "physical_description": match.like("Tall"),
            },
        )  # fmt: skip
        with provider.expecting(whole) as url:
            async with open_client(url) as client:
                assert await profile.avatar(client, CALLER) == profile.Avatar("Mira", 27, "witty", "Tall")
        missing = interaction(
            "the avatar of a person without one", "the person has no avatar", "GET", "/profile/avatar", 404,
            problem("avatar-not-found", 404), content_type="application/problem+json",
        )  # fmt: skip
        with provider.expecting(missing) as url:
            async with open_client(url) as client:
                assert await AvatarIds().get(client, CALLER) is None


def turn(avatar: UUID | None = None, content: str = "Hello") -> messaging.Turn:
    then = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    return messaging.Turn(TURN, CALLER.id, avatar, "user", "text", content, then, "wamid.1")


def storing(
    interaction: type[Interaction],
    description: str,
    state: str,
    status: int,
    avatar: UUID | None = None,
    content: str = "Hello",
    has: UUID | None = None,
) -> Interaction:
    """`has`: the avatar that the person has by now."""
    body = {
        "channel": "whatsapp",
        "role": "user",
        "content": content,
        "avatar_id": str(avatar) if avatar else None,
        "external_id": "wamid.1",
        "created_at": "2026-03-04T05:06:07+00:00",
        "sent_at": "2026-03-04T05:06:07+00:00",
    }
    refusals = {409: "message-differs", 422: "not-your-avatar"}
    answer, kind = {"id": str(TURN)}, "application/json"
    if has:
        answer["avatar_id"] = str(has)
    if name := refusals.get(status):
        answer, kind = problem(name, status), "application/problem+json"
    path = f"/messages/{TURN}"
    return interaction(description, state, "PUT", path, status, answer, body=body, content_type=kind)


async def test_the_gateway_asks_messaging_to_store_a_turn(
    contract: Callable[[str, str], Any], interaction: type[Interaction]
) -> None:
    """Also for those before it, and to change it: one contract, in one file."""
    with contract(ME, "messaging") as provider:
        await turns(provider, interaction)
        await turns_before_one(provider, interaction)
        await changes(provider, interaction)


THERE = "a log with that turn"


async def turns(provider: Any, interaction: type[Interaction]) -> None:
    cases = [
        ("a turn", "an empty log", 201, None),
        ("a turn with the avatar", "an empty log and an avatar", 201, AVATAR),
        ("the same turn again", THERE, 200, None),
    ]
    for description, state, status, avatar in cases:
        with provider.expecting(storing(interaction, description, state, status, avatar)) as url:
            async with open_client(url) as client:
                assert await messaging.put(client, CALLER, turn(avatar))
    new = "a turn of a person who has an avatar by now", "an empty log and an avatar", 201
    with provider.expecting(storing(interaction, *new, has=AVATAR)) as url:
        async with open_client(url) as client:
            logged = await messaging.put(client, CALLER, turn())
            assert logged
            assert logged.avatar_id == AVATAR
    gone = storing(interaction, "a turn with a deleted avatar", "an empty log", 422, AVATAR)
    without = storing(interaction, "that turn without the avatar", "an empty log", 201)
    with provider.expecting(gone, without) as url:
        async with open_client(url) as client:
            assert not await messaging.put(client, CALLER, turn(AVATAR))
            assert await messaging.put(client, CALLER, turn())
    other = storing(interaction, "other content under a known id", THERE, 409, content="Other")
    with provider.expecting(other) as url:
        async with open_client(url) as client:
            with pytest.raises(PeerRefused):
                await messaging.put(client, CALLER, turn(content="Other"))


async def turns_before_one(provider: Any, interaction: type[Interaction]) -> None:
    logged = {"id": match.uuid(str(TURN)), "content": match.like("Hello"), "role": match.like("user")}
    logged |= {"channel": match.like("whatsapp"), "created_at": match.like("2026-03-04T05:06:07Z")}
    logged |= {"external_id": match.like("wamid.1")}
    last = interaction(
        "the last turns", THERE, "GET", "/messages", 200, {"messages": [logged]},
        query={"order": "newest", "limit": "21"},
    )  # fmt: skip
    unknown = interaction(
        "where a turn stands that was deleted", THERE, "GET", f"/messages/{AVATAR}", 404,
        problem("message-not-found", 404), content_type="application/problem+json",
    )  # fmt: skip
    with provider.expecting(last, unknown) as url:
        async with open_client(url) as client:
            absent = replace(turn(), id=AVATAR, external_id="wamid.2")
            [found] = await messaging.last_before(client, CALLER, 20, absent)
        assert found == messaging.LoggedTurn(str(TURN), "whatsapp", "user", "Hello", "2026-03-04T05:06:07Z")
    since = "that turn, and one from the app after it"
    rows = [logged | {"id": match.uuid(str(AVATAR)), "external_id": None}, logged]
    newest = interaction(
        "the last two turns", since, "GET", "/messages", 200, {"messages": rows},
        query={"order": "newest", "limit": "2"},
    )  # fmt: skip
    until = {"order": "newest", "limit": "1", "until": "2026-03-04T05:06:07Z"}
    before = interaction(
        "the turn before that turn", since, "GET", "/messages", 200, {"messages": []}, query=until
    )
    with provider.expecting(newest, before) as url:
        async with open_client(url) as client:
            assert await messaging.last_before(client, CALLER, 1, turn()) == []


async def changes(provider: Any, interaction: type[Interaction]) -> None:
    path, at = f"/messages/{TURN}", "2026-03-04T05:06:37+00:00"
    missing = problem("message-not-found", 404)
    ok: tuple[int, Any, str] = (200, {"id": match.uuid(str(TURN))}, "application/json")
    for description, state, words, (status, answer, kind) in (
        ("an edit of that turn", THERE, "Bye", ok),
        ("a deletion of that turn", THERE, "", ok),
        ("a deletion of a turn that is not there", "an empty log", "",
         (404, missing, "application/problem+json")),
    ):  # fmt: skip
        body = {"external_id": "wamid.1", "content": words or None, "changed_at": at}
        asked = interaction(description, state, "PATCH", path, status, answer, body=body, content_type=kind)
        with provider.expecting(asked) as url:
            async with open_client(url) as client:
                change = messaging.Correction(TURN, "wamid.1", words, datetime.fromisoformat(at))
                await messaging.correct(client, CALLER, change)
