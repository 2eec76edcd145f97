"""Prometheus comes unpacked out of Debian's packages: found, checked, and refused when it is another file."""

from pathlib import Path

import pytest

from ava_local.devtools import prometheus_programs
from ava_local.devtools.prometheus_programs import PINNED, PROGRAMS, PrometheusNotAvailable


def test_a_file_that_is_not_the_pinned_one_is_refused_and_deleted(tmp_path: Path) -> None:
    for name in PINNED:
        file = tmp_path / name.replace("+", "%2b")
        file.write_bytes(b"something else")
        with pytest.raises(PrometheusNotAvailable, match="is not the file that it was"):
            prometheus_programs.check(file)
        assert not file.exists()


def test_a_newer_file_is_left_to_apts_own_check(tmp_path: Path) -> None:
    file = tmp_path / "prometheus_99.0_amd64.deb"
    file.write_bytes(b"newer")
    prometheus_programs.check(file)
    assert file.exists()


def test_each_package_has_a_pinned_file() -> None:
    assert {name.partition("_")[0] for name in PINNED} == set(PROGRAMS)


@pytest.mark.usefixtures("processes")
def test_all_programs_are_there_after_the_installation() -> None:
    try:
        prometheus_programs.install()
    except PrometheusNotAvailable as missing:
        pytest.skip(f"NOT TESTED: {missing}")
    assert prometheus_programs.are_available()
    prometheus_programs.install()  # a second time does nothing
