"""PostgreSQL's programs are found, or copied to where the server's user can run them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ava_local.ports import free_port
from ava_local.postgres.cluster import Cluster
from ava_local.postgres.server_binaries import PostgresNotInstalled, installed_binaries

from .conftest import AS_ROOT


def test_a_missing_version_is_reported_with_how_to_install_it(open_folder: Path) -> None:
    with pytest.raises(PostgresNotInstalled, match="PostgreSQL 9 is not installed"):
        Cluster(open_folder / "postgres", free_port(), version=9).create()


@AS_ROOT
def test_programs_in_a_closed_folder_are_copied_to_where_the_servers_user_can_run_them(
    closed_folder: Path, open_folder: Path
) -> None:
    installed = installed_binaries(18)
    assert installed
    package = installed.parents[1]
    site = closed_folder / "site-packages"
    shutil.copytree(installed.parent, site / package.name / installed.parent.name, symlinks=True)
    (site / package.name / "__init__.py").touch()
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(libraries, site / libraries.name)
    program = """
import sys
from pathlib import Path
from pathlib import Path
from ava_local.ports import free_port
from ava_local.postgres.cluster import Cluster
cluster = Cluster(Path(sys.argv[1]), free_port(), durable=False, fallback_root=Path(sys.argv[2]))
cluster.start()
print(cluster.command()[0])
cluster.destroy()
"""
    result = subprocess.run(
        [sys.executable, "-c", program, closed_folder / "postgres", open_folder / "fallback"],
        env=os.environ | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(str(open_folder / "fallback"))
    assert not any((open_folder / "fallback").iterdir())
