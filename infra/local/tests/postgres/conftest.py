"""Folders that other users can or cannot enter, and a small server."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from ava_local.ports import free_port
from ava_local.postgres.cluster import Cluster
from ava_local.testing.databases import Database, drop_database, new_database

IS_ROOT = os.geteuid() == 0
AS_ROOT = pytest.mark.skipif(not IS_ROOT, reason="only root must step down")


@pytest.fixture
def closed_folder(processes: None) -> Iterator[Path]:
    """Closed to all other users, as a home folder is."""
    folder = Path(tempfile.mkdtemp(prefix="ava-closed-"))
    folder.chmod(0o700)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def running(open_folder: Path) -> Iterator[Cluster]:
    made = Cluster(open_folder / "postgres", free_port(), durable=False)
    made.start()
    yield made
    made.destroy()


@pytest_asyncio.fixture(loop_scope="session")
async def plain(cluster: Cluster) -> AsyncIterator[Database]:
    yield await new_database(cluster, "plain")
    await drop_database(cluster, "plain")
