"""Whether a session still lives: asked upstream, remembered for seconds, known at once where it ends here."""

import asyncio
from uuid import uuid4

import httpx
import jwt
import pytest

from ava_auth.live_sessions import REMEMBERED_SECONDS, LiveSessions
from ava_auth.settings import Settings
from ava_auth.supabase import SupabaseAuth
from ava_common.caller import Caller
from ava_common.live_sessions import SessionEnded
from ava_local.testing.clock import Clock
from ava_local.testing.forged_tokens import LEGACY_SECRET
from ava_local.testing.token_issuer import Issuer

from .conftest import LogIn, OpenService, Person, Supabase, bearer

PATH = "/internal/session"


async def refusal(client: httpx.AsyncClient, headers: dict[str, str]) -> tuple[int, str]:
    answer = await client.get(PATH, headers=headers)
    return answer.status_code, answer.json()["type"] if answer.content else ""


@pytest.mark.parametrize("end", ["log-out", "log-out elsewhere", "new password", "deletion"])
async def test_what_ends_a_session_here_is_known_at_once(
    client: httpx.AsyncClient, person: Person, log_in: LogIn, end: str
) -> None:
    here, there = bearer(await log_in(person)), bearer(await log_in(person))
    for headers in (here, there):
        assert await refusal(client, headers) == (204, "")
    if end == "new password":
        body = {"current_password": person.password, "new_password": "another-lantern-3"}
        await client.put("/auth/password", json=body, headers=there)
    elif end == "deletion":
        await client.request("DELETE", "/auth/account", json={"password": person.password}, headers=there)
    else:
        scope, by = ("local", here) if end == "log-out" else ("others", there)
        await client.post("/auth/logout", params={"scope": scope}, headers=by)
    expected = "account-gone" if end == "deletion" else "session-ended"
    assert await refusal(client, here) == (401, f"urn:ava:problem:{expected}")
    assert (await client.get("/auth/me", headers=here)).status_code == 401
    assert (await refusal(client, there))[0] == (401 if end == "deletion" else 204)


async def test_a_session_that_ends_elsewhere_is_known_within_seconds(
    settings: Settings, supabase: Supabase, person: Person, client: httpx.AsyncClient, log_in: LogIn
) -> None:
    token = (await log_in(person))["access_token"]
    caller, clock = Caller(person.id, token, 2_000_000_000), Clock()
    async with httpx.AsyncClient(base_url=supabase.url) as http:
        sessions = LiveSessions(SupabaseAuth(settings, http), clock)
        await sessions.require_live(caller)
        until = "update auth.users set banned_until = now() + interval '1 hour' where id = $1"
        await supabase.database.admin(until, person.id)
        clock.now += REMEMBERED_SECONDS - 0.1
        await sessions.require_live(caller)  # remembered
        clock.now += 0.1
        with pytest.raises(SessionEnded):
            await sessions.require_live(caller)


async def test_while_supabase_is_away_nobody_can_say(open_service: OpenService, issuer: Issuer) -> None:
    async with open_service(supabase_url=issuer.url, auth_url=issuer.url) as client:
        token = issuer.bearer(uuid4())
        assert await refusal(client, token) == (204, "")
    away = {"supabase_url": "http://127.0.0.1:9", "supabase_jwt_issuer": f"{issuer.url}/auth/v1"}
    async with open_service(**away, supabase_jwt_secret=LEGACY_SECRET) as client:
        signed = jwt.encode(issuer.claims(uuid4()), LEGACY_SECRET, "HS256")
        headers = {"Authorization": f"Bearer {signed}"}
        assert await refusal(client, headers) == (503, "urn:ava:problem:sessions-unavailable")
        assert (await client.get("/auth/me", headers=headers)).status_code == 503


async def test_an_answer_from_before_a_session_ended_is_not_remembered_after(
    settings: Settings, supabase: Supabase, person: Person, client: httpx.AsyncClient, log_in: LogIn
) -> None:
    token = (await log_in(person))["access_token"]
    caller = Caller(person.id, token, 2_000_000_000)
    async with httpx.AsyncClient(base_url=supabase.url) as http:
        sessions = LiveSessions(SupabaseAuth(settings, http))
        asking = asyncio.create_task(sessions.require_live(caller))
        await asyncio.sleep(0)  # it has asked, and the answer is on its way
        sessions.forget()
        await asking
        await client.post("/auth/logout", headers={"Authorization": f"Bearer {token}"})
        with pytest.raises(SessionEnded):
            await sessions.require_live(caller)
