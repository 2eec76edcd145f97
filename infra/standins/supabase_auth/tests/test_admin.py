"""What the secret key may do with accounts."""

from uuid import uuid4

import pytest

from ava_local.testing.databases import Database

from .conftest import PASSWORD, MakeStandin, Project, assert_refused, new_email


async def test_an_account_is_made_and_read(project: Project) -> None:
    wanted_id = str(uuid4())
    person = await project.person(id=wanted_id, user_metadata={"a": 1}, app_metadata={"plan": "free"})
    said = (await project.admin("GET", f"/users/{person.id}")).json()
    assert said["id"] == wanted_id
    assert said["user_metadata"] == {"a": 1, "email_verified": True}
    assert said["app_metadata"] == {"provider": "email", "providers": ["email"], "plan": "free"}
    assert said["identities"][0]["user_id"] == wanted_id


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "no address"},
        {"email": "a@b.example", "id": "7"},
        {"email": "a@b.example", "id": "00000000-0000-0000-0000-000000000000"},
        {"email": "a@b.example", "password": "x", "password_hash": "y"},
        {"email": "a@b.example", "ban_duration": "soon"},
        {"email": "a@b.example", "password": "x" * 73},
    ],
)
async def test_an_account_that_makes_no_sense_is_refused(project: Project, body: dict[str, str]) -> None:
    assert_refused(await project.admin("POST", "/users", body), 400, "validation_failed")


async def test_a_taken_address_is_refused(project: Project) -> None:
    person = await project.person()
    again = await project.admin("POST", "/users", {"email": person.email.upper(), "password": PASSWORD})
    assert_refused(again, 422, "email_exists")


async def test_no_password_rule_applies_to_making_but_to_changing(project: Project) -> None:
    person = await project.person(password="x")
    answer = await project.admin("PUT", f"/users/{person.id}", {"password": "y"})
    assert_refused(answer, 422, "weak_password")


async def test_without_password_nobody_can_log_in(project: Project) -> None:
    person = await project.person(password=None)
    assert_refused(await project.login(person, PASSWORD), 400, "invalid_credentials")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_an_unknown_or_malformed_id_is_not_found(project: Project, method: str) -> None:
    body: dict[str, str] | None = {} if method == "PUT" else None
    assert_refused(await project.admin(method, "/users/me", body), 404, "validation_failed")
    assert_refused(await project.admin(method, f"/users/{uuid4()}", body), 404, "user_not_found")


async def test_a_new_password_ends_every_session(project: Project) -> None:
    person = await project.person()
    token = (await project.tokens(person))["access_token"]
    await project.admin("PUT", f"/users/{person.id}", {"password": "a new password"})
    assert_refused(await project.user(token), 403, "session_not_found")
    assert (await project.login(person, "a new password")).status_code == 200


async def test_address_role_and_metadata_change(project: Project) -> None:
    person, email = await project.person(user_metadata={"a": 1}), new_email()
    wanted = {"email": email, "email_confirm": True, "user_metadata": {"a": None, "b": 2}, "role": "editor"}
    said = (await project.admin("PUT", f"/users/{person.id}", wanted)).json()
    assert (said["email"], said["role"]) == (email, "editor")
    assert said["user_metadata"] == {"b": 2, "email_verified": True}
    assert said["identities"][0]["identity_data"]["email"] == email


@pytest.mark.parametrize(("duration", "banned"), [("24h", True), ("1h30m", True), ("none", False)])
async def test_a_ban_has_an_end(project: Project, duration: str, banned: bool) -> None:
    person = await project.person(ban_duration="1h")
    said = (await project.admin("PUT", f"/users/{person.id}", {"ban_duration": duration})).json()
    assert ("banned_until" in said) is banned


async def test_a_deleted_account_is_gone_and_its_address_free(project: Project) -> None:
    person = await project.person()
    answer = await project.admin("DELETE", f"/users/{person.id}")
    assert (answer.status_code, answer.json()) == (200, {})
    assert_refused(await project.admin("GET", f"/users/{person.id}"), 404, "user_not_found")
    assert (await project.person(person.email)).id != person.id


