"""The user journey, through Caddy and real processes."""

import json

import pytest

from ava_local.demo.user_journey import UserJourney
from ava_local.stack.control import Stack
from e2e.people import Person, eventually, unique_text


def test_every_step_of_the_journey_passes(stack: Stack) -> None:
    steps = list(UserJourney(stack.public_url, stack.simulator_url).run())
    assert [step.problem for step in steps] == [None] * 10


def test_two_users_at_once_each_get_their_own_echo(stack: Stack) -> None:
    first, second = Person(stack).set_up(), Person(stack).set_up()
    mine, theirs = unique_text("mine"), unique_text("theirs")
    first.phone.send(mine)
    second.phone.send(theirs)
    assert [mine in text for text in first.phone.receive()] == [True]
    assert [theirs in text for text in second.phone.receive()] == [True]
    assert mine not in json.dumps(second.messages())
    assert theirs not in json.dumps(first.messages())


def test_a_user_without_an_avatar_is_still_answered(stack: Stack) -> None:
    person = Person(stack).link()
    text = unique_text()
    person.phone.send(text)
    assert text in person.phone.receive()[0]
    turns = eventually(person.messages, lambda found: len(found) == 2)
    assert [turn["avatar_id"] for turn in turns] == [None, None]


def test_what_an_unlinked_number_wrote_is_answered_once_it_is_linked(stack: Stack) -> None:
    person = Person(stack)
    text = unique_text("before linking")
    person.phone.send(text)
    polite = person.phone.receive()
    assert len(polite) == 1
    assert text not in polite[0]
    person.link()
    heard = person.phone.receive()
    assert len(heard) == 1
    assert text in heard[0]
    turns = eventually(person.messages, lambda found: len(found) == 2)
    assert [turn["role"] for turn in turns] == ["user", "assistant"]


def test_one_trace_runs_from_the_webhook_to_the_echo(stack: Stack) -> None:
    person = Person(stack).set_up()
    earlier = len(webhook_traces(stack))
    wamid = person.phone.send(unique_text())
    assert person.phone.receive()
    turn = eventually(person.messages, lambda found: len(found) == 2)[0]
    assert turn["external_id"] == wamid

    def common_traces() -> set[str]:
        received = set(webhook_traces(stack)[earlier:])
        return received & set(traces(stack, "profile")) & set(traces(stack, "messaging"))

    assert eventually(common_traces, bool)


def traces(stack: Stack, process: str, containing: str = "") -> list[str]:
    """The trace ids in the log of a process, in order."""
    lines = [line for line in stack.log_text(process).splitlines() if line[:1] + line[-1:] == "{}"]
    logged = [json.loads(line) for line in lines if containing in line]
    return [entry["trace_id"] for entry in logged if "trace_id" in entry]


def webhook_traces(stack: Stack) -> list[str]:
    """The trace ids of all deliveries that the gateway has answered."""
    return traces(stack, "whatsapp-gateway", '"route":"/webhooks/whatsapp"')


@pytest.mark.timeout(300)
@pytest.mark.parametrize("process", ["whatsapp-gateway", "messaging", "profile", "auth", "postgres"])
def test_a_message_sent_while_a_process_is_down_is_echoed_once(stack: Stack, process: str) -> None:
    person = Person(stack).set_up()
    before, after = unique_text("before"), unique_text("after")
    person.phone.send(before)
    pid = stack.kill(process)
    person.phone.send(after)
    stack.wait_ready(process, since=pid)
    heard: list[str] = []

    def hear() -> list[str]:
        heard.extend(person.phone.receive(wait=1))
        return heard

    eventually(hear, lambda found: len(found) >= 2, 120)
    # Neither had been acknowledged for sure when the process died, so either may come first.
    assert sorted(heard) == sorted([before, after])
    stack.wait_ready()
    turns = eventually(person.messages, lambda found: len(found) == 4)
    assert sorted(turn["role"] for turn in turns) == ["assistant", "assistant", "user", "user"]


def test_deleting_an_account_deletes_everything_of_it_and_nothing_else(stack: Stack) -> None:
    leaving, staying = Person(stack).set_up(), Person(stack).set_up()
    for person in (leaving, staying):
        person.phone.send(unique_text())
        assert person.phone.receive()
        eventually(person.messages, lambda found: len(found) == 2)
    before = staying.everything()
    exported = leaving.http.get("/auth/export")
    assert exported.status_code == 200
    assert leaving.number in exported.text
    leaving.request("DELETE", "/auth/account", 204, json={"password": leaving.password})
    assert leaving.http.post(
        "/auth/login", json={"email": leaving.email, "password": leaving.password}
    ).status_code in (400, 401)
    assert leaving.http.get("/messages").json().get("messages", []) == []
    assert staying.everything() == before
    staying.request("PUT", "/profile/preferences/whatsapp", 200, json={"phone": leaving.number})
