"""The delays between restarts grow up to a limit."""

from ava_local.supervisor.restart_policy import RestartPolicy


def test_delays_grow_up_to_a_limit() -> None:
    policy = RestartPolicy(initial_delay_seconds=0.1, max_delay_seconds=1)
    delays = [policy.delay_after(failures) for failures in range(1, 8)]
    assert delays == sorted(delays)
    assert (delays[0], delays[-1]) == (0.1, 1)
