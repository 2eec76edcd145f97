"""A run is only good when it came to rest, everything was said, and nothing is wrong or unexplained."""

from dataclasses import replace

import pytest

from ava_local.chaos.misfortune import CONCURRENCY
from ava_local.chaos.options import Options
from ava_local.chaos.run import Report
from ava_local.chaos.verdict import MUST_BE_ZERO, Count

GOOD = Report(Options(messages=10), Count(said=10), {"whatsapp-gateway": 1}, 1.0, quiet=True, kept_in="")


def test_a_good_run_is_good():
    assert GOOD.ok


def test_a_run_that_never_came_to_rest_is_not():
    assert not replace(GOOD, quiet=False).ok


def test_a_run_in_which_too_little_was_said_is_not():
    assert not replace(GOOD, count=Count(said=9)).ok


@pytest.mark.parametrize("name", MUST_BE_ZERO)
def test_one_of_anything_wrong_is_enough(name):
    assert not replace(GOOD, count=replace(Count(said=10), **{name: 1})).ok


def test_calls_may_be_cut_off_by_kills_but_not_by_themselves():
    cut_off = Count(said=10, unresolved=1, cut_off=1)
    assert replace(GOOD, count=cut_off).ok
    assert not replace(GOOD, count=cut_off, killed={"profile": 3}).ok
    assert not replace(GOOD, count=replace(cut_off, cut_off=CONCURRENCY + 1)).ok
