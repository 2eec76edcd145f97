"""What is said and who is killed follow the options alone."""

from collections import Counter
from uuid import UUID

from ava_local.chaos import killing, misfortune, traffic
from ava_local.chaos.options import VICTIMS, Options
from ava_local.chaos.people import Person
from ava_local.whatsapp_simulator.plan import Plan

PEOPLE = [Person(UUID(int=n), f"+49151100{n:05d}", n) for n in range(7)]


def test_exactly_as_many_messages_are_said_as_wanted_and_none_twice():
    said = traffic.messages(Options(messages=100, people=7), PEOPLE, 1_000_000)
    assert len(said) == 100
    assert len({message["text"] for message in said}) == 100


def test_each_person_speaks_in_order_a_second_apart_in_the_recent_past():
    said = traffic.messages(Options(messages=100, people=7), PEOPLE, 1_000_000)
    for person in PEOPLE:
        times = [message["timestamp"] for message in said if message["number"] == person.number]
        assert times == list(range(times[0], times[0] + len(times)))
        assert times[-1] < 1_000_000


def test_every_victim_dies_once_a_round_in_an_order_the_seed_decides():
    first = killing.order(Options(seed=1, rounds=4))
    assert Counter(first) == dict.fromkeys(VICTIMS, 4)
    assert first == killing.order(Options(seed=1, rounds=4))
    assert first != killing.order(Options(seed=2, rounds=4))


def test_the_plan_is_as_bad_as_promised():
    plan = Plan().changed(misfortune.plan(Options()))
    rates = Counter()
    for fault in plan.faults:
        rates[fault.kind == "timeout"] += fault.rate
    assert round(rates[True], 6) == round(rates[False], 6) == 0.05
    assert (plan.delivery.duplicates, plan.delivery.shuffle) == (0.1, True)
    assert plan.delivery.batch > 1
