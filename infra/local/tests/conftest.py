"""A folder that PostgreSQL can use although it runs as another user."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def open_folder(processes: None) -> Iterator[Path]:
    """Open to all users. Not below pytest's own folder: any other run on this machine closes that again."""
    folder = Path(tempfile.mkdtemp(prefix="ava-open-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
