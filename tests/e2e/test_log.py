"""The log of a real stack: in the order of the conversation, and as the phone has it.

Decisions 0140 and 0141.
"""

from typing import Any

import httpx

from ava_local.stack.control import Stack
from e2e.people import Person, eventually, unique_text


def does(stack: Stack, person: Person, **message: Any) -> None:
    """What the phone does with a message: edit or delete it."""
    url = f"{stack.simulator_url}/simulator/phones/{person.number}/messages"
    httpx.post(url, json=message, timeout=60).raise_for_status()


def contents(person: Person) -> list[str]:
    return [message["content"] for message in person.messages()]


def test_quick_questions_and_answers_stand_as_they_were_said(stack: Stack) -> None:
    person, spoken = Person(stack).set_up(), list[str]()
    for number in range(4):
        text = unique_text(f"question {number}")
        person.phone.send(text)
        assert person.phone.receive()
        spoken += [text, text]
        eventually(lambda: len(person.messages()), (2 * number + 2).__eq__)
    assert contents(person) == spoken
    assert [message["role"] for message in person.messages()] == ["user", "assistant"] * 4


def test_an_edit_and_a_deletion_reach_the_log(stack: Stack) -> None:
    person = Person(stack).set_up()
    first, second = unique_text("my card is 4111"), unique_text("delete me please")
    ids = []
    for text in (first, second):
        ids.append(person.phone.send(text))
        assert person.phone.receive()
    eventually(person.messages, lambda found: len(found) == 4)
    does(stack, person, type="edit", message_id=ids[0], text="never mind")
    does(stack, person, type="revoke", message_id=ids[1])
    eventually(
        person.messages, lambda found: [found[0]["content"], found[2]["content"]] == ["never mind", ""]
    )
    assert contents(person) == ["never mind", first, "", second]
    assert person.phone.receive(wait=0) == []
