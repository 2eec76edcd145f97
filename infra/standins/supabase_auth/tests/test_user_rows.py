"""The stored rows are those the real GoTrue writes and reads.

See docs/contracts/supabase-auth.md#rows.
"""

from uuid import uuid4

import pytest_asyncio

from ava_local.testing.accounts import Account
from ava_local.testing.databases import Database

from .conftest import PASSWORD, MakeStandin, Person, Project, new_email

NIL_UUID = "00000000-0000-0000-0000-000000000000"


@pytest_asyncio.fixture(loop_scope="session")
async def signed_up(make_standin: MakeStandin) -> tuple[Project, Person]:
    """A user who has signed up, logged in and refreshed."""
    project, email = await make_standin(), new_email()
    said = (await project.call("POST", "/signup", {"email": email, "password": PASSWORD})).json()
    await project.refresh(said["refresh_token"])
    return project, Person(said["user"]["id"], email)


async def test_a_user_row_has_no_null_where_go_reads_text(
    signed_up: tuple[Project, Person], database: Database
) -> None:
    row = (await database.admin("select * from auth.users"))[0]
    assert (str(row["instance_id"]), row["aud"], row["role"]) == (NIL_UUID, "authenticated", "authenticated")
    for column in (
        "confirmation_token", "recovery_token", "email_change_token_new", "email_change",
        "email_change_token_current", "phone_change", "phone_change_token", "reauthentication_token",
    ):  # fmt: skip
        assert row[column] == "", column
    for column in ("raw_app_meta_data", "raw_user_meta_data", "created_at", "updated_at"):
        assert row[column] is not None, column
    assert row["phone"] is None
    assert row["email"] == row["email"].lower()


async def test_the_password_is_bcrypt_as_go_writes_it(
    signed_up: tuple[Project, Person], database: Database
) -> None:
    row = (await database.admin("select encrypted_password as hashed from auth.users"))[0]
    assert row["hashed"].startswith("$2a$10$")
    assert len(row["hashed"]) == 60


async def test_there_is_one_email_identity(signed_up: tuple[Project, Person], database: Database) -> None:
    person = signed_up[1]
    rows = await database.admin("select * from auth.identities")
    assert len(rows) == 1
    assert (rows[0]["provider"], rows[0]["provider_id"]) == ("email", person.id)
    keys = "select jsonb_object_keys(identity_data) as name from auth.identities"
    names = {row["name"] for row in await database.admin(keys)}
    assert names == {"sub", "email", "email_verified", "phone_verified"}


async def test_a_login_leaves_a_session_its_claim_and_its_token(
    signed_up: tuple[Project, Person], database: Database
) -> None:
    session = (await database.admin("select * from auth.sessions"))[0]
    assert session["aal"] == "aal1"
    assert session["refreshed_at"].tzinfo is None
    kept = (
        "select now() at time zone 'utc' - refreshed_at < interval '5 minutes' as in_utc from auth.sessions"
    )
    assert (await database.admin(kept))[0]["in_utc"]
    claim = (await database.admin("select * from auth.mfa_amr_claims"))[0]
    assert (claim["session_id"], claim["authentication_method"]) == (session["id"], "password")
    for token in await database.admin("select * from auth.refresh_tokens"):
        assert str(token["instance_id"]) == NIL_UUID
        assert token["user_id"] == signed_up[1].id
        assert len(token["token"]) == 12


async def test_metadata_is_json_and_not_text_in_json(
    signed_up: tuple[Project, Person], database: Database
) -> None:
    query = """select jsonb_typeof(raw_app_meta_data) a, jsonb_typeof(raw_user_meta_data) u,
      raw_app_meta_data ->> 'provider' p from auth.users"""
    row = (await database.admin(query))[0]
    assert (row["a"], row["u"], row["p"]) == ("object", "object", "email")


async def test_a_row_as_gotrue_leaves_it_logs_in(make_standin: MakeStandin, database: Database) -> None:
    project = await make_standin()
    source, email = await project.person(), new_email()
    [row] = await database.admin(
        "select encrypted_password as hash from auth.users where id = $1::text::uuid", source.id
    )
    await database.people(Account(uuid4(), email, row["hash"]))
    assert (await project.login(Person("", email))).status_code == 200


async def test_the_audit_log_names_actions_and_no_secrets(
    signed_up: tuple[Project, Person], database: Database
) -> None:
    project, person = signed_up
    await project.login(person)
    rows = await database.admin(
        "select payload ->> 'action' as action, payload::text as text from auth.audit_log_entries"
    )
    assert {"user_signedup", "login", "token_refreshed"} <= {row["action"] for row in rows}
    assert PASSWORD not in "".join(row["text"] for row in rows)
