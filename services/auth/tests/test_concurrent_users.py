"""Fifty users at once: none of them is ever answered as another."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import httpx
import jwt

from .conftest import OpenService, Person, Supabase, bearer

USERS = 50


def subject(token: str) -> str:
    return str(jwt.decode(token, options={"verify_signature": False})["sub"])


async def _use_a_session(client: httpx.AsyncClient, person: Person, barrier: asyncio.Barrier) -> None:
    """Log in, fail to, refresh, ask who I am and log out, every step at the same moment as all the others."""

    async def step(answer: Coroutine[Any, Any, httpx.Response]) -> httpx.Response:
        await barrier.wait()
        return await answer

    mine = str(person.id)
    session = (await step(client.post("/auth/login", json=person.credentials))).json()
    assert (session["user"], subject(session["access_token"])) == ({"id": mine, "email": person.email}, mine)
    wrong = await step(client.post("/auth/login", json=person.credentials | {"password": "wrong one"}))
    assert wrong.status_code == 401
    refreshed = (
        await step(client.post("/auth/refresh", json={"refresh_token": session["refresh_token"]}))
    ).json()
    assert (refreshed["user"]["id"], subject(refreshed["access_token"])) == (mine, mine)
    me = await step(client.get("/auth/me", headers=bearer(refreshed)))
    assert me.json() == {"id": mine, "email": person.email}
    assert (await step(client.post("/auth/logout", headers=bearer(refreshed)))).status_code == 204
    ended = await step(client.post("/auth/refresh", json={"refresh_token": refreshed["refresh_token"]}))
    assert ended.status_code == 401


async def test_fifty_interleaved_users_never_get_each_others_identity(
    open_service: OpenService, supabase: Supabase
) -> None:
    barrier = asyncio.Barrier(USERS)
    async with open_service(network_attempts=100_000) as client, asyncio.TaskGroup() as together:
        for person in await supabase.people(USERS):
            together.create_task(_use_a_session(client, person, barrier))


async def test_a_log_out_ends_no_other_users_session(open_service: OpenService, supabase: Supabase) -> None:
    async with open_service(network_attempts=100_000) as client:
        people = await supabase.people(20)
        sessions = [
            answer.json()
            for answer in await asyncio.gather(
                *(client.post("/auth/login", json=person.credentials) for person in people)
            )
        ]
        leaving, staying = sessions[::2], sessions[1::2]
        await asyncio.gather(
            *(client.post("/auth/logout?scope=global", headers=bearer(session)) for session in leaving),
            *(client.get("/auth/me", headers=bearer(session)) for session in staying),
        )
        refreshed = await asyncio.gather(
            *(client.post("/auth/refresh", json={"refresh_token": one["refresh_token"]}) for one in sessions)
        )
        assert [answer.status_code for answer in refreshed] == [401, 200] * 10
