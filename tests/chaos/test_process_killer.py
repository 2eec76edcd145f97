"""The order of the kills depends on the options alone."""

from collections import Counter

from chaos.options import TARGETS, Options
from chaos.process_killer import kill_order


def test_every_target_is_killed_once_a_round_in_an_order_the_seed_decides() -> None:
    first = kill_order(Options(seed=1, rounds=4))
    assert Counter(first) == dict.fromkeys(TARGETS, 4)
    assert first == kill_order(Options(seed=1, rounds=4))
    assert first != kill_order(Options(seed=2, rounds=4))
