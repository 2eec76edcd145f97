"""The user PostgreSQL runs as, which must not be root, and which paths that user can reach.

Decision 0010.
"""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path
from typing import TypedDict


class RunAs(TypedDict, total=False):
    """The arguments of `subprocess.Popen` that say as which user and in which folder a program runs."""

    user: int
    group: int
    extra_groups: list[int]
    cwd: str


def run_as() -> RunAs:
    """As `nobody` if we are root, otherwise as ourselves; always in a folder everyone can read."""
    if os.geteuid() != 0:
        return {"cwd": "/"}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": [], "cwd": "/"}


def can_reach(path: Path) -> bool:
    """Tested by running a program as that user, because mount options and ACLs count too."""
    result = subprocess.run(["/bin/sh", "-c", 'test -x "$0"', str(path)], check=False, **run_as())
    return result.returncode == 0
