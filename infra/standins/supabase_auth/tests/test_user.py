"""A user's own account: read it, update it, log out of it."""

import httpx
import jwt
import pytest

from ava_local.testing.databases import Database

from .conftest import PASSWORD, MakeStandin, Project, assert_refused, new_email

NEW = "an armadillo with 7 kettles"


async def change(project: Project, token: str, **wanted: object) -> httpx.Response:
    return await project.call("PUT", "/user", wanted, token=token)


async def test_who_am_i(project: Project) -> None:
    person = await project.person()
    answer = await project.user((await project.tokens(person))["access_token"])
    assert answer.status_code == 200
    assert (answer.json()["id"], answer.json()["email"]) == (person.id, person.email)
    assert answer.json()["identities"][0]["id"] == person.id


async def test_a_missing_or_malformed_header_is_unauthorized_only_before_the_gateway_helps(
    project: Project,
) -> None:
    answer = await project.call("GET", "/user", authorization="Basic abc")
    assert_refused(answer, 401, "no_authorization")


@pytest.mark.parametrize("token", ["garbage", "a.b.c", "e30.e30."])
async def test_anything_but_a_token_is_a_bad_token(project: Project, token: str) -> None:
    assert_refused(await project.user(token), 403, "bad_jwt")


async def test_the_token_of_a_deleted_user_finds_no_user(project: Project) -> None:
    person = await project.person()
    token = (await project.tokens(person))["access_token"]
    await project.admin("DELETE", f"/users/{person.id}")
    assert_refused(await project.user(token), 403, "user_not_found")


async def test_the_token_of_a_banned_user_is_refused(project: Project) -> None:
    person = await project.person()
    token = (await project.tokens(person))["access_token"]
    await project.admin("PUT", f"/users/{person.id}", {"ban_duration": "24h"})
    assert_refused(await project.user(token), 403, "user_banned")


async def test_another_audience_is_refused(project: Project) -> None:
    token = (await project.tokens(await project.person()))["access_token"]
    assert_refused(await project.user(token, x_jwt_aud="another-audience"), 400, "validation_failed")


async def test_metadata_is_merged_and_null_deletes(project: Project) -> None:
    token = (await project.tokens(await project.person()))["access_token"]
    await change(project, token, data={"colour": "green", "size": 3})
    said = (await change(project, token, data={"colour": None, "shape": "round"})).json()
    assert "colour" not in said["user_metadata"]
    assert (said["user_metadata"]["size"], said["user_metadata"]["shape"]) == (3, "round")


async def test_users_cannot_change_their_own_app_metadata(project: Project) -> None:
    token = (await project.tokens(await project.person()))["access_token"]
    assert_refused(await change(project, token, app_metadata={"admin": True}), 403, "not_admin")


async def test_a_new_password_keeps_this_session_and_ends_the_others(project: Project) -> None:
    person = await project.person()
    here, there = await project.tokens(person), await project.tokens(person)
    assert (await change(project, here["access_token"], password=NEW)).status_code == 200
    assert (await project.user(here["access_token"])).status_code == 200
    assert_refused(await project.user(there["access_token"]), 403, "session_not_found")
    assert_refused(await project.login(person), 400, "invalid_credentials")
    assert (await project.login(person, NEW)).status_code == 200


async def test_a_new_password_deletes_pending_links(project: Project) -> None:
    person = await project.person()
    token = (await project.tokens(person))["access_token"]
    link = await project.link("recovery", person.email)
    await change(project, token, password=NEW)
    proof = {"type": "recovery", "token_hash": link["hashed_token"]}
    assert_refused(await project.call("POST", "/verify", proof), 403, "otp_expired")


@pytest.mark.parametrize(
    ("password", "status", "code"),
    [(PASSWORD, 422, "same_password"), ("abc", 422, "weak_password"), ("x" * 73, 400, "validation_failed")],
)
async def test_an_unacceptable_password_is_refused(
    project: Project, password: str, status: int, code: str
) -> None:
    token = (await project.tokens(await project.person()))["access_token"]
    assert_refused(await change(project, token, password=password), status, code)


async def test_a_taken_address_is_refused(project: Project) -> None:
    one, other = await project.person(), await project.person()
    token = (await project.tokens(one))["access_token"]
    assert_refused(await change(project, token, email=other.email), 422, "email_exists")


