"""Where a number must be confirmed: the page shows the code, and the phone that sends it is linked."""

import re
from collections.abc import Iterator

import pytest
from browser.visitor import Visitor
from playwright.sync_api import expect

from ava_local.handle import House
from ava_local.journey import some_number
from ava_local.places import free_base
from ava_local.telephone import Telephone


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house of its own that asks for a code."""
    asking = {
        "WHATSAPP_GATEWAY_LINK_CONFIRMATION": "code",
        "WHATSAPP_GATEWAY_DISPLAY_NUMBER": "+4930123456",
    }
    built = House(tmp_path_factory.mktemp("asking"), free_base(), asking)
    with built:
        yield built
    built.forget()


def test_a_number_is_linked_by_the_code_its_phone_sends(visitor: Visitor, house: House) -> None:
    number = some_number()
    visitor.arrive().link(number)
    visitor.says("One more step: send the code.")
    shown = visitor.page.get_by_text(re.compile("^Send the code"))
    expect(shown).to_be_visible()
    found = re.search(r"Send the code (\S+) from", shown.inner_text())
    assert found
    link = visitor.page.get_by_role("link", name="Open WhatsApp with the code")
    assert str(link.get_attribute("href")).startswith("https://wa.me/4930123456")
    expect(visitor.page.get_by_text(f"Waiting for the code from {number}.")).to_be_visible()
    Telephone(house.phone, number).write(found[1])
    expect(visitor.page.get_by_text(f"Linked: {number}.")).to_be_visible()
    expect(shown).to_be_hidden()
