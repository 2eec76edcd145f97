"""The order of kills and outages depends on the options alone."""

from collections import Counter

from chaos.options import OUTAGES, TARGETS, Options
from chaos.process_killer import blow_order


def test_every_target_and_outage_has_its_turn_once_a_round_in_an_order_the_seed_decides() -> None:
    first = blow_order(Options(seed=1, rounds=4))
    assert Counter(first) == dict.fromkeys((*TARGETS, *OUTAGES), 4)
    assert first == blow_order(Options(seed=1, rounds=4))
    assert first != blow_order(Options(seed=2, rounds=4))
