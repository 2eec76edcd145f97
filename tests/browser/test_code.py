"""Where a number must be confirmed, the page shows a code, and the phone that sends it is linked."""

import re
from collections.abc import Iterator

import pytest
from browser.visitor import Visitor
from playwright.sync_api import expect

from ava_local.demo.phone_client import PhoneClient
from ava_local.demo.user_journey import random_phone_number
from ava_local.ports import free_base_port
from ava_local.stack.control import Stack


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that asks for a code before it links a number."""
    asking = {
        "WHATSAPP_GATEWAY_LINK_CONFIRMATION": "code",
        "WHATSAPP_GATEWAY_DISPLAY_NUMBER": "+4930123456",
    }
    built = Stack(tmp_path_factory.mktemp("asking"), free_base_port(), asking)
    with built:
        yield built
    built.delete_data()


def test_a_number_is_linked_by_the_code_its_phone_sends(visitor: Visitor, stack: Stack) -> None:
    number = random_phone_number()
    visitor.arrive().link(number)
    visitor.says("Almost done: send us the code.")
    shown = visitor.page.get_by_text(re.compile("^Send the code"))
    expect(shown).to_be_visible()
    found = re.search(r"Send the code (\S+) from", shown.inner_text())
    assert found
    link = visitor.page.get_by_role("link", name="Open WhatsApp with the code")
    assert str(link.get_attribute("href")).startswith("https://wa.me/4930123456")
    expect(visitor.page.get_by_text(f"Waiting for the code from {number}.")).to_be_visible()
    PhoneClient(stack.simulator_url, number).send(found[1])
    expect(visitor.page.get_by_text(f"Linked: {number}.")).to_be_visible()
    expect(shown).to_be_hidden()
