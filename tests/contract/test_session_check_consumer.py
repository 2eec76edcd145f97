"""What profile and messaging rely on when they ask auth whether a session still lives."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from pact import match

from ava_common.caller import Caller
from ava_common.http_client import open_client
from ava_common.live_sessions import RemoteSessionCheck, SessionEnded, SessionsUnavailable

from .conftest import Interaction

LIVING, ENDED = "a.b.c", "a.b.ended"
PATH = "/internal/session"


def caller(token: str) -> Caller:
    return Caller(UUID(int=0x1), token, 2_000_000_000)


@pytest.mark.parametrize("consumer", ["profile", "messaging"])
async def test_a_service_asks_auth_whether_a_session_lives(
    contract: Callable[[str, str], Any], interaction: type[Interaction], consumer: str
) -> None:
    words = {"title": match.like("…"), "detail": match.like("…")}
    ended = {"type": "urn:ava:problem:session-ended", "status": 401, **words}
    with contract(consumer, "auth") as auth:
        request = interaction("whether a session lives", "a session that lives", "GET", PATH, 204)
        with auth.expecting(request) as url:
            async with open_client(url) as client:
                await RemoteSessionCheck(client, PATH).require_live(caller(LIVING))
        request = interaction(
            "whether a session lives that has ended", "a session that has ended", "GET", PATH, 401, ended,
            content_type="application/problem+json",
        )  # fmt: skip
        with auth.expecting(request) as url:
            async with open_client(url) as client:
                with pytest.raises(SessionEnded):
                    await RemoteSessionCheck(client, PATH).require_live(caller(ENDED))


async def test_what_is_in_no_contract_is_no_permission() -> None:
    async with open_client("http://127.0.0.1:9") as client:
        with pytest.raises(SessionsUnavailable):
            await RemoteSessionCheck(client, PATH).require_live(caller(LIVING))
