"""Who counts echoes takes little from the cores that are measured."""

from bench.messages_sent import pause


def test_who_counts_echoes_asks_seldom_while_many_are_missing() -> None:
    assert [pause(missing) for missing in (500, 100, 10, 1)] == [0.2, 0.1, 0.02, 0.02]
