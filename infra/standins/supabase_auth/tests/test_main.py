"""The stand-in as a process of its own: where it listens, and what it says about wrong settings."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ava_supabase_standin.settings import is_loopback

from .conftest import PUBLISHABLE, REMOTE, SECRET, SITE

pytestmark = pytest.mark.skipif(bool(REMOTE), reason="another project is tested")
START = [sys.executable, "-m", "ava_supabase_standin"]
LIBRARY = re.compile(r"Input |[Ff]ield required|Value error|should |unable to")
COMPLETE = {
    "SUPABASE_AUTH_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "SUPABASE_AUTH_SITE_URL": SITE,
    "SUPABASE_AUTH_PUBLISHABLE_KEY": PUBLISHABLE,
    "SUPABASE_AUTH_SECRET_KEY": SECRET,
    "SUPABASE_AUTH_PORT": "0",
}


def start(folder: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SUPABASE_AUTH_")}
    environment = {**inherited, **COMPLETE, "SUPABASE_AUTH_STATE_DIR": str(folder), **changes}
    environment = {name: value for name, value in environment.items() if value != "(absent)"}
    return subprocess.run(START, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("host", ["::", "ava.example.org"])
@pytest.mark.usefixtures("processes")
def test_it_refuses_to_serve_more_than_this_machine(tmp_path: Path, host: str) -> None:
    ended = start(tmp_path, SUPABASE_AUTH_HOST=host)
    assert ended.returncode == 2
    assert "not a loopback address" in ended.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SUPABASE_AUTH_DATABASE_URL", "(absent)"),
        ("SUPABASE_AUTH_SECRET_KEY", "sb_secret_"),
        ("SUPABASE_AUTH_STATE_DIR", "(absent)"),
        ("SUPABASE_AUTH_JWT_SECRET", "too short"),
        ("SUPABASE_AUTH_PORT", "70000"),
        ("SUPABASE_AUTH_JWT_EXP", "soon"),
        ("SUPABASE_AUTH_JWT_ALGORITHM", "none"),
        ("SUPABASE_AUTH_EMAIL_ENABLED", "perhaps"),
    ],
)
@pytest.mark.usefixtures("processes")
def test_a_setting_that_is_missing_or_wrong_is_named(tmp_path: Path, name: str, value: str) -> None:
    ended = start(tmp_path, **{name: value})
    assert ended.returncode == 2
    assert name in ended.stderr
    assert not LIBRARY.search(ended.stderr), ended.stderr
    assert SECRET not in ended.stderr


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("127.8.0.9", True), ("::1", True), ("[::1]", True), ("localhost", True),
     ("0.0.0.0", False), ("10.0.0.1", False),  # noqa: S104 - nothing is bound here
     ("::", False), ("", False), ("localhost.example.org", False)],
)  # fmt: skip
def test_which_addresses_are_this_machine(host: str, local: bool) -> None:
    assert is_loopback(host) is local
