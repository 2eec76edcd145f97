"""Installs the npm packages the tests use into .ava/npm, from a lock file with hashes."""

import fcntl
import shutil
import subprocess
from pathlib import Path

from ava_local.expected_error import ExpectedError

LOCKED = ("package.json", "package-lock.json")


class NodeNotInstalled(ExpectedError):
    """Node.js and npm are not installed: apt-get install nodejs npm."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class NpmInstallFailed(ExpectedError):
    """npm could not install the packages in tests/npm/package-lock.json; its output follows."""


def install(locked: Path, target: Path) -> Path:
    """Install the packages of `locked` (package.json and its lock); returns the folder of their programs.

    Does nothing if the lock has not changed since. Safe to call from several processes at once.
    Raises NodeNotInstalled, NpmInstallFailed.
    """
    if not (shutil.which("node") and shutil.which("npm")):
        raise NodeNotInstalled
    target.mkdir(parents=True, exist_ok=True)
    programs = target / "node_modules" / ".bin"
    with (target / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_current(locked, target):
            _install(locked, target)
    return programs


def _is_current(locked: Path, target: Path) -> bool:
    done = target / "installed.json"
    return done.exists() and done.read_bytes() == (locked / LOCKED[1]).read_bytes()


def _install(locked: Path, target: Path) -> None:
    for name in LOCKED:
        shutil.copyfile(locked / name, target / name)
    # Not `npm ci`: it requires a hash for every platform's optional packages, even of platforms never used.
    command = [
        "npm",
        "install",
        "--no-save",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--loglevel=error",
    ]
    result = subprocess.run(command, cwd=target, check=False, capture_output=True, text=True)
    if result.returncode != 0:
        raise NpmInstallFailed(result.stderr[-2000:])
    shutil.copyfile(locked / LOCKED[1], target / "installed.json")