async def test_a_soft_deletion_leaves_an_empty_shell(project: Project) -> None:
    person = await project.person(user_metadata={"a": 1})
    token = (await project.tokens(person))["access_token"]
    for _ in range(2):
        await project.admin("DELETE", f"/users/{person.id}", {"should_soft_delete": True})
    said = (await project.admin("GET", f"/users/{person.id}")).json()
    assert said["deleted_at"]
    assert person.email not in str(said)
    assert (said["user_metadata"], said["app_metadata"]) == ({}, {})
    assert_refused(await project.user(token), 403, "session_not_found")
    assert_refused(await project.login(person), 400, "invalid_credentials")
    assert (await project.person(person.email)).id != person.id


async def test_deleting_an_account_takes_its_rows_along(
    make_standin: MakeStandin, database: Database
) -> None:
    project = await make_standin()
    person = await project.person()
    await project.tokens(person)
    await project.admin("DELETE", f"/users/{person.id}")
    for table in ("auth.users", "auth.identities", "auth.sessions", "auth.refresh_tokens", "public.users"):
        assert await database.admin(f"table {table}") == [], table


async def test_accounts_come_in_pages_newest_first(make_standin: MakeStandin) -> None:
    project = await make_standin()
    made = [await project.person() for _ in range(5)]
    answer = await project.admin("GET", "/users?page=2&per_page=2")
    said = answer.json()
    assert [user["id"] for user in said["users"]] == [made[2].id, made[1].id]
    assert said["aud"] == "authenticated"
    assert said["users"][0]["identities"] is None
    assert answer.headers["x-total-count"] == "5"
    assert 'page=3&per_page=2>; rel="next"' in answer.headers["link"]
    assert 'page=3&per_page=2>; rel="last"' in answer.headers["link"]
    oldest = await project.admin("GET", "/users?per_page=1&sort=created_at%20asc")
    assert oldest.json()["users"][0]["id"] == made[0].id


async def test_a_filter_finds_parts_of_an_address(project: Project) -> None:
    person = await project.person()
    found = (await project.admin("GET", f"/users?filter={person.email.split('@')[0]}")).json()["users"]
    assert [user["id"] for user in found] == [person.id]


@pytest.mark.parametrize("query", ["page=x", "per_page=-1", "sort=email", "sort=created_at%20up"])
async def test_a_page_that_makes_no_sense_is_refused(project: Project, query: str) -> None:
    assert_refused(await project.admin("GET", f"/users?{query}"), 400, "validation_failed")


async def test_a_generated_link_carries_what_a_mail_would(project: Project) -> None:
    person = await project.person()
    said = await project.link("magiclink", person.email)
    assert said["id"] == person.id
    assert said["verification_type"] == "magiclink"
    assert said["hashed_token"] in said["action_link"]
    assert len(said["email_otp"]) >= 6
    assert said["redirect_to"]


async def test_a_magic_link_makes_the_person_it_does_not_find(project: Project) -> None:
    said = await project.link("magiclink", new_email())
    assert said["verification_type"] == "signup"
    assert "email_confirmed_at" not in said


async def test_an_invitation_makes_a_person_without_password(project: Project) -> None:
    email = new_email()
    said = await project.link("invite", email, data={"by": "us"})
    assert said["invited_at"]
    proof = {"type": "invite", "token_hash": said["hashed_token"]}
    assert (await project.call("POST", "/verify", proof)).json()["user"]["id"] == said["id"]


@pytest.mark.parametrize(
    ("kind", "known", "status", "code"),
    [
        ("recovery", False, 404, "user_not_found"),
        ("email_change_new", False, 404, "user_not_found"),
        ("signup", True, 422, "email_exists"),
        ("invite", True, 422, "email_exists"),
        ("mars", True, 400, "validation_failed"),
    ],
)
async def test_a_link_that_cannot_be(
    project: Project, kind: str, known: bool, status: int, code: str
) -> None:
    email = (await project.person()).email if known else new_email()
    wanted = {"type": kind, "email": email, "password": PASSWORD, "new_email": new_email()}
    assert_refused(await project.admin("POST", "/generate_link", wanted), status, code)