async def test_the_current_password_may_be_required(make_standin: MakeStandin) -> None:
    project = await make_standin(update_password_require_current_password=True)
    person = await project.person()
    token = (await project.tokens(person))["access_token"]
    assert_refused(await change(project, token, password=NEW), 400, "current_password_required")
    wrong = await change(project, token, password=NEW, current_password="no")
    assert_refused(wrong, 400, "current_password_invalid")
    assert (await change(project, token, password=NEW, current_password=PASSWORD)).status_code == 200


async def test_a_session_from_a_mailed_link_needs_no_current_password(make_standin: MakeStandin) -> None:
    project = await make_standin(update_password_require_current_password=True)
    person = await project.person()
    link = await project.link("recovery", person.email)
    proof = {"type": "recovery", "token_hash": link["hashed_token"]}
    token = (await project.call("POST", "/verify", proof)).json()["access_token"]
    assert (await change(project, token, password=NEW)).status_code == 200


async def test_an_old_session_may_have_to_reauthenticate(
    make_standin: MakeStandin, database: Database
) -> None:
    project = await make_standin(update_password_require_reauthentication=True)
    person = await project.person()
    token = (await project.tokens(person))["access_token"]
    await database.admin("update auth.sessions set created_at = now() - interval '25 hours'")
    assert_refused(await change(project, token, password=NEW), 400, "reauthentication_needed")
    assert (await project.call("GET", "/reauthenticate", token=token)).json() == {}
    nonce = (await project.mails(person.email))[0]["token"]
    wrong = await change(project, token, password=NEW, nonce="000000" if nonce != "000000" else "1")
    assert_refused(wrong, 422, "reauthentication_not_valid")
    assert (await change(project, token, password=NEW, nonce=nonce)).status_code == 200


@pytest.mark.parametrize(
    ("scope", "here_lives", "there_lives"),
    [("", False, False), ("global", False, False), ("local", False, True), ("others", True, False)],
)
async def test_logging_out_ends_what_its_scope_says(
    project: Project, scope: str, here_lives: bool, there_lives: bool
) -> None:
    person = await project.person()
    here, there = await project.tokens(person), await project.tokens(person)
    path = f"/logout?scope={scope}" if scope else "/logout"
    answer = await project.call("POST", path, token=here["access_token"])
    assert (answer.status_code, answer.content) == (204, b"")
    for said, lives in ((here, here_lives), (there, there_lives)):
        seen = await project.user(said["access_token"])
        assert seen.status_code == (200 if lives else 403)
        assert lives or seen.json()["code"] == "session_not_found"


async def test_an_unknown_scope_is_refused(project: Project) -> None:
    token = (await project.tokens(await project.person()))["access_token"]
    assert_refused(await project.call("POST", "/logout?scope=mine", token=token), 400, "validation_failed")
    assert (await project.user(token)).status_code == 200


async def test_logging_out_twice_finds_no_session(project: Project) -> None:
    token = (await project.tokens(await project.person()))["access_token"]
    await project.call("POST", "/logout", token=token)
    assert_refused(await project.call("POST", "/logout", token=token), 403, "session_not_found")


async def test_a_token_without_session_always_logs_out_everywhere(make_standin: MakeStandin) -> None:
    secret = "a secret that the test shares with it"
    project = await make_standin(jwt_secret=secret, jwt_algorithm="HS256")
    person = await project.person()
    said = await project.tokens(person)
    claims = jwt.decode(said["access_token"], secret, ["HS256"], audience="authenticated")
    del claims["session_id"]
    sessionless = jwt.encode(claims, secret, "HS256")
    assert (await project.call("POST", "/logout?scope=others", token=sessionless)).status_code == 204
    assert_refused(await project.user(said["access_token"]), 403, "session_not_found")


async def test_a_new_address_counts_only_when_both_addresses_confirm(make_standin: MakeStandin) -> None:
    project = await make_standin(mailer_autoconfirm=False)
    person, email = await project.person(), new_email()
    token = (await project.tokens(person))["access_token"]
    said = (await change(project, token, email=email)).json()
    assert (said["email"], said["new_email"]) == (person.email, email)
    old, new = (await project.mails(person.email))[0], (await project.mails(email))[0]
    proof = {"type": "email_change", "token_hash": old["token_hash"]}
    half = await project.call("POST", "/verify", proof)
    assert (half.status_code, half.json()["code"]) == (200, "200")
    assert "access_token" not in half.json()
    whole = await project.call("POST", "/verify", {"type": "email_change", "token_hash": new["token_hash"]})
    assert whole.json()["user"]["email"] == email
    assert "new_email" not in whole.json()["user"]
    assert whole.json()["user"]["identities"][0]["email"] == email
