"""The npm packages of the tests: locked with hashes, naming no host, and a clear error without Node.js."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ava_local.devtools import npm_packages
from ava_local.repository import ROOT

pytestmark = pytest.mark.timeout(400)  # the first test that needs the npm packages installs them
LOCKED = ROOT / "tests" / "npm"


def test_the_lock_has_a_hash_for_everything_and_names_no_host() -> None:
    packages = json.loads((LOCKED / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    for name, package in packages.items():
        assert "resolved" not in package
        assert name == "" or package["integrity"].startswith("sha512-")


def test_every_version_is_exact() -> None:
    wanted = json.loads((LOCKED / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    assert all(version.replace(".", "").isdigit() for version in wanted.values())


def test_what_is_installed_is_not_installed_again(npm_programs: Path) -> None:
    target = npm_programs.parents[1]
    mark = (target / "installed.json").stat().st_mtime_ns
    assert npm_packages.install(LOCKED, target) == npm_programs
    assert (target / "installed.json").stat().st_mtime_ns == mark
    assert (npm_programs / "supabase").exists()


def test_a_package_that_differs_from_the_lock_is_rejected(npm_programs: Path, tmp_path: Path) -> None:
    for name in npm_packages.LOCKED:
        text = (LOCKED / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace("sha512-", "sha512-AAAA"), encoding="utf-8")
    with pytest.raises(npm_packages.NpmInstallFailed, match="EINTEGRITY"):
        npm_packages.install(tmp_path, tmp_path / "target")
    assert not (tmp_path / "target" / "installed.json").exists()


@pytest.mark.usefixtures("processes")
def test_without_node_it_says_how_to_get_it(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from ava_local.devtools import npm_packages;"
        " npm_packages.install(*map(Path, sys.argv[1:]))"
    )
    command = [sys.executable, "-c", program, str(LOCKED), str(tmp_path)]
    result = subprocess.run(command, env={"PATH": str(Path())}, capture_output=True, text=True, check=False)
    assert "NodeNotInstalled: Node.js and npm are not installed: apt-get install nodejs npm." in result.stderr
