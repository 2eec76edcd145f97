"""The data is stored where the server's user can reach it, also if the repository is closed to others."""

from pathlib import Path

import asyncpg
import pytest

from ava_local.ports import free_port
from ava_local.postgres.cluster import Cluster
from ava_local.postgres.data_location import NoReachableFolder, reachable_folder

from .conftest import AS_ROOT


def mode_of(folder: Path) -> int:
    return folder.stat().st_mode & 0o777


@AS_ROOT
async def test_from_a_closed_folder_the_data_goes_where_the_servers_user_can_enter(
    closed_folder: Path, open_folder: Path
) -> None:
    cluster = Cluster(
        closed_folder / "postgres", free_port(), durable=False, fallback_root=open_folder / "fallback"
    )
    cluster.start()
    await (await asyncpg.connect(cluster.url())).close()
    assert cluster.data.is_relative_to(open_folder / "fallback")
    assert (closed_folder / "postgres" / "superuser").exists()
    assert mode_of(closed_folder) == 0o700
    assert mode_of(cluster.data) == 0o700
    cluster.destroy()
    assert list((open_folder / "fallback").iterdir()) == []


@AS_ROOT
def test_without_any_reachable_folder_it_says_what_to_do(closed_folder: Path) -> None:
    nowhere = Path("/proc/nowhere")
    with pytest.raises(NoReachableFolder, match=r"chmod o\+x.*regular user"):
        reachable_folder(closed_folder / "postgres", nowhere)
    with pytest.raises(NoReachableFolder):
        reachable_folder(closed_folder / "postgres", closed_folder / "fallback")
    with pytest.raises(NoReachableFolder):
        Cluster(closed_folder / "postgres", free_port(), fallback_root=nowhere).create()
