"""Mailed links and codes: what they do, once, and for how long."""

from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest

from ava_local.testing.databases import Database

from .conftest import PASSWORD, REMOTE, SITE, MakeStandin, Project, assert_refused, new_email


async def verify(project: Project, kind: str, token_hash: str) -> httpx.Response:
    return await project.call("POST", "/verify", {"type": kind, "token_hash": token_hash})


async def test_a_sign_up_link_confirms_and_logs_in(make_standin: MakeStandin) -> None:
    project, email = await make_standin(mailer_autoconfirm=False), new_email()
    await project.call("POST", "/signup", {"email": email, "password": PASSWORD})
    answer = await verify(project, "signup", (await project.mails(email))[0]["token_hash"])
    said = answer.json()
    assert said["user"]["email_confirmed_at"]
    assert said["user"]["user_metadata"]["email_verified"] is True
    assert said["user"]["identities"][0]["identity_data"]["email_verified"] is True
    claims = jwt.decode(said["access_token"], options={"verify_signature": False})
    assert claims["amr"][0]["method"] == "otp"
    assert claims["user_metadata"]["email_verified"] is True


async def test_a_recovery_link_logs_in_once(project: Project) -> None:
    person = await project.person()
    link = await project.link("recovery", person.email)
    answer = await verify(project, "recovery", link["hashed_token"])
    assert answer.json()["user"]["id"] == person.id
    assert_refused(await verify(project, "recovery", link["hashed_token"]), 403, "otp_expired")


async def test_a_recovery_link_confirms_the_address_too(project: Project) -> None:
    person = await project.person(email_confirm=False)
    link = await project.link("recovery", person.email)
    assert (await verify(project, "recovery", link["hashed_token"])).json()["user"]["email_confirmed_at"]
    assert (await project.login(person)).status_code == 200


async def test_the_code_works_with_its_address_only(project: Project) -> None:
    person, other = await project.person(), await project.person()
    link = await project.link("recovery", person.email)
    code = {"type": "recovery", "token": link["email_otp"]}
    wrong = await project.call("POST", "/verify", {**code, "email": other.email})
    assert_refused(wrong, 403, "otp_expired")
    right = await project.call("POST", "/verify", {**code, "email": person.email})
    assert right.json()["user"]["id"] == person.id


async def test_an_unknown_address_and_a_wrong_code_get_the_same_error(project: Project) -> None:
    person = await project.person()
    answers = [
        await project.call("POST", "/verify", {"type": "signup", "token": "000000", "email": email})
        for email in (person.email, new_email())
    ]
    assert_refused(answers[0], 403, "otp_expired")
    assert answers[0].json() == answers[1].json()


async def test_the_type_email_takes_either_token(project: Project) -> None:
    fresh = await project.link("signup", new_email(), password=PASSWORD)
    assert (await verify(project, "email", fresh["hashed_token"])).status_code == 200
    person = await project.person()
    link = await project.link("magiclink", person.email)
    assert (await verify(project, "email", link["hashed_token"])).json()["user"]["id"] == person.id


async def test_a_link_of_another_type_is_refused(project: Project) -> None:
    link = await project.link("recovery", (await project.person()).email)
    assert_refused(await verify(project, "signup", link["hashed_token"]), 403, "otp_expired")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"type": "signup"}, 400),
        ({"type": "signup", "token": "1", "token_hash": "2"}, 400),
        ({"type": "signup", "token": "1"}, 400),
        ({"type": "signup", "token_hash": "1", "email": "a@b.example"}, 400),
        ({"type": "signup", "token": "1", "email": "no address"}, 422),
        ({"type": "mars", "token_hash": "1"}, 400),
    ],
)
async def test_an_incomplete_request_is_refused(project: Project, body: dict[str, str], status: int) -> None:
    assert_refused(await project.call("POST", "/verify", body), status, "validation_failed")


async def test_links_age(make_standin: MakeStandin, database: Database) -> None:
    project = await make_standin()
    link = await project.link("recovery", (await project.person()).email)
    await database.admin("update auth.users set recovery_sent_at = now() - interval '25 hours'")
    assert_refused(await verify(project, "recovery", link["hashed_token"]), 403, "otp_expired")


async def test_a_banned_user_cannot_log_in_by_a_link(project: Project) -> None:
    person = await project.person()
    link = await project.link("recovery", person.email)
    await project.admin("PUT", f"/users/{person.id}", {"ban_duration": "24h"})
    assert_refused(await verify(project, "recovery", link["hashed_token"]), 403, "user_banned")


async def test_getting_a_link_redirects_with_tokens_in_the_fragment(project: Project) -> None:
    person = await project.person()
    link = urlsplit((await project.link("recovery", person.email))["action_link"])
    answer = await project.call("GET", f"/verify?{link.query}", key=None)
    assert answer.status_code == 303
    said = parse_qs(urlsplit(answer.headers["location"]).fragment, keep_blank_values=True)
    assert (said["token_type"], said["type"]) == (["bearer"], ["recovery"])
    assert (await project.user(said["access_token"][0])).json()["id"] == person.id
    assert REMOTE or answer.headers["location"].startswith(f"{SITE}#")


async def test_getting_a_used_link_redirects_with_the_error(project: Project) -> None:
    answer = await project.call("GET", "/verify?type=signup&token=used", key=None)
    said = parse_qs(urlsplit(answer.headers["location"]).fragment)
    assert (said["error"], said["error_code"]) == (["access_denied"], ["otp_expired"])


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        (f"{SITE}/welcome", f"{SITE}/welcome"),
        ("https://elsewhere.example/steal", SITE),
        ("https://app.example.org/in", "https://app.example.org/in"),
        ("javascript:alert(1)", SITE),
        ("//elsewhere.example", SITE),
    ],
)
async def test_only_allowed_addresses_are_returned_to(
    make_standin: MakeStandin, wanted: str, reached: str
) -> None:
    project = await make_standin(uri_allow_list="https://app.example.org/*")
    answer = await project.http.get(
        "/auth/v1/verify", params={"type": "signup", "token": "x", "redirect_to": wanted}
    )
    assert answer.headers["location"].split("#")[0] == reached


@pytest.mark.parametrize(
    ("site", "wanted", "reached"),
    [
        ("http://localhost:9998", "http://localhost:9999/welcome", "http://localhost:9999/welcome"),
        ("http://localhost:9998", "https://localhost:9998/", "http://localhost:9998"),
        ("http://localhost:9998", "http://localhost.evil.example:9998/", "http://localhost:9998"),
        ("https://app.example.org", "https://app.example.org:8443/in", "https://app.example.org"),
    ],
)
async def test_the_port_does_not_count_on_a_site_that_is_this_machine(
    make_standin: MakeStandin, site: str, wanted: str, reached: str
) -> None:
    project = await make_standin(site_url=site)
    said = await project.link("magiclink", new_email(), redirect_to=wanted)
    assert said["action_link"].endswith(f"&redirect_to={reached}")


async def test_a_return_address_is_encoded_only_where_it_must_be(make_standin: MakeStandin) -> None:
    project = await make_standin(site_url="http://localhost:9998")
    said = await project.link("magiclink", new_email(), redirect_to="http://localhost:9998/in?a=1&b=2")
    assert said["action_link"].endswith("&redirect_to=http%3A%2F%2Flocalhost%3A9998%2Fin%3Fa%3D1%26b%3D2")
