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
def test_a_tier_of_hosts_runs_in_two_processes(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    [(folder, file)] = pytest_runner.BESIDE.items()
    assert (ROOT / file).exists()
    assert pytest_runner.run_pytest([folder, "--collect-only"]) == 0
    printed = capfdbinary.readouterr().out.decode()
    assert printed.index("test_compose_on_an_engine") < printed.index("test_systemd_on_debian")
    assert printed.count("::test_the_journey_leads_through_the_composed_caddy") == 1


@pytest.mark.parametrize(
    ("codes", "code"), [({0}, 0), ({0, 1}, 1), ({2, 5}, 2), ({0, 5}, 0), ({5}, pytest_runner.NOTHING_CHOSEN)]
)
def test_both_must_pass_and_one_may_have_nothing_to_do(codes: set[int], code: int) -> None:
    assert pytest_runner.code_of_both(codes) == code
