"""The delays between restarts grow up to a limit."""

from ava_local.supervisor.restart_policy import RestartPolicy


def test_patience_grows_and_has_an_end():
    patience = RestartPolicy(initial_delay_seconds=0.1, max_delay_seconds=1)
    pauses = [patience.delay_after(failures) for failures in range(1, 8)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (0.1, 1)
