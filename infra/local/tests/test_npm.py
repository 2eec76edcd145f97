"""What the tests take from npm: locked with hashes, naming no host, and clear words when it cannot be had."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ava_local import npm
from ava_local.testing import REPOSITORY

pytestmark = pytest.mark.timeout(400)  # the first who needs the programs fetches them
LOCKED = REPOSITORY / "tests" / "npm"


def test_the_lock_has_a_hash_for_everything_and_names_no_host():
    packages = json.loads((LOCKED / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    for name, package in packages.items():
        assert "resolved" not in package
        assert name == "" or package["integrity"].startswith("sha512-")


def test_every_version_is_exact():
    wanted = json.loads((LOCKED / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    assert all(version.replace(".", "").isdigit() for version in wanted.values())


def test_what_is_installed_is_not_installed_again(npm_programs):
    target = npm_programs.parents[1]
    mark = (target / "installed.json").stat().st_mtime_ns
    assert npm.install(LOCKED, target) == npm_programs
    assert (target / "installed.json").stat().st_mtime_ns == mark
    assert (npm_programs / "supabase").exists()


def test_a_package_that_is_not_what_was_locked_is_refused(npm_programs, tmp_path):
    for name in npm.LOCKED:
        text = (LOCKED / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace("sha512-", "sha512-AAAA"), encoding="utf-8")
    with pytest.raises(npm.NpmFailed, match="EINTEGRITY"):
        npm.install(tmp_path, tmp_path / "target")
    assert not (tmp_path / "target" / "installed.json").exists()


def test_without_node_it_says_how_to_get_it(tmp_path):
    program = (
        "import sys; from pathlib import Path; from ava_local import npm;"
        " npm.install(*map(Path, sys.argv[1:]))"
    )
    command = [sys.executable, "-c", program, LOCKED, tmp_path]
    result = subprocess.run(command, env={"PATH": str(Path())}, capture_output=True, text=True, check=False)
    assert "NoNode: Node.js and npm are not on this machine: apt-get install nodejs npm." in result.stderr
