"""A path given to `./ava test` replaces all others."""

import pytest

from ava_local.devtools import pytest_runner
from ava_local.repository import ROOT


def test_a_path_given_to_the_tests_replaces_all_of_them() -> None:
    assert pytest_runner.paths_in(["-k", "word", "tests/chaos/test_run.py::test_x", "-x"]) == [
        "tests/chaos/test_run.py::test_x"
    ]
    assert pytest_runner.paths_in(["-x", "--lf"]) == []


def test_a_tier_is_given_by_its_name() -> None:
    assert pytest_runner.with_folders(["deploy", "-x", "tests/edge"]) == ["tests/deploy", "-x", "tests/edge"]


@pytest.mark.usefixtures("processes")
def test_a_tier_of_hosts_runs_in_two_processes_and_both_must_pass(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    [(folder, file)] = pytest_runner.BESIDE.items()
    assert (ROOT / file).exists()
    assert pytest_runner.run_pytest([folder, "--collect-only"]) == 0
    printed = capfdbinary.readouterr().out.decode()
    assert printed.index("test_compose_on_an_engine") < printed.index("test_systemd_on_debian")
    assert printed.count("::test_the_journey_leads_through_the_composed_caddy") == 1
    every_block = "test_every_block_of_the_page_is_followed_by_a_test"
    assert pytest_runner.run_pytest([folder, "-k", every_block]) == 0
    assert pytest_runner.run_pytest([folder, "-k", "no_such_test"]) == pytest_runner.NOTHING_CHOSEN
