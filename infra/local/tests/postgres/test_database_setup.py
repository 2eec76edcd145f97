"""The database is set up with whatever rights its user has, or says which are missing."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ava_local.ports import free_port
from ava_local.stack.environment import Environment
from ava_local.stack.layout import StackLayout
from ava_local.stack.secrets_file import load_or_create
from ava_local.testing.databases import Database
from ava_local.testing.transaction_pooler import transaction_pooler


def test_a_database_user_without_the_rights_is_told_what_to_do_instead(
    tmp_path: Path, database: Database
) -> None:
    done = set_up(tmp_path, database.url("postgres"))
    assert done.returncode == 1
    assert "at a superuser" in done.stderr
    assert "Traceback" not in done.stderr


def set_up(folder: Path, url: str) -> subprocess.CompletedProcess[str]:
    secrets = load_or_create(folder / "secrets.json")
    given = {"AVA_DATABASE_ADMIN_URL": url}
    variables = Environment(StackLayout(folder, 8080), secrets, given).database_setup()
    command = [sys.executable, "-m", "ava_local.postgres.database_setup"]
    return subprocess.run(command, env=variables, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("host", "words"),
    [
        (
            "no-such-host.invalid:5432",
            "no-such-host.invalid:5432 in AVA_DATABASE_ADMIN_URL is not a known host",
        ),
        ("db.abcdefghij.supabase.co:5432", "has an IPv6 address only"),
        ("[2001:db8::1]:5432", "in AVA_DATABASE_ADMIN_URL"),
        (f"127.0.0.1:{free_port()}", "nothing listens at 127.0.0.1:"),
        (f"localhost:{free_port()}", "in AVA_DATABASE_ADMIN_URL"),
    ],
)
@pytest.mark.usefixtures("processes")
def test_a_database_that_cannot_be_reached_is_told_by_variable(tmp_path: Path, host: str, words: str) -> None:
    done = set_up(tmp_path, f"postgresql://postgres:secret-word@{host}/postgres?sslmode=require")
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret-word" not in done.stderr


def test_a_wrong_password_is_told_by_variable(tmp_path: Path, database: Database) -> None:
    url = re.sub(r":[^:@]+@", ":wrong@", database.url("postgres"))
    assert "the password of postgres in AVA_DATABASE_ADMIN_URL is refused" in set_up(tmp_path, url).stderr


async def test_a_transaction_pooler_is_told_at_once(tmp_path: Path, database: Database) -> None:
    """On any port; the migrations would wait forever for a lock that another client was given."""
    url = database.url("postgres")
    port = re.search(r":(\d+)/", url)
    assert port
    async with transaction_pooler(int(port[1])) as pooled:
        done = await asyncio.to_thread(set_up, tmp_path, url.replace(f":{port[1]}/", f":{pooled}/"))
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "AVA_DATABASE_ADMIN_URL leads to a transaction pooler" in done.stderr
