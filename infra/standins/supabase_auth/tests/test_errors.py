"""Both shapes of an error, and what does not depend on the shape."""

from collections.abc import Iterator

import pytest

from ava_local.testing.databases import Database
from ava_supabase_standin.errors import LOG

from .conftest import SECRET, MakeStandin, Project, assert_refused, new_email

LOGIN = "/token?grant_type=password"
UNKNOWN = {"email": "unknown@people.example", "password": "whatever it is"}


async def test_a_caller_of_the_2024_version_gets_a_code_and_a_message(project: Project) -> None:
    answer = await project.call("POST", LOGIN, UNKNOWN)
    assert answer.status_code == 400
    assert answer.json() == {"code": "invalid_credentials", "message": "Invalid login credentials"}
    assert answer.headers["x-supabase-api-version"] == "2024-01-01"
    assert answer.headers["x-sb-error-code"] == "invalid_credentials"


@pytest.mark.parametrize("version", [None, "2023-12-31", "yesterday"])
async def test_any_other_caller_gets_the_legacy_shape(project: Project, version: str | None) -> None:
    answer = await project.call("POST", LOGIN, UNKNOWN, version=version)
    assert answer.status_code == 400
    said = {"code": 400, "error_code": "invalid_credentials", "msg": "Invalid login credentials"}
    assert answer.json() == said
    assert "x-supabase-api-version" not in answer.headers
    assert answer.headers["x-sb-error-code"] == "invalid_credentials"


async def test_a_later_version_is_answered_with_the_latest_known(project: Project) -> None:
    answer = await project.call("POST", LOGIN, UNKNOWN, version="2031-05-05")
    assert answer.json()["code"] == "invalid_credentials"
    assert answer.headers["x-supabase-api-version"] == "2024-01-01"


async def test_a_weak_password_says_why_in_both_shapes(project: Project) -> None:
    weak = {"email": new_email(), "password": "abc"}
    new = await project.call("POST", "/signup", weak)
    old = await project.call("POST", "/signup", weak, version=None)
    assert (new.status_code, old.status_code) == (422, 422)
    assert new.json()["code"] == "weak_password"
    assert new.json()["weak_password"]["reasons"] == ["length"]
    assert "x-sb-error-code" not in new.headers
    assert (old.json()["code"], old.json()["error_code"]) == (422, "weak_password")
    assert old.json()["weak_password"]["reasons"] == ["length"]


@pytest.mark.parametrize("body", ["not an object", ["a", "list"], 7, {"email": 5}, {"password": ["x"]}])
async def test_a_body_of_the_wrong_type_is_bad_json(project: Project, body: object) -> None:
    answer = await project.call("POST", LOGIN, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_json")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b'{"email": "a@b.example"',
        b"\xff\xfe",
        b'{"data": NaN}',
        b'{"data": 1e999}',
        pytest.param(b"[" * 99_999, id="deep"),
    ],
)
async def test_a_body_that_is_not_json_is_bad_json(project: Project, raw: bytes) -> None:
    headers = {"apikey": SECRET, "X-Supabase-Api-Version": "2024-01-01"}
    answer = await project.http.post(f"/auth/v1{LOGIN}", content=raw, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_json")


async def test_null_counts_as_absent(project: Project) -> None:
    answer = await project.call("POST", LOGIN, {"email": None, "password": "x", "gotrue_meta_security": {}})
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")


async def test_a_body_over_one_mebibyte_is_refused(make_standin: MakeStandin) -> None:
    answer = await (await make_standin()).call("POST", LOGIN, {"email": "x" * (1 << 20)})
    assert (answer.status_code, answer.json()["code"]) == (413, "request_entity_too_large")


async def test_a_lone_surrogate_or_a_nul_never_becomes_a_server_error_at_login(project: Project) -> None:
    headers = {"apikey": SECRET, "X-Supabase-Api-Version": "2024-01-01"}
    person = await project.person()
    raw = f'{{"email": "{person.email}", "password": "\\ud800 \\u0000"}}'
    answer = await project.http.post(f"/auth/v1{LOGIN}", content=raw, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_credentials")


TRIGGER = """
create function public.say() returns trigger language plpgsql as $$ begin
  raise exception 'closed today' using errcode = '{state}', hint = 'come back'; end $$;
grant execute on function public.say() to supabase_auth_admin;
create trigger say before insert on auth.users for each row execute function public.say();
"""


@pytest.mark.parametrize(("state", "status"), [("P0001", 500), ("23505", 500), ("PT403", 403)])
async def test_a_triggers_error_is_passed_on_in_the_legacy_shape_only(
    make_standin: MakeStandin, database: Database, state: str, status: int
) -> None:
    project = await make_standin()
    for statement in TRIGGER.format(state=state).strip().split("\n\n"):
        await _run(database, statement)
    wanted = {"email": new_email(), "password": "long enough"}
    old = await project.call("POST", "/signup", wanted, version=None)
    assert old.status_code == status
    assert old.json() == {"code": state, "message": "closed today", "hint": "come back"}
    new = await project.call("POST", "/signup", wanted)
    assert new.status_code == 500
    assert new.json() == {"code": "unexpected_failure", "message": "Database error saving new user"}


async def test_an_unexpected_failure_has_an_id_and_no_reason(
    make_standin: MakeStandin, database: Database
) -> None:
    project = await make_standin()
    await database.admin("alter table auth.users rename to hidden_users")
    answer = await project.call("POST", LOGIN, UNKNOWN, version=None)
    said = answer.json()
    assert answer.status_code == 500
    assert (said["code"], said["error_code"]) == (500, "unexpected_failure")
    assert said["error_id"]
    assert "hidden" not in answer.text


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What the stand-in logs, however other tests configured the loggers above its own."""
    LOG.addHandler(caplog.handler)
    with caplog.at_level("ERROR", LOG.name):
        yield caplog
    LOG.removeHandler(caplog.handler)


async def test_a_database_error_is_logged_without_personal_data(
    make_standin: MakeStandin, database: Database, logged: pytest.LogCaptureFixture
) -> None:
    project = await make_standin()
    person = await project.person()
    token = (await project.tokens(person))["access_token"]
    await database.admin(
        "alter table auth.users add constraint calm check (raw_user_meta_data ->> 'mood' <> 'bad')"
    )
    answer = await project.call("PUT", "/user", {"data": {"mood": "bad"}}, token=token)
    assert_refused(answer, 500, "unexpected_failure")
    assert "23514" in logged.text
    assert person.email not in logged.text


async def test_an_unknown_path_is_not_found(project: Project) -> None:
    assert (await project.call("GET", "/nothing-here")).status_code == 404


async def _run(database: Database, script: str) -> None:
    for statement in script.split(";\n"):
        if statement.strip():
            await database.admin(statement)
