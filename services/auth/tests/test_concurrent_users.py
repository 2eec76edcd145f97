"""Fifty people at once: nobody is ever answered as somebody else."""

import asyncio
from typing import Any

import httpx
import jwt

from .conftest import Person, Supabase, bearer

PEOPLE = 50


def subject(token: str) -> str:
    return str(jwt.decode(token, options={"verify_signature": False})["sub"])


async def _live(client: httpx.AsyncClient, person: Person, turn: asyncio.Barrier) -> None:
    """Log in, look, fail, renew, look and leave, every step at the same moment as everybody else's."""

    async def step(answer: Any) -> httpx.Response:
        await turn.wait()
        return await answer

    mine = str(person.id)
    session = (await step(client.post("/auth/login", json=person.credentials))).json()
    assert (session["user"], subject(session["access_token"])) == ({"id": mine, "email": person.email}, mine)
    wrong = await step(client.post("/auth/login", json=person.credentials | {"password": "wrong one"}))
    assert wrong.status_code == 401
    renewed = (
        await step(client.post("/auth/refresh", json={"refresh_token": session["refresh_token"]}))
    ).json()
    assert (renewed["user"]["id"], subject(renewed["access_token"])) == (mine, mine)
    me = await step(client.get("/auth/me", headers=bearer(renewed)))
    assert me.json() == {"id": mine, "email": person.email}
    assert (await step(client.post("/auth/logout", headers=bearer(renewed)))).status_code == 204
    ended = await step(client.post("/auth/refresh", json={"refresh_token": renewed["refresh_token"]}))
    assert ended.status_code == 401


async def test_fifty_interleaved_people_never_get_each_others_identity(
    open_service: Any, supabase: Supabase
) -> None:
    turn = asyncio.Barrier(PEOPLE)
    async with open_service(network_attempts=100_000) as client, asyncio.TaskGroup() as together:
        for person in await supabase.people(PEOPLE):
            together.create_task(_live(client, person, turn))


async def test_somebody_elses_log_out_ends_nobody_elses_session(
    open_service: Any, supabase: Supabase
) -> None:
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
        renewed = await asyncio.gather(
            *(client.post("/auth/refresh", json={"refresh_token": one["refresh_token"]}) for one in sessions)
        )
        assert [answer.status_code for answer in renewed] == [401, 200] * 10
