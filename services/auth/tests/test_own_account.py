"""The user's own account: change the password, delete everything."""

import asyncio
from typing import Any

import httpx
import pytest

from ava_local.testing.databases import Database

from .conftest import AuditEvents, LogIn, OpenService, Person, Supabase, bearer

NEW = "another-lantern-3"


async def change_password(
    client: httpx.AsyncClient, session: dict[str, Any], current: str, new: str = NEW
) -> httpx.Response:
    body = {"current_password": current, "new_password": new}
    return await client.put("/auth/password", json=body, headers=bearer(session))


async def delete_account(client: httpx.AsyncClient, session: dict[str, Any], password: str) -> httpx.Response:
    return await client.request(
        "DELETE", "/auth/account", json={"password": password}, headers=bearer(session)
    )


async def is_alive(client: httpx.AsyncClient, session: dict[str, Any]) -> bool:
    return (await client.post("/auth/refresh", json={"refresh_token": session["refresh_token"]})).is_success


async def test_a_new_password_ends_every_other_session_and_keeps_this_one(
    client: httpx.AsyncClient, person: Person, log_in: LogIn, supabase: Supabase, audit_events: AuditEvents
) -> None:
    here, there = await log_in(person), await log_in(person)
    assert (await change_password(client, here, person.password)).status_code == 204
    assert await is_alive(client, here)
    assert not await is_alive(client, there)
    sessions = await supabase.database.admin("select from auth.sessions where user_id = $1", person.id)
    assert len(sessions) == 1
    assert (await client.post("/auth/login", json=person.credentials)).status_code == 401
    assert (await client.post("/auth/login", json=person.credentials | {"password": NEW})).status_code == 200
    assert "password.changed" in await audit_events()


async def test_without_the_current_password_nothing_changes(
    client: httpx.AsyncClient, person: Person, log_in: LogIn
) -> None:
    here, there = await log_in(person), await log_in(person)
    refused = await change_password(client, here, "a guess")
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:ava:problem:wrong-password")
    assert await is_alive(client, there)
    assert (await client.post("/auth/login", json=person.credentials)).status_code == 200


async def test_checking_the_password_leaves_no_session_behind(
    client: httpx.AsyncClient, person: Person, log_in: LogIn, supabase: Supabase
) -> None:
    here = await log_in(person)
    for new, status in ((person.password, 422), ("password", 422), (NEW, 204)):
        assert (await change_password(client, here, person.password, new)).status_code == status
    sessions = await supabase.database.admin("select from auth.sessions where user_id = $1", person.id)
    assert len(sessions) == 1


async def test_the_current_password_cannot_be_guessed_with_a_stolen_session(
    open_service: OpenService, person: Person, log_in: LogIn
) -> None:
    session = await log_in(person)
    async with open_service(account_attempts=2) as client:
        answers = [await change_password(client, session, "guess") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [403, 403, 403, 429]
        assert (await delete_account(client, session, person.password)).status_code == 429


@pytest.mark.parametrize("scope", ["local", "global"])
async def test_an_ended_session_cannot_change_delete_or_export_anything(
    client: httpx.AsyncClient, person: Person, log_in: LogIn, scope: str
) -> None:
    session = await log_in(person)
    await client.post("/auth/logout", params={"scope": scope}, headers=bearer(session))
    answers = [
        await change_password(client, session, person.password),
        await delete_account(client, session, person.password),
        await client.get("/auth/export", headers=bearer(session)),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["type"]) == (401, "urn:ava:problem:session-ended")
    assert (await client.post("/auth/login", json=person.credentials)).status_code == 200


async def test_an_account_is_deleted_with_all_its_data(
    client: httpx.AsyncClient, person: Person, log_in: LogIn, supabase: Supabase, audit_events: AuditEvents
) -> None:
    session, other = await log_in(person), (await supabase.people())[0]
    for one in (person, other):
        await supabase.database.admin(
            "insert into public.avatars (user_id, name, age, personality, physical_description)"
            " values ($1, 'Mira', 27, 'witty', '')",
            one.id,
        )
        await supabase.database.admin(
            "insert into public.messages (user_id, channel, role, content) values ($1, 'app', 'user', 'hi')",
            one.id,
        )
    gone = await delete_account(client, session, person.password)
    assert (gone.status_code, gone.content) == (204, b"")
    for question in (
        "select from auth.users where id = $1",
        "select from auth.sessions where user_id = $1",
        "select from public.users where id = $1",
        "select from public.avatars where user_id = $1",
        "select from public.messages where user_id = $1",
    ):
        assert await supabase.database.admin(question, person.id) == []
    assert len(await supabase.database.admin("select from public.messages where user_id = $1", other.id)) == 1
    assert (await client.post("/auth/login", json=person.credentials)).status_code == 401
    assert "account.deleted" in await audit_events()
    assert not await is_alive(client, session)


async def test_deleting_needs_the_password(client: httpx.AsyncClient, person: Person, log_in: LogIn) -> None:
    session = await log_in(person)
    assert (await delete_account(client, session, "a guess")).status_code == 403
    assert (await client.post("/auth/login", json=person.credentials)).status_code == 200


async def test_of_several_deletions_at_once_each_is_told_the_truth(
    client: httpx.AsyncClient, supabase: Supabase, log_in: LogIn, database: Database
) -> None:
    for person in await supabase.people(3):
        session = await log_in(person)
        answers = await asyncio.gather(*(delete_account(client, session, person.password) for _ in range(4)))
        told = {(one.status_code, one.json()["type"] if one.content else "") for one in answers}
        assert (204, "") in told
        assert told <= {(204, ""), (401, "urn:ava:problem:account-gone")}
        left = "select subject from accounts.attempts where subject like '%' || $1 || '%'"
        assert await database.admin(left, str(person.id)) == []


async def test_a_new_password_for_an_account_that_is_being_deleted_is_told_the_truth(
    client: httpx.AsyncClient, supabase: Supabase, log_in: LogIn
) -> None:
    for person in await supabase.people(3):
        session = await log_in(person)
        gone, changed = await asyncio.gather(
            delete_account(client, session, person.password),
            change_password(client, session, person.password),
        )
        if gone.status_code == 204 and changed.status_code != 204:
            assert changed.json()["type"] == "urn:ava:problem:account-gone"
        else:
            assert (gone.status_code, changed.status_code) in ((204, 204), (403, 204), (401, 204))
