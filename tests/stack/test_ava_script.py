"""The script `ava` on machines that are not ready for it: clear errors, and it resumes later."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ava_local.repository import ROOT

pytestmark = pytest.mark.timeout(900)  # a set-up downloads packages
TOOLS = (
    *("awk", "cat", "cksum", "date", "df", "dirname", "grep", "id"),
    *("mkdir", "mv", "readlink", "rm", "sed", "sh", "sleep", "tail"),
)
SOURCES = ("ava", "pyproject.toml", "requirements.lock", "libs", "services", "infra")
UNREACHABLE = {
    "PIP_CONFIG_FILE": "/dev/null",
    "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
    "PIP_NO_CACHE_DIR": "1",
}


class Machine:
    """A fresh copy of the sources, and a PATH that holds only what a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.root, self.bin, self.home = folder / "ava here", folder / "bin", folder / "home"
        for made in (self.root, self.bin, self.home):
            made.mkdir()
        for name in TOOLS:
            if found := shutil.which(name):
                (self.bin / name).symlink_to(found)

    def with_sources(self) -> None:
        for name in SOURCES:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
            copy(ROOT / name, self.root / name)

    def program(self, name: str, script: str) -> None:
        (self.bin / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.bin / name).chmod(0o755)

    def with_python(self, refusing: str = "nothing at all") -> None:
        """The real Python, except that it fails for code that contains `refusing`."""
        real = os.path.realpath(getattr(sys, "_base_executable"))  # noqa: B009 - typeshed has no such name
        self.program("python3", f'case "$*" in *"{refusing}"*) exit 1 ;; esac\nexec {real} "$@"')

    def ava(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.root / "ava", *arguments],
            env={"PATH": str(self.bin), "HOME": str(self.home), **variables},
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=280,
        )


@pytest.fixture
def machine(processes: None, tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    made.with_sources()
    return made


def assert_refused(machine: Machine, *words: str, **variables: str) -> None:
    """It exits with 1 and these words, without a traceback."""
    ended = machine.ava("status", **variables)
    assert ended.returncode == 1, ended.stderr
    for word in words:
        assert word in ended.stderr
    assert "Traceback" not in ended.stderr


def no_python(machine: Machine) -> None:
    """No program on PATH is called python."""


def old_python(machine: Machine) -> None:
    machine.with_python(refusing="sys.version_info")


@pytest.mark.parametrize("prepare", [no_python, old_python])
def test_without_a_new_enough_python_it_says_which_and_how_to_install_it(
    machine: Machine, prepare: Callable[[Machine], None]
) -> None:
    prepare(machine)
    assert_refused(machine, "Python 3.11 or newer was not found", "apt-get install python3")


def test_without_the_venv_module_it_says_what_to_install(machine: Machine) -> None:
    machine.with_python(refusing="import venv, ensurepip")
    assert_refused(machine, "venv module is missing", "apt-get install python3.")


def test_on_a_full_disk_it_says_how_much_space_is_needed(machine: Machine) -> None:
    machine.with_python()
    (machine.bin / "df").unlink()
    machine.program("df", "echo Filesystem; echo 'disk 100000 99000 40960 99% /'")
    assert_refused(machine, "not enough disk space: 40 MB free", "setup needs")


def test_where_it_cannot_write_it_says_so(machine: Machine) -> None:
    machine.with_python()
    (machine.root / ".ava").write_text("a file where the folder should be")
    assert_refused(machine, "cannot write to", "chown")


def test_without_the_network_it_says_so_and_resumes_later(machine: Machine) -> None:
    machine.with_python()
    assert_refused(
        machine, "cannot reach the Python package index", "resumes where it stopped", **UNREACHABLE
    )
    assert not (machine.root / ".ava" / "setup.lock").exists()
    home = {name: os.environ[name] for name in ("HOME", "SSL_CERT_FILE") if name in os.environ}
    ended = machine.ava("status", **home)
    assert "Ready." in ended.stderr, ended.stderr
    assert "Ava is not running" in ended.stdout
    again = machine.ava("status", **home)
    assert again.stderr == ""
    assert "Ava is not running" in again.stdout


def test_a_setup_that_was_killed_does_not_block_the_next(machine: Machine) -> None:
    machine.with_python(refusing="-m venv")
    lock = machine.root / ".ava" / "setup.lock"
    lock.mkdir(parents=True)
    (lock / "pid").write_text("999999999\n")
    assert_refused(machine, "setup failed", "safe to run the same command again")
    assert not lock.exists()
