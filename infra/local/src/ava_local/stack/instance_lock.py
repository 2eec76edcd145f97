"""The lock that allows one supervisor per state folder."""

import fcntl
import os
from pathlib import Path

from ava_local.expected_error import ExpectedError
from ava_local.stack.layout import StackLayout


class AlreadyRunning(ExpectedError):
    """A supervisor for this state folder is running already."""


def acquire(layout: StackLayout) -> int:
    """Lock the state folder until the returned descriptor is closed. Raises AlreadyRunning."""
    descriptor = os.open(lock_path(layout), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise AlreadyRunning from None
    return descriptor


def lock_path(layout: StackLayout) -> Path:
    return layout.state_dir / "supervisor.lock"
