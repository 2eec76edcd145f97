"""A path given to `./ava test` replaces all others."""

from ava_local.devtools import pytest_runner


def test_a_path_given_to_the_tests_replaces_all_of_them() -> None:
    assert pytest_runner.paths_in(["-k", "word", "tests/chaos/test_run.py::test_x", "-x"]) == [
        "tests/chaos/test_run.py::test_x"
    ]
    assert pytest_runner.paths_in(["-x", "--lf"]) == []


def test_a_tier_is_given_by_its_name() -> None:
    assert pytest_runner.with_folders(["deploy", "-x", "tests/edge"]) == ["tests/deploy", "-x", "tests/edge"]
