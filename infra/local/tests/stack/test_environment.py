"""The variables of each process: accepted by the services' own settings, replaced by the user's own."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from dotenv import dotenv_values

from ava_local.stack.env_file import UnreadableFile
from ava_local.stack.environment import SERVICES, Environment, MissingVariables, as_env_file, user_variables
from ava_local.stack.layout import StackLayout
from ava_local.stack.secrets_file import load_or_create

REMOTE = {
    "SUPABASE_URL": "https://project.example.org",
    "SUPABASE_PUBLISHABLE_KEY": "p",
    "SUPABASE_SECRET_KEY": "s",
}


def environment(folder: Path, **given: str) -> Environment:
    return Environment(StackLayout(folder, 8080), load_or_create(folder / "secrets.json"), given)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.usefixtures("processes")
def test_a_service_starts_with_its_variables_and_nothing_else(tmp_path: Path, service: str) -> None:
    package = "ava_" + service.replace("-", "_")
    code = f"from ava_common.settings import load; from {package}.settings import Settings; load(Settings)"
    variables = environment(tmp_path).service(service)
    done = subprocess.run(
        [sys.executable, "-c", code], env=variables, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_env_files_are_read_back_unchanged_and_by_their_owner_only(tmp_path: Path) -> None:
    variables = environment(tmp_path)
    variables.layout.create_folders()
    variables.write_env_files()
    for service in SERVICES:
        file = variables.layout.env_dir / f"{service}.env"
        assert dotenv_values(file, interpolate=False) == variables.service(service)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.usefixtures("processes")
def test_a_shell_reads_an_env_file_alike(tmp_path: Path) -> None:
    values = {"A": 'with "quotes" and $HOME', "B": json.dumps({"key": ["it's"]})}
    file = tmp_path / "one.env"
    file.write_text(as_env_file(values))
    done = subprocess.run(
        ["/bin/sh", "-c", f'. {file}; printf "%s\\n%s" "$A" "$B"'], capture_output=True, text=True
    )
    assert done.stdout.splitlines() == list(values.values())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_the_file_of_an_editor_that_marks_its_text_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, encoding: str
) -> None:
    (tmp_path / ".env").write_text("SUPABASE_URL=https://über.example\n", encoding)
    monkeypatch.setattr("ava_local.stack.environment.ROOT", tmp_path)
    assert user_variables()["SUPABASE_URL"] == "https://über.example"


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_a_file_of_another_encoding_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, encoding: str
) -> None:
    (tmp_path / ".env").write_text("# für uns\nLOG_LEVEL=INFO\n", encoding)
    monkeypatch.setattr("ava_local.stack.environment.ROOT", tmp_path)
    with pytest.raises(UnreadableFile, match=r"is not UTF-8\. Save it as UTF-8"):
        user_variables()


def test_a_users_own_value_replaces_the_stacks(tmp_path: Path) -> None:
    variables = environment(
        tmp_path,
        LOG_LEVEL="DEBUG",
        OLLAMA_URL="http://o",
        WHATSAPP_GATEWAY_LINK_CONFIRMATION="code",
        PROFILE_EXTRA="1",
    )
    assert variables.service("profile")["LOG_LEVEL"] == "DEBUG"
    assert variables.service("profile")["WHATSAPP_GATEWAY_LINK_CONFIRMATION"] == "code"
    assert variables.service("profile")["PROFILE_EXTRA"] == "1"
    assert "PROFILE_EXTRA" not in variables.service("messaging")
    assert variables.service("whatsapp-gateway")["OLLAMA_URL"] == "http://o"
    assert "OLLAMA_URL" not in variables.service("messaging")


def test_beside_its_database_the_gateway_takes_few_connections(tmp_path: Path) -> None:
    name = "WHATSAPP_GATEWAY_DATABASE_CONNECTIONS"
    assert environment(tmp_path).service("whatsapp-gateway")[name] == "5"
    far = "postgresql://postgres:p@db.example.org/postgres?sslmode=require"
    assert name not in environment(tmp_path, AVA_DATABASE_ADMIN_URL=far).service("whatsapp-gateway")
    assert environment(tmp_path, **{name: "9"}).service("whatsapp-gateway")[name] == "9"


def test_a_service_does_not_get_the_secrets_of_another(tmp_path: Path) -> None:
    variables = environment(tmp_path)
    assert not any("SECRET" in name or "KEY" in name for name in variables.service("messaging"))
    assert variables.secrets.secret_key not in variables.service("whatsapp-gateway").values()


def test_a_real_project_without_its_keys_is_refused_naming_them(tmp_path: Path) -> None:
    with pytest.raises(MissingVariables, match="SUPABASE_PUBLISHABLE_KEY, SUPABASE_SECRET_KEY"):
        environment(tmp_path, SUPABASE_URL=REMOTE["SUPABASE_URL"])
    with pytest.raises(MissingVariables, match="WHATSAPP_GATEWAY_ACCESS_TOKEN"):
        environment(tmp_path, GRAPH_API_URL="https://graph.example.org")


def test_a_real_project_takes_the_stand_ins_place(tmp_path: Path) -> None:
    variables = environment(tmp_path, **REMOTE)
    assert not variables.needs_supabase_standin
    assert variables.service("auth")["SUPABASE_URL"] == REMOTE["SUPABASE_URL"]
    assert "supabase_auth_admin" not in variables.passwords()


def test_on_an_external_server_only_the_roles_we_use_get_passwords(tmp_path: Path) -> None:
    variables = environment(
        tmp_path, AVA_DATABASE_ADMIN_URL="postgresql://root:x@db.example.org:6543/app?sslmode=require"
    )
    assert "postgres" not in variables.passwords()
    assert variables.database_url("ava_auth").endswith("@db.example.org:6543/app?sslmode=require")
    assert variables.migration_database_url().endswith("sslmode=require&role=postgres")
