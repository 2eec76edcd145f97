"""Signing up: the order of the checks, and what new, known and unconfirmed addresses get."""

import asyncio

import httpx
import pytest

from ava_local.testing.databases import Database

from .conftest import PASSWORD, MakeStandin, Project, assert_refused, new_email

USER_ALWAYS = {
    "id", "aud", "role", "email", "phone", "app_metadata", "user_metadata", "identities",
    "created_at", "updated_at", "is_anonymous",
}  # fmt: skip


async def sign_up(project: Project, email: str, password: str = PASSWORD, **more: object) -> httpx.Response:
    return await project.call("POST", "/signup", {"email": email, "password": password, **more})


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "anonymous_provider_disabled"),
        ({"password": PASSWORD}, 422, "anonymous_provider_disabled"),
        ({"email": "a@b.example"}, 400, "validation_failed"),
        ({"email": "no address", "password": "abc"}, 422, "weak_password"),
        ({"email": "no address", "password": PASSWORD}, 400, "validation_failed"),
        ({"email": "a@b@c.example", "password": PASSWORD}, 400, "validation_failed"),
        ({"email": f"{'x' * 250}@b.example", "password": PASSWORD}, 400, "validation_failed"),
        ({"email": "a@b.example", "password": "x" * 73}, 400, "validation_failed"),
        ({"email": "a@b.example", "password": "ü" * 37}, 400, "validation_failed"),
        ({"email": "a@b.example", "phone": "+491", "password": PASSWORD}, 400, "validation_failed"),
        ({"phone": "+4915112345678", "password": PASSWORD}, 400, "phone_provider_disabled"),
        ({"email": "a@b.example", "password": PASSWORD, "code_challenge": "x"}, 400, "validation_failed"),
    ],
)
async def test_a_bad_sign_up_is_refused(
    project: Project, body: dict[str, str], status: int, code: str
) -> None:
    assert_refused(await project.call("POST", "/signup", body), status, code)


async def test_with_autoconfirm_a_new_address_is_logged_in(make_standin: MakeStandin) -> None:
    project, email = await make_standin(), new_email()
    answer = await sign_up(project, email.upper(), data={"name": "Ada"})
    said = answer.json()
    assert answer.status_code == 200
    assert said["token_type"] == "bearer"
    assert said["expires_in"] == 3600
    assert set(said) == {"access_token", "token_type", "expires_in", "expires_at", "refresh_token", "user"}
    assert said["user"]["email"] == email
    assert said["user"]["email_confirmed_at"]
    assert said["user"]["user_metadata"]["name"] == "Ada"
    assert said["user"]["user_metadata"]["email_verified"] is True
    assert answer.headers["sb-auth-user-id"] == said["user"]["id"]
    assert (await project.user(said["access_token"])).status_code == 200


async def test_with_autoconfirm_a_known_address_is_named_as_known(make_standin: MakeStandin) -> None:
    project = await make_standin()
    person = await project.person()
    assert_refused(await sign_up(project, person.email), 422, "user_already_exists")


async def test_with_autoconfirm_an_unconfirmed_account_can_be_taken_over(make_standin: MakeStandin) -> None:
    project = await make_standin()
    person = await project.person(email_confirm=False)
    said = (await sign_up(project, person.email, "another password")).json()
    assert said["user"]["id"] == person.id
    assert said["access_token"]
    assert (await project.login(person)).status_code == 200, "the first password stays"


async def test_with_confirmation_a_new_address_is_a_user_without_tokens(make_standin: MakeStandin) -> None:
    project, email = await make_standin(mailer_autoconfirm=False), new_email()
    said = (await sign_up(project, email)).json()
    assert "access_token" not in said
    assert set(said) >= USER_ALWAYS
    assert said["confirmation_sent_at"]
    assert len(said["identities"]) == 1
    assert said["role"] == "authenticated"
    assert [mail["type"] for mail in await project.mails(email)] == ["signup"]


async def test_with_confirmation_a_known_address_gets_a_made_up_user(make_standin: MakeStandin) -> None:
    project = await make_standin(mailer_autoconfirm=False)
    person = await project.person()
    said = (await sign_up(project, person.email, data={"from": "a stranger"})).json()
    assert said["id"] != person.id
    assert said["identities"] == []
    assert said["role"] == ""
    assert said["user_metadata"] == {"from": "a stranger"}
    assert said["confirmation_sent_at"]
    for name in ("email_confirmed_at", "confirmed_at", "last_sign_in_at"):
        assert name not in said
    assert await project.mails(person.email) == []


async def test_the_made_up_user_is_as_imperfect_as_upstream(make_standin: MakeStandin) -> None:
    project = await make_standin(mailer_autoconfirm=False)
    person = await project.person()
    await project.call("POST", "/recover", {"email": person.email})
    assert "recovery_sent_at" in (await sign_up(project, person.email)).json()


async def test_with_confirmation_an_unconfirmed_address_is_mailed_again(
    make_standin: MakeStandin, database: Database
) -> None:
    project, email = await make_standin(mailer_autoconfirm=False), new_email()
    first = (await sign_up(project, email, data={"by": "the first"})).json()
    assert_refused(await sign_up(project, email), 429, "over_email_send_rate_limit")
    await database.admin("update auth.users set confirmation_sent_at = now() - interval '61 seconds'")
    again = (await sign_up(project, email, "another password", data={"by": "the second"})).json()
    assert again["id"] == first["id"]
    assert again["user_metadata"]["by"] == "the first"
    assert len(await project.mails(email)) == 2


async def test_the_wait_for_another_mail_is_given_in_seconds(make_standin: MakeStandin) -> None:
    project, email = await make_standin(mailer_autoconfirm=False), new_email()
    await sign_up(project, email)
    said = (await sign_up(project, email)).json()["message"]
    assert said.startswith("For security purposes, you can only request this after ")
    assert said.endswith(" seconds.")


async def test_sign_ups_can_be_closed(make_standin: MakeStandin) -> None:
    project = await make_standin(disable_signup=True)
    assert_refused(await sign_up(project, new_email()), 422, "signup_disabled")
    assert_refused(await sign_up(project, new_email(), "abc"), 422, "signup_disabled")


async def test_password_rules_name_every_reason(make_standin: MakeStandin) -> None:
    project = await make_standin(password_min_length=10, password_required_characters="abc:0123456789")
    said = (await sign_up(project, new_email(), "xyz")).json()
    assert said["weak_password"]["reasons"] == ["length", "characters"]
    assert (await sign_up(project, new_email(), "abcdefghij1")).status_code == 200


async def test_no_setting_allows_less_than_six_characters(make_standin: MakeStandin) -> None:
    assert_refused(
        await sign_up(await make_standin(password_min_length=1), new_email(), "12345"), 422, "weak_password"
    )


async def test_one_address_at_the_same_moment_makes_one_account(
    make_standin: MakeStandin, database: Database
) -> None:
    project, email = await make_standin(), new_email()
    answers = await asyncio.gather(*(sign_up(project, email) for _ in range(6)))
    assert sum(answer.status_code == 200 for answer in answers) >= 1
    assert {answer.status_code for answer in answers} <= {200, 422, 500}
    rows = await database.admin("select count(*) as n from auth.users where email = $1", email)
    assert rows[0]["n"] == 1
