"""Requesting e-mails: recovery, and another confirmation."""

import pytest

from ava_local.testing.databases import Database

from .conftest import PASSWORD, SITE, MakeStandin, Project, assert_refused, new_email


@pytest.mark.parametrize("path", ["/recover", "/resend"])
async def test_an_unknown_address_is_answered_like_a_known_one(project: Project, path: str) -> None:
    answer = await project.call("POST", path, {"type": "signup", "email": new_email()})
    assert (answer.status_code, answer.json()) == (200, {})


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/recover", {}),
        ("/recover", {"email": "no address"}),
        ("/recover", {"email": "a@b.example", "code_challenge": "x" * 43}),
        ("/resend", {"email": "a@b.example"}),
        ("/resend", {"type": "recovery", "email": "a@b.example"}),
        ("/resend", {"type": "signup"}),
        ("/resend", {"type": "email_change"}),
        ("/resend", {"type": "signup", "email": "a@b.example", "phone": "+491"}),
    ],
)
async def test_a_request_that_makes_no_sense_is_refused(
    project: Project, path: str, body: dict[str, str]
) -> None:
    assert_refused(await project.call("POST", path, body), 400, "validation_failed")


async def test_a_recovery_mail_has_a_link_to_avas_own_page(make_standin: MakeStandin) -> None:
    project = await make_standin()
    person = await project.person()
    await project.call("POST", "/recover", {"email": person.email})
    mail = (await project.mails(person.email))[0]
    assert mail["type"] == "recovery"
    assert mail["link"] == f"{SITE}/#verify?type=recovery&token_hash={mail['token_hash']}"


async def test_the_link_follows_a_template(make_standin: MakeStandin) -> None:
    project = await make_standin(link_template="{site_url}/in?h={token_hash}&t={type}&c={token}&e={email}")
    person = await project.person()
    await project.call("POST", "/recover", {"email": person.email})
    mail = (await project.mails(person.email))[0]
    address = person.email.replace("@", "%40")
    assert mail["link"] == f"{SITE}/in?h={mail['token_hash']}&t=recovery&c={mail['token']}&e={address}"


async def test_the_same_known_address_within_a_minute_leaks_a_429(project: Project) -> None:
    person = await project.person()
    await project.call("POST", "/recover", {"email": person.email})
    again = await project.call("POST", "/recover", {"email": person.email})
    assert_refused(again, 429, "over_email_send_rate_limit")
    assert "retry-after" not in again.headers


async def test_after_a_minute_the_newer_link_replaces_the_older(
    make_standin: MakeStandin, database: Database
) -> None:
    project = await make_standin()
    person = await project.person()
    for _ in range(2):
        assert (await project.call("POST", "/recover", {"email": person.email})).status_code == 200
        await database.admin("update auth.users set recovery_sent_at = now() - interval '61 seconds'")
    newer, older = await project.mails(person.email)
    proof = {"type": "recovery", "token_hash": older["token_hash"]}
    assert_refused(await project.call("POST", "/verify", proof), 403, "otp_expired")
    proof = {"type": "recovery", "token_hash": newer["token_hash"]}
    assert (await project.call("POST", "/verify", proof)).status_code == 200


async def test_a_confirmation_is_sent_again_only_where_one_is_missing(
    make_standin: MakeStandin, database: Database
) -> None:
    project, email = await make_standin(mailer_autoconfirm=False), new_email()
    person = await project.person()
    await project.call("POST", "/signup", {"email": email, "password": PASSWORD})
    assert_refused(
        await project.call("POST", "/resend", {"type": "signup", "email": email}),
        429,
        "over_email_send_rate_limit",
    )
    await database.admin("update auth.users set confirmation_sent_at = now() - interval '61 seconds'")
    for wanted in (email, person.email):
        answer = await project.call("POST", "/resend", {"type": "signup", "email": wanted})
        assert (answer.status_code, answer.json()) == (200, {})
    assert len(await project.mails(email)) == 2
    assert await project.mails(person.email) == []


async def test_a_pkce_client_gets_a_token_of_that_flow(make_standin: MakeStandin) -> None:
    project = await make_standin()
    person = await project.person()
    challenge = {"code_challenge": "x" * 43, "code_challenge_method": "s256"}
    await project.call("POST", "/recover", {"email": person.email, **challenge})
    mail = (await project.mails(person.email))[0]
    assert mail["token_hash"].startswith("pkce_")
    proof = {"type": "recovery", "token_hash": mail["token_hash"]}
    assert (await project.call("POST", "/verify", proof)).status_code == 200
