"""Refresh tokens: rotation, the reuse matrix, revoking a family, the age of a session."""

import asyncio

import asyncpg
import jwt
import pytest

from ava_local.testing.databases import Database

from .conftest import MakeStandin, Project, assert_refused

USED = "refresh_token_already_used"


async def age_tokens(database: Database, seconds: int = 11) -> None:
    """Let the default reuse interval of ten seconds pass."""
    query = "update auth.refresh_tokens set updated_at = updated_at - make_interval(secs => $1)"
    await database.admin(query, seconds)


async def test_a_refresh_gives_new_tokens_of_the_same_session(project: Project) -> None:
    first = await project.tokens(await project.person())
    answer = await project.refresh(first["refresh_token"])
    second = answer.json()
    assert answer.status_code == 200
    assert second["refresh_token"] != first["refresh_token"]
    sessions = [
        jwt.decode(said["access_token"], options={"verify_signature": False})["session_id"]
        for said in (first, second)
    ]
    assert sessions[0] == sessions[1]
    assert second["user"]["id"] == first["user"]["id"]
    assert answer.headers["sb-auth-session-id"] == sessions[0]


@pytest.mark.parametrize("token", ["", "short", "UPPERCASE123", "with-dash-12", "x" * 40])
async def test_a_malformed_token_is_reported_as_malformed(project: Project, token: str) -> None:
    assert_refused(await project.refresh(token), 400, "validation_failed")


async def test_an_unknown_token_is_not_found(project: Project) -> None:
    assert_refused(await project.refresh("abcdefghijkl"), 400, "refresh_token_not_found")


async def test_the_parent_of_the_active_token_gets_the_active_one_again(project: Project) -> None:
    first = await project.tokens(await project.person())
    second = (await project.refresh(first["refresh_token"])).json()
    again = await project.refresh(first["refresh_token"])
    assert again.status_code == 200
    assert again.json()["refresh_token"] == second["refresh_token"]


async def test_the_parent_may_come_back_however_late(make_standin: MakeStandin, database: Database) -> None:
    project = await make_standin()
    first = await project.tokens(await project.person())
    second = (await project.refresh(first["refresh_token"])).json()
    await age_tokens(database, 3600)
    again = await project.refresh(first["refresh_token"])
    assert again.json()["refresh_token"] == second["refresh_token"]


async def test_inside_the_interval_an_older_token_may_be_used_again(project: Project) -> None:
    first = await project.tokens(await project.person())
    second = (await project.refresh(first["refresh_token"])).json()
    await project.refresh(second["refresh_token"])
    assert (await project.refresh(first["refresh_token"])).status_code == 200


async def test_after_the_interval_an_older_token_revokes_the_family(
    make_standin: MakeStandin, database: Database
) -> None:
    project = await make_standin()
    first = await project.tokens(await project.person())
    second = (await project.refresh(first["refresh_token"])).json()
    third = (await project.refresh(second["refresh_token"])).json()
    await age_tokens(database)
    assert_refused(await project.refresh(first["refresh_token"]), 400, USED)
    active = await database.admin("select count(*) as n from auth.refresh_tokens where not revoked")
    assert active[0]["n"] == 0
    await age_tokens(database)
    assert_refused(await project.refresh(third["refresh_token"]), 400, USED)


async def test_revoking_a_family_touches_no_other_session(
    make_standin: MakeStandin, database: Database
) -> None:
    project = await make_standin()
    person = await project.person()
    other, first = await project.tokens(person), await project.tokens(person)
    second = (await project.refresh(first["refresh_token"])).json()
    await project.refresh(second["refresh_token"])
    await age_tokens(database)
    assert_refused(await project.refresh(first["refresh_token"]), 400, USED)
    assert (await project.refresh(other["refresh_token"])).status_code == 200


