"""The database is set up with whatever rights its user has, or says which are missing."""

import subprocess
import sys
from pathlib import Path

from ava_local.stack.environment import Environment
from ava_local.stack.layout import StackLayout
from ava_local.stack.secrets_file import load_or_create
from ava_local.testing.databases import Database


def test_a_database_user_without_the_rights_is_told_what_to_do_instead(
    tmp_path: Path, database: Database
) -> None:
    secrets = load_or_create(tmp_path / "secrets.json")
    given = {"AVA_DATABASE_ADMIN_URL": database.url("postgres")}
    variables = Environment(StackLayout(tmp_path, 8080), secrets, given).database_setup()
    command = [sys.executable, "-m", "ava_local.postgres.database_setup"]
    done = subprocess.run(command, env=variables, capture_output=True, text=True)
    assert done.returncode == 1
    assert "at a superuser" in done.stderr
    assert "Traceback" not in done.stderr
