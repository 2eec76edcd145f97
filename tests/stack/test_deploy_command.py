"""`infra/deploy` before it reaches a host: what it refuses, and how it compares migrations."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ava_local.postgres.server_binaries import installed_binaries
from ava_local.testing.databases import Database

ROOT = Path(__file__).parents[2]
IDENTITY = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
pytestmark = pytest.mark.usefixtures("processes")


def deploy(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """On a machine that runs nothing of Ava's, with psql."""
    programs = installed_binaries(18)
    assert programs
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": os.environ.get("HOME", "/"),
        **variables,
    }
    return subprocess.run(
        [str(ROOT / "infra" / "deploy"), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "SERVICE is auth, profile, messaging or whatsapp-gateway."),
        (("mail", "HEAD"), "SERVICE is auth, profile, messaging or whatsapp-gateway."),
        (("auth",), "VERSION is missing."),
        (("auth", "HEAD", "more"), "what is more for?"),
        (("auth", "HEAD", "--now"), "there is no option --now."),
        (("auth", "HEAD", "--host"), "--host needs USER@HOST."),
        (("auth", "HEAD", "--host", "-oProxyCommand=x"), "--host needs USER@HOST."),
    ],
)
def test_what_it_does_not_understand_it_refuses_and_says_how_it_is_called(
    arguments: tuple[str, ...], sentence: str
) -> None:
    refused = deploy(*arguments)
    assert refused.returncode == 2
    assert sentence in refused.stderr
    assert refused.stdout == ""


def test_a_version_that_does_not_exist_is_refused() -> None:
    refused = deploy("auth", "v99.9")
    assert refused.returncode == 1
    assert "there is no version v99.9 in this repository" in refused.stderr


def test_a_version_from_before_the_services_is_refused_and_says_what_it_lacks(tmp_path: Path) -> None:
    """It would be an empty archive, and a failure on the host that explains nothing."""
    (tmp_path / "infra").mkdir()
    shutil.copy(ROOT / "infra" / "deploy", tmp_path / "infra")
    for arguments in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "early"]):
        subprocess.run(["git", *IDENTITY, *arguments], cwd=tmp_path, check=True)
    refused = subprocess.run(
        [str(tmp_path / "infra" / "deploy"), "auth", "HEAD"], capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1
    assert "HEAD has no libs/common/src" in refused.stderr


def test_without_the_database_it_asks_for_it_before_it_touches_a_host() -> None:
    refused = deploy("auth", "HEAD", "--yes")
    assert refused.returncode == 1
    assert "set ADMIN_DATABASE_URL" in refused.stderr


async def test_it_refuses_to_go_before_the_migrations_of_the_version(database: Database) -> None:
    url = database.url("supabase_admin")
    compared = deploy("auth", "HEAD", ADMIN_DATABASE_URL=url)
    assert "migrations: the database has all of" in compared.stdout, compared.stderr
    [newest] = await database.admin(
        "select max(version) as version from supabase_migrations.schema_migrations"
    )
    await database.admin(
        "delete from supabase_migrations.schema_migrations where version = $1", newest["version"]
    )
    refused = deploy("auth", "HEAD", "--yes", ADMIN_DATABASE_URL=url)
    assert refused.returncode == 1
    assert f"needs migrations that the database does not have: {newest['version']}." in refused.stderr
    assert "supabase db push" in refused.stderr
    assert url not in refused.stdout + refused.stderr


def test_the_administrators_url_is_never_part_of_what_is_sent_to_a_host() -> None:
    text = (ROOT / "infra" / "deploy").read_text()
    sending = text[text.index("on_host() {") : text.index("# The migrations of that version")]
    assert "ADMIN_DATABASE_URL" not in sending
    assert "ADMIN_DATABASE_URL" not in (ROOT / "infra" / "deploy-on-host.sh").read_text()
