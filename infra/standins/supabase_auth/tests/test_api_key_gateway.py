"""The API-key gateway: which keys are valid, which role they stand for, what passes unchanged."""

import time

import jwt
import pytest

from .conftest import PUBLISHABLE, REMOTE, SECRET, MakeStandin, Project

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
LEGACY_SECRET = "a legacy secret of forty characters long"


async def test_without_a_key_nothing_is_answered(project: Project) -> None:
    answer = await project.call("GET", "/settings", key=None)
    assert answer.status_code == 401
    assert "message" in answer.json()


async def test_an_unknown_key_opens_nothing(project: Project) -> None:
    for key in ("sb_publishable_of_somebody_else", "sb_secret_of_somebody_else", "key", "clé"):
        answer = await project.http.get("/auth/v1/settings", headers={b"apikey": key.encode()})
        assert answer.status_code == 401, key
        assert answer.json()["message"] == "Invalid API key" or REMOTE


async def test_the_key_may_come_as_a_query_parameter(make_standin: MakeStandin) -> None:
    answer = await (await make_standin()).call("GET", f"/settings?apikey={PUBLISHABLE}", key=None)
    assert answer.status_code == 200


async def test_public_keys_and_mailed_links_need_no_key(project: Project) -> None:
    assert (await project.call("GET", "/.well-known/jwks.json", key=None)).status_code == 200
    assert (await project.call("GET", "/verify?type=signup&token=none", key=None)).status_code == 303


async def test_health_and_settings_need_a_key(project: Project) -> None:
    for path in ("/health", "/settings"):
        assert (await project.call("GET", path, key=None)).status_code == 401
        assert (await project.call("GET", path)).status_code == 200
    assert (await project.call("GET", "/health")).json()["name"] == "GoTrue"
    assert "mailer_autoconfirm" in (await project.call("GET", "/settings")).json()


async def test_a_publishable_key_is_anonymous_and_a_secret_key_is_the_service(project: Project) -> None:
    refused = await project.call("GET", "/admin/users", key=PUBLISHABLE)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_admin")
    assert (await project.call("GET", "/admin/users", key=SECRET)).status_code == 200


async def test_an_anonymous_caller_is_no_user_on_personal_endpoints(project: Project) -> None:
    answer = await project.call("GET", "/user")
    assert (answer.status_code, answer.json()["code"]) == (403, "bad_jwt")


async def test_the_key_itself_may_stand_in_authorization(project: Project) -> None:
    assert (await project.call("GET", "/admin/users", key=SECRET, token=SECRET)).status_code == 200


async def test_another_opaque_key_in_authorization_is_refused(project: Project) -> None:
    answer = await project.call("GET", "/admin/users", key=PUBLISHABLE, token=SECRET)
    assert answer.status_code == 401


async def test_a_users_token_passes_whatever_the_key(project: Project) -> None:
    person = await project.person()
    token = (await project.tokens(person))["access_token"]
    for key in (PUBLISHABLE, SECRET):
        assert (await project.user(token, key=key)).json()["id"] == person.id
    answer = await project.call("GET", "/admin/users", key=SECRET, token=token)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_admin")


async def test_a_secret_key_in_a_browser_is_refused(project: Project) -> None:
    assert (await project.call("GET", "/settings", key=SECRET, user_agent=BROWSER)).status_code == 401
    assert (await project.call("GET", "/settings", key=PUBLISHABLE, user_agent=BROWSER)).status_code == 200


async def test_several_keys_of_one_type_count_during_a_rotation(make_standin: MakeStandin) -> None:
    project = await make_standin(secret_key=f"{SECRET}, sb_secret_of_next_year")
    for key in (SECRET, "sb_secret_of_next_year"):
        assert (await project.call("GET", "/admin/users", key=key)).status_code == 200


def legacy_key(role: str) -> str:
    now = int(time.time())
    return jwt.encode({"iss": "supabase", "role": role, "iat": now, "exp": now + 999}, LEGACY_SECRET, "HS256")


@pytest.mark.parametrize("algorithm", ["ES256", "HS256"])
async def test_legacy_keys_are_tokens_that_carry_their_role(
    make_standin: MakeStandin, algorithm: str
) -> None:
    anon, service = legacy_key("anon"), legacy_key("service_role")
    project = await make_standin(
        jwt_secret=LEGACY_SECRET, jwt_algorithm=algorithm, anon_key=anon, service_role_key=service
    )
    assert (await project.call("GET", "/settings", key=anon)).status_code == 200
    assert (await project.call("GET", "/admin/users", key=service, token=service)).status_code == 200
    assert (await project.call("GET", "/admin/users", key=service)).status_code == 200
    assert (await project.call("GET", "/admin/users", key=anon, token=anon)).status_code == 403


async def test_a_minted_token_never_works_as_a_key(make_standin: MakeStandin) -> None:
    project = await make_standin(jwt_secret=LEGACY_SECRET, service_role_key=legacy_key("service_role"))
    token = (await project.tokens(await project.person()))["access_token"]
    for key in (token, legacy_key("supabase_admin")):
        assert (await project.call("GET", "/settings", key=key)).status_code == 401


async def test_a_name_that_is_not_this_machine_is_refused(make_standin: MakeStandin) -> None:
    project = await make_standin()
    for host in ("ava.example.org", "192.0.2.7:8082", ""):
        assert (await project.http.get("/outbox", headers={"host": host})).status_code == 403, host
    for host in ("localhost:8082", "127.0.0.1", "[::1]:8082"):
        assert (await project.http.get("/outbox", headers={"host": host})).status_code == 200, host
