"""What is edited or deleted on the phone is so on the page, also where it was shown already."""

import httpx
from browser.visitor import Visitor
from playwright.sync_api import expect

from ava_local.demo.phone_client import PhoneClient
from ava_local.demo.user_journey import random_phone_number
from ava_local.stack.control import Stack


def test_a_message_that_is_shown_changes_with_the_one_on_the_phone(visitor: Visitor, stack: Stack) -> None:
    number = random_phone_number()
    visitor.arrive().link(number)
    visitor.says("The number is linked.")
    message_id = PhoneClient(stack.simulator_url, number).send("a slip")
    expect(visitor.messages()).to_have_count(2)
    turn = visitor.messages().last
    expect(turn).to_contain_text("You (whatsapp): a slip")

    def change(**what: str) -> None:
        where = f"{stack.simulator_url}/simulator/phones/{number}/messages"
        httpx.post(where, json={"message_id": message_id, **what}, trust_env=False).raise_for_status()

    change(type="edit", text="never mind")
    expect(turn).to_contain_text("You (whatsapp): never mind (edited)")
    change(type="revoke")
    expect(turn).to_contain_text("You (whatsapp): (deleted on the phone)")
    expect(turn).not_to_contain_text("(edited)")
    assert visitor.messages().count() == 2
