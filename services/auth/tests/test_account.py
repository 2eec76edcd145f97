"""Change the password, leave with everything, take everything along."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import orjson
import pytest

from .conftest import LogIn, OpenService, Person, bearer
from .fake_peers import Neighbours, running_neighbours

NEW = "another-lantern-3"
Trail = Callable[[], Awaitable[list[str]]]


async def change(
    client: httpx.AsyncClient, session: dict[str, Any], current: str, new: str = NEW
) -> httpx.Response:
    body = {"current_password": current, "new_password": new}
    return await client.put("/auth/password", json=body, headers=bearer(session))


async def leave(client: httpx.AsyncClient, session: dict[str, Any], password: str) -> httpx.Response:
    return await client.request(
        "DELETE", "/auth/account", json={"password": password}, headers=bearer(session)
    )


async def lives(client: httpx.AsyncClient, session: dict[str, Any]) -> bool:
    return (await client.post("/auth/refresh", json={"refresh_token": session["refresh_token"]})).is_success


async def test_a_new_password_ends_every_other_session_and_keeps_this_one(
    client: httpx.AsyncClient, person: Person, log_in: LogIn, supabase: Any, trail: Trail
) -> None:
    here, there = await log_in(person), await log_in(person)
    assert (await change(client, here, person.password)).status_code == 204
    assert await lives(client, here)
    assert not await lives(client, there)
    sessions = await supabase.database.admin("select from auth.sessions where user_id = $1", person.id)
    assert len(sessions) == 1
    assert (await client.post("/auth/login", json=person.credentials)).status_code == 401
    assert (await client.post("/auth/login", json=person.credentials | {"password": NEW})).status_code == 200
    assert "password.changed" in await trail()


async def test_without_the_current_password_nothing_changes(
    client: httpx.AsyncClient, person: Person, log_in: LogIn
) -> None:
    here, there = await log_in(person), await log_in(person)
    refused = await change(client, here, "a guess of mine")
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:ava:problem:wrong-password")
    assert await lives(client, there)
    assert (await client.post("/auth/login", json=person.credentials)).status_code == 200


async def test_proving_the_password_leaves_no_session_behind(
    client: httpx.AsyncClient, person: Person, log_in: LogIn, supabase: Any
) -> None:
    here = await log_in(person)
    for new, status in ((person.password, 422), ("password", 422), (NEW, 204)):
        assert (await change(client, here, person.password, new)).status_code == status
    sessions = await supabase.database.admin("select from auth.sessions where user_id = $1", person.id)
    assert len(sessions) == 1


async def test_the_current_password_cannot_be_guessed_with_a_stolen_session(
    open_service: OpenService, person: Person, log_in: LogIn
) -> None:
    session = await log_in(person)
    async with open_service(account_attempts=2) as client:
        answers = [await change(client, session, "guess") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [403, 403, 403, 429]
        assert (await leave(client, session, person.password)).status_code == 429


@pytest.mark.parametrize("scope", ["local", "global"])
async def test_an_ended_session_changes_deletes_and_exports_nothing(
    client: httpx.AsyncClient, person: Person, log_in: LogIn, scope: str
) -> None:
    session = await log_in(person)
    await client.post("/auth/logout", params={"scope": scope}, headers=bearer(session))
    answers = [
        await change(client, session, person.password),
        await leave(client, session, person.password),
        await client.get("/auth/export", headers=bearer(session)),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["type"]) == (401, "urn:ava:problem:session-ended")
    assert (await client.post("/auth/login", json=person.credentials)).status_code == 200


async def test_an_account_is_deleted_with_all_that_is_its(
    client: httpx.AsyncClient, person: Person, log_in: LogIn, supabase: Any, trail: Trail
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
    gone = await leave(client, session, person.password)
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
    assert "account.deleted" in await trail()
    assert not await lives(client, session)


async def test_deleting_needs_the_password(client: httpx.AsyncClient, person: Person, log_in: LogIn) -> None:
    session = await log_in(person)
    assert (await leave(client, session, "a guess")).status_code == 403
    assert (await client.post("/auth/login", json=person.credentials)).status_code == 200


@pytest.fixture
async def neighbours() -> AsyncIterator[Neighbours]:
    async with running_neighbours() as running:
        yield running


async def export(open_service: OpenService, neighbours: Neighbours, person: Person) -> httpx.Response:
    async with open_service(profile_url=neighbours.url, messaging_url=neighbours.url) as client:
        session = (await client.post("/auth/login", json=person.credentials)).json()
        return await client.get("/auth/export", headers=bearer(session))


async def test_everything_of_mine_comes_as_one_file_asked_with_my_own_token(
    open_service: OpenService, neighbours: Neighbours, person: Person
) -> None:
    answer = await export(open_service, neighbours, person)
    assert answer.headers["content-disposition"] == 'attachment; filename="ava.json"'
    file = orjson.loads(answer.content)
    assert (file["account"]["id"], file["account"]["email"]) == (str(person.id), person.email)
    assert file["avatar"] == {"name": "Mira"}
    assert file["preferences"] == {"whatsapp_phone": None}
    assert [message["content"] for message in file["messages"]] == ["hello", "line\nbreak"]
    assert "login.succeeded" in [event["event"] for event in file["security_events"]]
    assert len(set(neighbours.tokens)) == 1


async def test_somebody_without_an_avatar_can_export_too(
    open_service: OpenService, neighbours: Neighbours, person: Person
) -> None:
    neighbours.avatar = False
    assert orjson.loads((await export(open_service, neighbours, person)).content)["avatar"] is None


@pytest.mark.parametrize("away", ["/profile/avatar", "/profile/preferences", "/messages/export"])
async def test_a_room_that_is_away_delays_the_export_instead_of_thinning_it(
    open_service: OpenService, neighbours: Neighbours, person: Person, away: str
) -> None:
    neighbours.away = away
    refused = await export(open_service, neighbours, person)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")


async def test_half_a_file_never_looks_whole(
    open_service: OpenService, neighbours: Neighbours, person: Person
) -> None:
    neighbours.broken = True
    with pytest.raises(httpx.HTTPError):
        await export(open_service, neighbours, person)
