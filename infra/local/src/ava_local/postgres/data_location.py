"""Where PostgreSQL's data is stored: in the stack's folder, or in a fallback its user can reach.

Decision 0010.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from ava_local.expected_error import ExpectedError
from ava_local.postgres.unprivileged_user import can_reach

FALLBACK_ROOT = Path("/var/lib/ava")
"""Where data and programs are stored if the repository is in a folder closed to other users."""


class NoReachableFolder(ExpectedError):
    """PostgreSQL cannot run as root, and the user "nobody" has no access to this repository or to
    /var/lib/ava. Move the repository to a folder other users can enter (chmod o+x on each parent), make
    /var/lib writable for root, or run ./ava as a regular user."""

    def __init__(self) -> None:
        super().__init__(" ".join((self.__doc__ or "").split()))


def reachable_folder(folder: Path, fallback_root: Path = FALLBACK_ROOT) -> Path:
    """A folder for the data that the server's user can enter: this one, or its fallback.

    Raises NoReachableFolder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if can_reach(folder):
        return folder
    return _create_fallback(fallback_folder(folder, fallback_root))


def fallback_folder(folder: Path, fallback_root: Path = FALLBACK_ROOT) -> Path:
    """One folder per data folder, named by a hash of its path."""
    return fallback_root / hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]


def _create_fallback(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for created in (folder.parent, folder):
            created.chmod(0o755)
    except OSError as error:
        raise NoReachableFolder from error
    if not can_reach(folder):
        raise NoReachableFolder
    return folder
