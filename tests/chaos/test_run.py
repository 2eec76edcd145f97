"""A run passes only if it finished, every message was sent and no invariant was violated."""

from dataclasses import replace

import pytest

from chaos.fault_settings import CONCURRENCY
from chaos.invariants import MUST_BE_ZERO, Counts
from chaos.options import Options
from chaos.run import Report

GOOD = Report(
    Options(messages=10), Counts(sent=10), {"whatsapp-gateway": 1}, 1.0, finished=True, state_dir=""
)


def test_a_good_run_is_good() -> None:
    assert GOOD.ok


def test_a_run_that_never_finished_is_not() -> None:
    assert not replace(GOOD, finished=False).ok


def test_a_run_in_which_too_little_was_sent_is_not() -> None:
    assert not replace(GOOD, counts=Counts(sent=9)).ok


@pytest.mark.parametrize("name", MUST_BE_ZERO)
def test_a_single_violation_is_enough(name: str) -> None:
    assert not replace(GOOD, counts=replace(Counts(sent=10), **{name: 1})).ok


def test_an_outage_of_the_platform_costs_no_more_sends_than_were_in_flight() -> None:
    few = replace(GOOD, killed={"graph away": 1}, counts=Counts(sent=10, away_sends=CONCURRENCY + 5))
    assert few.ok
    assert not replace(few, counts=Counts(sent=10, away_sends=CONCURRENCY + 6)).ok
