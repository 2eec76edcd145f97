"""The outside, the versions and the hosts; one box runs at a time."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy import machine, roots, wheels
from deploy.outside import Outside, outside
from deploy.versions import Versions


@pytest.fixture(scope="package")
def can_run(processes: None) -> None:
    """Skips, or fails in CI, where boxes cannot run; makes what is cached."""
    machine.require()
    roots.build(roots.ENGINE, roots.DEBIAN)
    wheels.fetch()


@pytest.fixture(scope="package")
def versions(can_run: None, tmp_path_factory: pytest.TempPathFactory) -> Versions:
    return Versions(tmp_path_factory.mktemp("versions") / "ava")


@pytest.fixture(scope="module")
def around(can_run: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    """PostgreSQL and the stand-ins."""
    folder: Path = tmp_path_factory.mktemp("outside")
    with outside(folder) as running:
        yield running