async def test_the_session_row_outlives_its_family(make_standin: MakeStandin, database: Database) -> None:
    project = await make_standin()
    first = await project.tokens(await project.person())
    second = (await project.refresh(first["refresh_token"])).json()
    third = (await project.refresh(second["refresh_token"])).json()
    await age_tokens(database)
    await project.refresh(first["refresh_token"])
    assert (await project.user(third["access_token"])).status_code == 200, "v1 tokens leave the session row"


async def test_without_rotation_a_reuse_is_refused_but_the_family_lives(
    make_standin: MakeStandin, database: Database
) -> None:
    project = await make_standin(refresh_token_rotation=False)
    first = await project.tokens(await project.person())
    second = (await project.refresh(first["refresh_token"])).json()
    third = (await project.refresh(second["refresh_token"])).json()
    await age_tokens(database)
    assert_refused(await project.refresh(first["refresh_token"]), 400, USED)
    assert (await project.refresh(third["refresh_token"])).status_code == 200


async def test_two_tabs_at_once_end_up_with_the_same_token(project: Project) -> None:
    first = await project.tokens(await project.person())
    answers = await asyncio.gather(*(project.refresh(first["refresh_token"]) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1


async def test_a_banned_user_cannot_refresh(project: Project) -> None:
    person = await project.person()
    said = await project.tokens(person)
    await project.admin("PUT", f"/users/{person.id}", {"ban_duration": "1h30m"})
    assert_refused(await project.refresh(said["refresh_token"]), 400, "user_banned")


async def test_a_deleted_user_cannot_refresh(project: Project) -> None:
    person = await project.person()
    said = await project.tokens(person)
    await project.admin("DELETE", f"/users/{person.id}")
    assert_refused(await project.refresh(said["refresh_token"]), 400, "refresh_token_not_found")


async def test_an_ended_session_cannot_be_refreshed(project: Project) -> None:
    said = await project.tokens(await project.person())
    await project.call("POST", "/logout?scope=local", token=said["access_token"])
    assert_refused(await project.refresh(said["refresh_token"]), 400, "refresh_token_not_found")


async def test_a_locked_session_is_a_conflict_after_the_timeout(
    make_standin: MakeStandin, database: Database
) -> None:
    project = await make_standin()
    said = await project.tokens(await project.person())
    holder = await asyncpg.connect(database.url("supabase_auth_admin"))
    try:
        async with holder.transaction():
            await holder.execute("select from auth.refresh_tokens for update")
            assert_refused(await project.refresh(said["refresh_token"]), 409, "conflict")
    finally:
        await holder.close()


@pytest.mark.parametrize("setting", ["sessions_timebox", "sessions_inactivity_timeout"])
async def test_a_session_too_old_or_too_idle_has_expired(
    make_standin: MakeStandin, database: Database, setting: str
) -> None:
    project = await make_standin(**{setting: 3600})
    said = await project.tokens(await project.person())
    said = (await project.refresh(said["refresh_token"])).json()
    await database.admin(
        """update auth.sessions set created_at = now() - interval '2 hours',
             refreshed_at = refreshed_at - interval '2 hours'"""
    )
    assert_refused(await project.refresh(said["refresh_token"]), 400, "session_expired")


async def test_a_newer_login_may_end_the_older_session(make_standin: MakeStandin) -> None:
    project = await make_standin(sessions_single_per_user=True)
    person = await project.person()
    older, newer = await project.tokens(person), await project.tokens(person)
    assert_refused(await project.refresh(older["refresh_token"]), 400, "session_expired")
    assert (await project.refresh(newer["refresh_token"])).status_code == 200


async def test_a_parent_is_null_and_never_empty(make_standin: MakeStandin, database: Database) -> None:
    project = await make_standin()
    said = await project.tokens(await project.person())
    await project.refresh(said["refresh_token"])
    rows = await database.admin("select token, parent from auth.refresh_tokens order by id")
    assert rows[0]["parent"] is None
    assert rows[1]["parent"] == rows[0]["token"]
