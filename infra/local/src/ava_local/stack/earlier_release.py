"""Adopts the state folder that an earlier release kept under another name."""

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from ava_local.expected_error import ExpectedError
from ava_local.postgres.data_location import FALLBACK_ROOT, fallback_folder

DISABLED = "hold"
"""What the folder `disabled` was called; only an earlier release makes it."""

LOCK_TIMEOUT_SECONDS = 2.0
"""Another command may be adopting the same folder at this moment."""


class EarlierReleaseRunning(ExpectedError):
    """An earlier release of Ava is still running, with its data in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        pid = _supervisor_pid(folder)
        process = f" (pid {pid})" if pid else ""
        super().__init__(f"an earlier release of Ava is still running{process}. Stop it with: ./ava down")


class StateFolderNotMoved(ExpectedError):
    """The state folder of an earlier release could not be moved; nothing was changed."""


def adopt(state_dir: Path, fallback_root: Path = FALLBACK_ROOT) -> None:
    """Move an earlier release's folder, if there is one beside it, to `state_dir`, unless that exists.

    PostgreSQL's fallback folder is named by a hash of the path, so it is renamed too, and first: a run that
    is killed in between is completed by the next one. Raises EarlierReleaseRunning, StateFolderNotMoved.
    """
    if state_dir.exists() or not (folder := _earlier_folder(state_dir)):
        return
    with _locked(folder):
        if folder.exists() and not state_dir.exists():
            _move(folder, state_dir, fallback_root)
            (state_dir / DISABLED).rename(state_dir / "disabled")


def _earlier_folder(state_dir: Path) -> Path | None:
    """Recognised by its content. Raises StateFolderNotMoved if several folders look alike."""
    found = [folder for folder in sorted(state_dir.parent.glob("*")) if _is_of_earlier_release(folder)]
    if len(found) > 1:
        names = ", ".join(str(folder) for folder in found)
        raise StateFolderNotMoved(
            f"several folders hold data of an earlier release: {names}. "
            f"Rename the one to use to {state_dir}, or set AVA_STATE_DIR."
        )
    return found[0] if found else None


def _is_of_earlier_release(folder: Path) -> bool:
    has_data = (folder / "secrets.json").is_file() and (folder / DISABLED).is_dir()
    return has_data and not (folder / "disabled").exists()


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of its supervisor. Raises EarlierReleaseRunning."""
    try:
        descriptor = os.open(folder / "supervisor.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StateFolderNotMoved(_refused(folder, error)) from error
    try:
        deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
        while not _try_lock(descriptor):
            if time.monotonic() > deadline:
                raise EarlierReleaseRunning(folder)
            time.sleep(0.05)
        yield
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _move(folder: Path, state_dir: Path, fallback_root: Path) -> None:
    before = fallback_folder(folder / "postgres", fallback_root)
    after = fallback_folder(state_dir / "postgres", fallback_root)
    # A link goes on leading to the same folder, and so to the same fallback.
    moves_fallback = before.is_dir() and not folder.is_symlink()
    if moves_fallback and (after / "data" / "PG_VERSION").exists():
        raise StateFolderNotMoved(f"{before} and {after} both hold a database. Move one of them away.")
    try:
        if moves_fallback:
            shutil.rmtree(after, ignore_errors=True)
            before.rename(after)
        try:
            folder.rename(state_dir)
        except OSError:
            if moves_fallback:
                after.rename(before)
            raise
    except OSError as error:
        raise StateFolderNotMoved(_refused(folder, error)) from error


def _refused(folder: Path, error: OSError) -> str:
    return (
        f"cannot adopt the data of an earlier release in {folder}: {error.strerror}. "
        "Run ./ava as the user who owns that folder."
    )


def _supervisor_pid(folder: Path) -> int | None:
    try:
        return int(json.loads((folder / "status.json").read_text())["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
