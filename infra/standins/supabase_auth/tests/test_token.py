"""Logging in with a password, and what the access token then contains."""

import asyncio

import jwt
import pytest

from ava_local.testing.databases import Database

from .conftest import PASSWORD, PUBLISHABLE, MakeStandin, Person, Project, assert_refused, new_email


async def test_a_login_answers_tokens_and_the_user(project: Project) -> None:
    person = await project.person(user_metadata={"name": "Ada"})
    answer = await project.login(person)
    said = answer.json()
    assert answer.status_code == 200
    assert (said["token_type"], said["user"]["id"]) == ("bearer", person.id)
    assert said["user"]["last_sign_in_at"].endswith("Z")
    assert said["user"]["app_metadata"] == {"provider": "email", "providers": ["email"]}
    assert said["user"]["identities"][0]["provider"] == "email"
    assert len(said["refresh_token"]) >= 12
    for secret in ("encrypted_password", "confirmation_token", "is_sso_user", "instance_id"):
        assert secret not in answer.text


async def test_an_access_token_carries_the_documented_claims(project: Project) -> None:
    person = await project.person()
    said = await project.tokens(person)
    claims = jwt.decode(said["access_token"], options={"verify_signature": False})
    assert {"iss", "aud", "sub", "exp", "iat", "email", "phone", "app_metadata", "user_metadata", "role",
            "aal", "amr", "session_id", "is_anonymous"} <= set(claims)  # fmt: skip
    assert (claims["aud"], claims["role"], claims["sub"]) == ("authenticated", "authenticated", person.id)
    assert (claims["email"], claims["phone"], claims["aal"]) == (person.email, "", "aal1")
    assert claims["amr"][0]["method"] == "password"
    assert abs(claims["exp"] - said["expires_at"]) <= 1
    assert "jti" not in claims


async def test_a_wrong_password_and_an_unknown_address_get_the_same_error(project: Project) -> None:
    person = await project.person()
    wrong = await project.login(person, "not it")
    unknown = await project.login(Person("", new_email()))
    assert_refused(wrong, 400, "invalid_credentials")
    assert wrong.json() == unknown.json()


@pytest.mark.parametrize(
    ("grant", "body", "code"),
    [
        ("password", {}, "validation_failed"),
        ("password", {"email": "a@b.example", "phone": "+491", "password": "x"}, "validation_failed"),
        ("id_token_of_mars", {}, "invalid_credentials"),
        ("", {}, "invalid_credentials"),
    ],
)
async def test_a_grant_without_what_it_needs_is_refused(
    project: Project, grant: str, body: dict[str, str], code: str
) -> None:
    assert_refused(await project.call("POST", f"/token?grant_type={grant}", body), 400, code)


async def test_the_address_is_found_in_any_case(project: Project) -> None:
    person = await project.person()
    assert (await project.login(Person("", person.email.upper()))).status_code == 200


async def test_only_the_right_password_learns_that_the_address_is_unconfirmed(project: Project) -> None:
    person = await project.person(email_confirm=False)
    assert_refused(await project.login(person, "not it"), 400, "invalid_credentials")
    assert_refused(await project.login(person), 400, "email_not_confirmed")


async def test_a_ban_is_reported_before_the_password_is_checked(project: Project) -> None:
    person = await project.person(ban_duration="24h")
    assert_refused(await project.login(person, "not it"), 400, "user_banned")
    await project.admin("PUT", f"/users/{person.id}", {"ban_duration": "none"})
    assert (await project.login(person)).status_code == 200


async def test_a_now_weak_password_still_logs_in_and_is_reported(project: Project) -> None:
    person = await project.person(password="abc")
    said = await project.tokens(person)
    assert said["weak_password"]["reasons"] == ["length"]
    assert said["access_token"]


async def test_logins_can_be_closed(make_standin: MakeStandin) -> None:
    project = await make_standin(email_enabled=False)
    assert_refused(await project.login(Person("", new_email())), 422, "email_provider_disabled")


async def test_a_session_remembers_browser_and_address(make_standin: MakeStandin, database: Database) -> None:
    project = await make_standin()
    person = await project.person()
    await project.login(person, user_agent="A browser", x_forwarded_for="203.0.113.9, 10.0.0.1")
    rows = await database.admin("select user_agent, host(ip) as ip from auth.sessions")
    assert (rows[0]["user_agent"], rows[0]["ip"]) == ("A browser", "203.0.113.9")


@pytest.mark.parametrize("hops", ["fe80::1%eth0", "unknown, 2001:db8::7", "x" * 300])
async def test_no_forwarded_address_is_too_odd(make_standin: MakeStandin, hops: str) -> None:
    project = await make_standin()
    assert (await project.login(await project.person(), x_forwarded_for=hops)).status_code == 200


async def test_many_at_once_share_a_few_database_connections(
    make_standin: MakeStandin, database: Database
) -> None:
    project = await make_standin()
    person = await project.person()
    answers = await asyncio.gather(*(project.login(person) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    backends = (
        "select from pg_stat_activity where datname = current_database() and usename like 'supabase_auth%'"
    )
    assert 1 <= len(await database.admin(backends)) <= 4


async def test_checking_passwords_never_holds_up_other_requests(make_standin: MakeStandin) -> None:
    project = await make_standin()
    person = await project.person()
    logins = [asyncio.create_task(project.login(person)) for _ in range(8)]
    await asyncio.sleep(0)
    assert (await project.http.get("/auth/v1/health", headers={"apikey": PUBLISHABLE})).status_code == 200
    assert sum(task.done() for task in logins) < len(logins), "health waited for every login"
    assert {answer.status_code for answer in await asyncio.gather(*logins)} == {200}


async def test_bcrypt_hashes_made_elsewhere_log_in(project: Project) -> None:
    made = "$2y$10$92IXUNpkjO0rOQ5byMi.Ye4oKoEa3Ro9llC/.og/at2.uheWG/igi"  # "password", a well-known example
    email = new_email()
    answer = await project.admin(
        "POST", "/users", {"email": email, "password_hash": made.replace("$2y", "$2a"), "email_confirm": True}
    )
    assert answer.status_code == 200, answer.text
    project.created_ids.append(answer.json()["id"])
    assert (await project.login(Person("", email, "password"))).status_code == 200
    assert (await project.login(Person("", email, PASSWORD))).status_code == 400
