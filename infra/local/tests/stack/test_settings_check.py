"""Mistakes in the variables are told by name before anything starts; so are variables without effect."""

from pathlib import Path

import pytest

from ava_local.stack.environment import Environment
from ava_local.stack.layout import StackLayout
from ava_local.stack.secrets_file import load_or_create
from ava_local.stack.settings_check import InvalidVariables, where_set

REMOTE = {
    "SUPABASE_URL": "https://project.example.org",
    "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_0123456789",
    "SUPABASE_SECRET_KEY": "sb_secret_0123456789",
}
ADMIN = "postgresql://postgres.abc:secret-word@aws-0-eu.pooler.supabase.com:5432/postgres?sslmode=require"


def environment(folder: Path, **given: str) -> Environment:
    return Environment(StackLayout(folder, 8080), load_or_create(folder / "secrets.json"), given)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (REMOTE | {"SUPABASE_URL": "project.supabase.co"}, "SUPABASE_URL: is not a valid URL"),
        (REMOTE | {"SUPABASE_URL": "https://change-me.supabase.co"}, "SUPABASE_URL: still holds"),
        (REMOTE | {"SUPABASE_SECRET_KEY": REMOTE["SUPABASE_PUBLISHABLE_KEY"]}, "they may be swapped"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL: must be"),
        ({"PUBLIC_URL": "ava.example.org"}, "PUBLIC_URL: is not a valid URL"),
        ({"WHATSAPP_GATEWAY_PHONE_NUMBER_ID": "+4915112345678"}, "must be the number's id at Meta"),
        ({"GRAPH_API_VERSION": "25"}, "GRAPH_API_VERSION: must look like v25.0"),
        ({"WHATSAPP_GATEWAY_VERIFY_TOKEN": "weak"}, "WHATSAPP_GATEWAY_VERIFY_TOKEN: is shorter"),
        ({"WHATSAPP_GATEWAY_LINK_CONFIRMATION": "sms"}, "must be 'off' or 'code'"),
        ({"AVA_DATABASE_ADMIN_URL": ADMIN.replace("secret-word", "[YOUR-PASSWORD]")}, "[YOUR-PASSWORD]"),
        ({"AVA_DATABASE_ADMIN_URL": ADMIN.replace(":5432", ":6543")}, "transaction pooler"),
        ({"AVA_DATABASE_ADMIN_URL": ADMIN.partition("?")[0]}, "unencrypted"),
    ],
)
@pytest.mark.usefixtures("processes")
def test_a_mistake_is_told_by_variable(tmp_path: Path, given: dict[str, str], words: str) -> None:
    with pytest.raises(InvalidVariables) as told:
        environment(tmp_path, **given).check()
    assert words in str(told.value)
    assert "secret-word" not in str(told.value)
    assert "Traceback" not in str(told.value)


@pytest.mark.usefixtures("processes")
def test_a_variable_without_effect_is_told_with_what_was_meant(tmp_path: Path) -> None:
    given = {"SUPABSE_URL": "x", "WHATSAPP_GATEWAY_POLLING": "1", "EDITOR": "ed", "LOG_LEVEL": "DEBUG"}
    typo, unknown = environment(tmp_path, **given).check()
    assert typo == "SUPABSE_URL is not known, so it has no effect; did you mean SUPABASE_URL?"
    assert unknown.startswith("WHATSAPP_GATEWAY_POLLING is not known")


@pytest.mark.usefixtures("processes")
def test_a_project_without_its_database_is_told(tmp_path: Path) -> None:
    [told] = environment(tmp_path, **REMOTE).check()
    assert "SUPABASE_URL is set and AVA_DATABASE_ADMIN_URL is not" in told


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_the_file_that_a_variable_comes_from_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    file = tmp_path / ".env"
    file.write_text(
        "SUPABASE_URL=https://change-me.supabase.co\nGRAPH_API_URL=https://a.example\nPUBLIC_URL=\n", encoding
    )
    monkeypatch.setenv("GRAPH_API_URL", "https://b.example")
    assert where_set("SUPABASE_URL", file) == f" (in {file})"
    assert where_set("GRAPH_API_URL", file) == where_set("PUBLIC_URL", file) == where_set("X", file) == ""


def test_through_the_pooler_every_role_carries_the_projects_reference(tmp_path: Path) -> None:
    variables = environment(tmp_path, **REMOTE, AVA_DATABASE_ADMIN_URL=ADMIN)
    assert "//ava_auth.abc:" in variables.service("auth")["AUTH_DATABASE_URL"]
    assert variables.migration_database_url() == ADMIN
