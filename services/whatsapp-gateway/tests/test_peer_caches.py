"""Delegated tokens and avatar ids are cached, each for its time; a refusal or a missing avatar is not."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import httpx
import pytest

from ava_common.caller import Caller
from ava_local.testing.clock import Clock
from ava_whatsapp_gateway.peers.auth import DelegatedTokens
from ava_whatsapp_gateway.peers.http import PeerRefused
from ava_whatsapp_gateway.peers.profile import AvatarIds

ADA, BOB = UUID(int=1), UUID(int=2)


class Peer:
    """Answers every request alike, and counts them."""

    def __init__(self, status: int, body: object) -> None:
        self.status, self.body, self.requests = status, body, 0

    def __call__(self, _: httpx.Request) -> httpx.Response:
        self.requests += 1
        return httpx.Response(self.status, json=self.body)


@pytest.fixture
def auth() -> Peer:
    return Peer(200, {"access_token": "a.b.c", "expires_in": 120})


@pytest.fixture
def profile() -> Peer:
    return Peer(200, {"id": str(uuid4())})


@pytest.fixture
async def to_auth(auth: Peer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(auth), base_url="http://auth") as client:
        yield client


@pytest.fixture
async def to_profile(profile: Peer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(profile), base_url="http://profile") as client:
        yield client


def caller(user_id: UUID) -> Caller:
    return Caller(user_id, "a.b.c", 0)


async def test_a_token_is_used_for_half_its_life(auth: Peer, to_auth: httpx.AsyncClient) -> None:
    clock = Clock()
    tokens = DelegatedTokens("secret", clock)
    for moment, asked in ((0, 1), (59.9, 1), (60, 2), (119.9, 2), (120, 3)):
        clock.now = moment
        assert (await tokens.caller_for(to_auth, ADA)).id == ADA
        assert auth.requests == asked, moment


async def test_each_user_has_a_token_of_their_own(auth: Peer, to_auth: httpx.AsyncClient) -> None:
    tokens = DelegatedTokens("secret")
    for user in (ADA, BOB, ADA, BOB):
        assert (await tokens.caller_for(to_auth, user)).id == user
    assert auth.requests == 2


async def test_after_a_service_rejected_a_token_every_one_is_asked_for_anew(
    auth: Peer, to_auth: httpx.AsyncClient
) -> None:
    tokens = DelegatedTokens("secret")
    await tokens.caller_for(to_auth, ADA)
    tokens.clear()
    await tokens.caller_for(to_auth, ADA)
    assert auth.requests == 2


async def test_a_refusal_is_never_cached(auth: Peer, to_auth: httpx.AsyncClient) -> None:
    tokens = DelegatedTokens("secret")
    auth.status, auth.body = 403, {"type": "urn:ava:problem:token-refused"}
    for _ in range(2):
        with pytest.raises(PeerRefused):
            await tokens.caller_for(to_auth, ADA)
    assert auth.requests == 2


async def test_a_refusal_ends_the_use_of_a_token_that_was_granted_at_the_same_time() -> None:
    granted = {"access_token": "a.b.c", "expires_in": 120}
    refused = {"type": "urn:ava:problem:token-refused"}
    answers = iter([(200, granted), (403, refused), (200, granted)])

    async def in_turn(_: httpx.Request) -> httpx.Response:
        status, body = next(answers)
        await asyncio.sleep(0)  # so that both have asked before one is answered
        return httpx.Response(status, json=body)

    tokens = DelegatedTokens("secret")
    async with httpx.AsyncClient(transport=httpx.MockTransport(in_turn), base_url="http://auth") as client:
        both = (tokens.caller_for(client, ADA) for _ in range(2))
        first, second = await asyncio.gather(*both, return_exceptions=True)
        assert isinstance(first, Caller)
        assert isinstance(second, PeerRefused)
        await tokens.caller_for(client, ADA)
    assert list(answers) == []


async def test_an_avatar_id_is_cached_for_five_minutes(profile: Peer, to_profile: httpx.AsyncClient) -> None:
    clock = Clock()
    ids = AvatarIds(clock)
    for moment, asked in ((0, 1), (299, 1), (300, 2), (599, 2), (600, 3)):
        clock.now = moment
        assert await ids.get(to_profile, caller(ADA)) is not None
        assert profile.requests == asked, moment


async def test_a_forgotten_avatar_id_is_asked_for_again(profile: Peer, to_profile: httpx.AsyncClient) -> None:
    ids = AvatarIds()
    await ids.get(to_profile, caller(ADA))
    ids.forget(ADA)
    await ids.get(to_profile, caller(ADA))
    assert profile.requests == 2


async def test_that_a_user_has_no_avatar_is_cached_until_messaging_knows_one(
    profile: Peer, to_profile: httpx.AsyncClient
) -> None:
    ids = AvatarIds()
    profile.status, profile.body = 404, {"type": "urn:ava:problem:avatar-not-found"}
    for _ in range(2):
        assert await ids.get(to_profile, caller(ADA)) is None
    assert profile.requests == 1
    ids.remember(ADA, BOB)
    assert await ids.get(to_profile, caller(ADA)) == BOB
    assert profile.requests == 1


async def test_that_a_user_has_no_avatar_is_not_remembered_for_longer_with_each_message(
    profile: Peer, to_profile: httpx.AsyncClient
) -> None:
    """Messaging of release 0.1.0 looks for none: all that is said would be logged without one."""
    clock = Clock()
    ids = AvatarIds(clock)
    profile.status, profile.body = 404, {"type": "urn:ava:problem:avatar-not-found"}
    for minute in range(6):
        clock.now = minute * 60.0
        ids.remember(ADA, await ids.get(to_profile, caller(ADA)))
    assert profile.requests == 2
