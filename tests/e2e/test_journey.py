"""The journey of a person with Ava, through Caddy and real processes."""

import json

import pytest

from ava_local.handle import House
from ava_local.journey import Journey
from e2e.people import Somebody, eventually, words


def test_the_journey_goes_as_it_is_told(house: House) -> None:
    steps = list(Journey(house.form, house.phone).play())
    assert [step.problem for step in steps] == [None] * 10


def test_two_people_at_once_each_get_their_own_echo(house: House) -> None:
    first, second = Somebody(house).settle_in(), Somebody(house).settle_in()
    mine, theirs = words("mine"), words("theirs")
    first.phone.write(mine)
    second.phone.write(theirs)
    assert [mine in text for text in first.phone.hear()] == [True]
    assert [theirs in text for text in second.phone.hear()] == [True]
    assert mine not in json.dumps(second.messages())
    assert theirs not in json.dumps(first.messages())


def test_a_person_without_an_avatar_is_still_answered(house: House) -> None:
    person = Somebody(house).link()
    text = words()
    person.phone.write(text)
    assert text in person.phone.hear()[0]
    turns = eventually(person.messages, lambda found: len(found) == 2)
    assert [turn["avatar_id"] for turn in turns] == [None, None]


def test_what_a_stranger_wrote_is_answered_once_their_number_is_linked(house: House) -> None:
    person = Somebody(house)
    text = words("before linking")
    person.phone.write(text)
    polite = person.phone.hear()
    assert len(polite) == 1
    assert text not in polite[0]
    person.link()
    heard = person.phone.hear()
    assert len(heard) == 1
    assert text in heard[0]
    turns = eventually(person.messages, lambda found: len(found) == 2)
    assert [turn["role"] for turn in turns] == ["user", "assistant"]


def test_one_trace_runs_from_the_webhook_to_the_echo(house: House) -> None:
    person = Somebody(house).settle_in()
    earlier = len(webhooks(house))
    wamid = person.phone.write(words())
    assert person.phone.hear()
    turn = eventually(person.messages, lambda found: len(found) == 2)[0]
    assert turn["external_id"] == wamid

    def traces(process: str) -> set[str]:
        lines = [json.loads(line) for line in house.log(process).splitlines() if line.startswith("{")]
        return {line["trace_id"] for line in lines if "trace_id" in line}

    received = set(webhooks(house)[earlier:])
    assert received & traces("profile") & traces("messaging")


def webhooks(house: House) -> list[str]:
    """The traces of the deliveries the gateway answered so far."""
    return [
        json.loads(line)["trace_id"]
        for line in house.log("whatsapp-gateway").splitlines()
        if line.startswith("{") and '"route":"/webhooks/whatsapp"' in line and "trace_id" in line
    ]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("process", ["whatsapp-gateway", "messaging", "profile", "auth", "postgres"])
def test_a_message_sent_while_a_process_is_dead_is_echoed_once(house: House, process: str) -> None:
    person = Somebody(house).settle_in()
    before, after = words("before"), words("after")
    person.phone.write(before)
    pid = house.kill(process)
    person.phone.write(after)
    house.wait_ready(process, since=pid)
    heard: list[str] = []
    eventually(lambda: heard.extend(person.phone.hear(wait=1)) or heard, lambda found: len(found) >= 2, 120)
    # Neither had been acknowledged for sure when the process died, so either may come first.
    assert sorted(heard) == sorted([before, after])
    house.wait_ready()
    turns = eventually(person.messages, lambda found: len(found) == 4)
    assert sorted(turn["role"] for turn in turns) == ["assistant", "assistant", "user", "user"]


def test_deleting_an_account_takes_everything_along_and_nothing_else(house: House) -> None:
    leaving, staying = Somebody(house).settle_in(), Somebody(house).settle_in()
    for person in (leaving, staying):
        person.phone.write(words())
        assert person.phone.hear()
        eventually(person.messages, lambda found: len(found) == 2)
    kept = staying.everything()
    exported = leaving.http.get("/auth/export")
    assert exported.status_code == 200
    assert leaving.number in exported.text
    leaving.ask("DELETE", "/auth/account", 204, json={"password": leaving.password})
    assert leaving.http.post(
        "/auth/login", json={"email": leaving.email, "password": leaving.password}
    ).status_code in (400, 401)
    assert leaving.http.get("/messages").json().get("messages", []) == []
    assert staying.everything() == kept
    staying.ask("PUT", "/profile/preferences/whatsapp", 200, json={"phone": leaving.number})
