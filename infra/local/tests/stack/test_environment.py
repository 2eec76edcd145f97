"""Who is told what: the rooms' own settings must accept it, and the person's choice comes first."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from dotenv import dotenv_values

from ava_local.stack.environment import SERVICES, Environment, MissingVariables, as_env_file, with_login
from ava_local.stack.layout import StackLayout
from ava_local.stack.secrets_file import load_or_create

REMOTE = {
    "SUPABASE_URL": "https://project.example.org",
    "SUPABASE_PUBLISHABLE_KEY": "p",
    "SUPABASE_SECRET_KEY": "s",
}


def environment(folder: Path, **given: str) -> Environment:
    return Environment(StackLayout(folder, 8080), load_or_create(folder / "secrets.json"), given)


@pytest.mark.parametrize("room", SERVICES)
def test_a_room_starts_with_what_it_is_told_and_nothing_else(tmp_path, room):
    package = "ava_" + room.replace("-", "_")
    code = f"from ava_common.settings import load; from {package}.settings import Settings; load(Settings)"
    told = environment(tmp_path).service(room)
    done = subprocess.run(
        [sys.executable, "-c", code], env=told, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_env_files_are_read_as_they_were_meant_by_their_owner_only(tmp_path):
    told = environment(tmp_path)
    told.layout.create_folders()
    told.write_env_files()
    for room in SERVICES:
        file = told.layout.env_dir / f"{room}.env"
        assert dotenv_values(file, interpolate=False) == told.service(room)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_shell_reads_an_env_file_alike(tmp_path):
    values = {"A": 'with "quotes" and $HOME', "B": json.dumps({"key": ["it's"]})}
    file = tmp_path / "one.env"
    file.write_text(as_env_file(values))
    said = subprocess.run(
        ["/bin/sh", "-c", f'. {file}; printf "%s\\n%s" "$A" "$B"'], capture_output=True, text=True
    )
    assert said.stdout.splitlines() == list(values.values())


def test_the_persons_own_value_replaces_the_houses(tmp_path):
    told = environment(
        tmp_path, LOG_LEVEL="DEBUG", WHATSAPP_GATEWAY_LINK_CONFIRMATION="code", PROFILE_EXTRA="1"
    )
    assert told.service("profile")["LOG_LEVEL"] == "DEBUG"
    assert told.service("profile")["WHATSAPP_GATEWAY_LINK_CONFIRMATION"] == "code"
    assert told.service("profile")["PROFILE_EXTRA"] == "1"
    assert "PROFILE_EXTRA" not in told.service("messaging")


def test_a_room_is_not_told_the_secrets_of_another(tmp_path):
    told = environment(tmp_path)
    assert not any("SECRET" in name or "KEY" in name for name in told.service("messaging"))
    assert told.secrets.secret_key not in told.service("whatsapp-gateway").values()


def test_pointing_at_a_real_project_without_its_keys_is_refused_by_name(tmp_path):
    with pytest.raises(MissingVariables, match="SUPABASE_PUBLISHABLE_KEY, SUPABASE_SECRET_KEY"):
        environment(tmp_path, SUPABASE_URL=REMOTE["SUPABASE_URL"])
    with pytest.raises(MissingVariables, match="WHATSAPP_GATEWAY_ACCESS_TOKEN"):
        environment(tmp_path, GRAPH_API_URL="https://graph.example.org")


def test_a_real_project_takes_the_stand_ins_place(tmp_path):
    told = environment(tmp_path, **REMOTE)
    assert not told.needs_supabase_standin
    assert told.service("auth")["SUPABASE_URL"] == REMOTE["SUPABASE_URL"]
    assert "supabase_auth_admin" not in told.passwords()


def test_on_a_server_of_somebody_else_only_our_own_logins_get_passwords(tmp_path):
    told = environment(
        tmp_path, AVA_DATABASE_ADMIN_URL="postgresql://root:x@db.example.org:6543/app?sslmode=require"
    )
    assert "postgres" not in told.passwords()
    assert told.database_url("ava_auth").endswith("@db.example.org:6543/app?sslmode=require")
    assert told.migration_database_url().endswith("sslmode=require&role=postgres")


def test_a_password_with_signs_of_a_url_survives():
    assert with_login("postgresql://a:b@h:1/d", "me", "p@s/s:#") == "postgresql://me:p%40s%2Fs%3A%23@h:1/d"
