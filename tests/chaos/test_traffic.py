"""The messages of a run depend on its options alone."""

from uuid import UUID

from chaos import traffic
from chaos.options import Options
from chaos.simulated_users import SimulatedUser

USERS = [SimulatedUser(UUID(int=n), f"+49151100{n:05d}", n) for n in range(7)]


def test_exactly_as_many_messages_are_sent_as_wanted_and_none_twice() -> None:
    messages = traffic.messages(Options(messages=100, users=7), USERS, 1_000_000)
    assert len(messages) == 100
    assert len({message["text"] for message in messages}) == 100


def test_each_user_sends_in_order_a_second_apart_in_the_recent_past() -> None:
    messages = traffic.messages(Options(messages=100, users=7), USERS, 1_000_000)
    for user in USERS:
        times = [message["timestamp"] for message in messages if message["number"] == user.number]
        assert times == list(range(times[0], times[0] + len(times)))
        assert times[-1] < 1_000_000
