"""Everything a phone can send, and everything else that can happen to it.

See docs/contracts/whatsapp-cloud-api.md#message-types.
"""

from typing import Any

import pytest

from ..conftest import Receiver, Simulator

ANNA = "+4915112345678"


@pytest.mark.parametrize(
    ("message", "node"),
    [
        ({"type": "image", "caption": "sea"}, {"caption": "sea", "mime_type": "image/jpeg"}),
        ({"type": "video"}, {"mime_type": "video/mp4"}),
        ({"type": "document"}, {"filename": "document.pdf"}),
        ({"type": "sticker"}, {"animated": False}),
        ({"type": "audio"}, {"voice": True}),
        ({"type": "location"}, {"latitude": 52.52}),
        ({"type": "interactive", "text": "No"}, {"type": "button_reply"}),
        ({"type": "button", "text": "No"}, {"text": "No"}),
        ({"type": "order"}, {"catalog_id": "194836987003835"}),
        (
            {"type": "reaction", "message_id": "wamid.1", "emoji": "👍"},
            {"emoji": "👍", "message_id": "wamid.1"},
        ),
        ({"type": "reaction", "message_id": "wamid.1"}, {"message_id": "wamid.1"}),
        ({"type": "edit", "message_id": "wamid.1", "text": "b"}, {"original_message_id": "wamid.1"}),
        ({"type": "revoke", "message_id": "wamid.1"}, {"original_message_id": "wamid.1"}),
        ({"type": "unsupported"}, {"type": "poll"}),
        ({"type": "dance", "content": {"steps": 3}}, {"steps": 3}),
    ],
)
async def test_every_type_brings_its_node(
    simulator: Simulator, receiver: Receiver, message: dict[str, Any], node: dict[str, Any]
) -> None:
    await simulator.send_from_phone(**message)
    item = receiver.items()[0]
    assert item["type"] == message["type"]
    assert item[message["type"]].items() >= node.items()


async def test_shared_contacts_are_a_list(simulator: Simulator, receiver: Receiver) -> None:
    await simulator.send_from_phone(type="contacts")
    assert receiver.items()[0]["contacts"][0]["origin"] == "other"


async def test_an_unsupported_message_carries_its_error(simulator: Simulator, receiver: Receiver) -> None:
    await simulator.send_from_phone(type="unsupported")
    assert receiver.items()[0]["errors"][0]["code"] == 131051


async def test_a_removed_reaction_has_no_emoji(simulator: Simulator, receiver: Receiver) -> None:
    await simulator.send_from_phone(type="reaction", message_id="wamid.1")
    assert "emoji" not in receiver.items()[0]["reaction"]


async def test_a_reply_quotes_the_message_it_answers(simulator: Simulator, receiver: Receiver) -> None:
    await simulator.send_from_phone(text="why?", reply_to="wamid.1")
    assert receiver.items()[0]["context"] == {"from": "15550783881", "id": "wamid.1"}


async def test_a_hidden_phone_shows_ids_but_no_number(simulator: Simulator, receiver: Receiver) -> None:
    change = {"hidden": True, "username": "anna", "parent_user_id": "DE.ENT.1"}
    phone = (await simulator.client.put(f"/simulator/phones/{ANNA}", json=change)).json()
    await simulator.send_from_phone(text="hello")
    message, contact = receiver.items()[0], receiver.values()[0]["contacts"][0]
    assert "from" not in message
    assert "wa_id" not in contact
    assert "4915112345678" not in str(receiver.bodies()).replace(message["id"], "")
    assert message["from_user_id"] == contact["user_id"] == phone["user_id"]
    assert message["from_parent_user_id"] == contact["parent_user_id"] == "DE.ENT.1"
    assert contact["profile"]["username"] == "anna"


async def test_parts_can_be_left_out_and_added_as_a_test_needs(
    simulator: Simulator, receiver: Receiver
) -> None:
    extra = {"from": "US.1234", "timestamp": "1750000000000", "referral": {"source_id": "ad"}}
    await simulator.send_from_phone(text="hello", omit=["contacts", "user_id"], message=extra)
    message, value = receiver.items()[0], receiver.values()[0]
    assert "contacts" not in value
    assert "from_user_id" not in message
    assert message.items() >= extra.items()


async def test_a_group_message_names_its_group(simulator: Simulator, receiver: Receiver) -> None:
    await simulator.send_from_phone(text="hello all", group_id="120363")
    assert receiver.items()[0]["group_id"] == "120363"


async def test_a_new_number_is_reported_by_a_system_message_without_contacts(
    simulator: Simulator, receiver: Receiver
) -> None:
    await simulator.send_from_phone(text="hello")
    old = (await simulator.get("/phones"))["phones"][0]
    moved = await simulator.post(f"/phones/{ANNA}/number", to="+4917700000001")
    await simulator.wait_until_idle()
    message, value = receiver.items()[-1], receiver.values()[-1]
    new = (await simulator.get("/phones"))["phones"][0]
    assert moved["number"] == new["number"] == "+4917700000001"
    assert "contacts" not in value
    assert (message["from"], message["type"]) == ("4915112345678", "system")
    assert message["system"].items() >= {
        "type": "user_changed_number", "wa_id": "4917700000001",
        "user_id": new["user_id"], "previous_user_id": old["user_id"],
    }.items()  # fmt: skip
    assert new["user_id"] != old["user_id"]


async def test_a_new_user_id_is_reported_by_a_system_message(
    simulator: Simulator, receiver: Receiver
) -> None:
    await simulator.client.put(f"/simulator/phones/{ANNA}", json={"hidden": True})
    await simulator.send_from_phone(text="hello")
    renewed = await simulator.post(f"/phones/{ANNA}/user-id")
    await simulator.wait_until_idle()
    message = receiver.items()[-1]
    assert "from" not in message
    assert message["system"]["type"] == "user_changed_user_id"
    assert message["system"]["user_id"] == renewed["user_id"]
    await simulator.send_from_phone(text="me again")
    assert receiver.items()[-1]["from_user_id"] == renewed["user_id"]


async def test_what_the_business_app_sent_comes_back_as_an_echo_in_its_own_field(
    simulator: Simulator, receiver: Receiver
) -> None:
    await simulator.post("/echoes", number=ANNA, text="from the shop")
    await simulator.wait_until_idle()
    assert receiver.items() == []
    echo = receiver.items("message_echoes", "smb_message_echoes")[0]
    assert (echo["from"], echo["to"], echo["text"]) == (
        "15550783881", "4915112345678", {"body": "from the shop"},
    )  # fmt: skip


async def test_any_other_field_can_be_sent(simulator: Simulator, receiver: Receiver) -> None:
    await simulator.post("/fields", field="account_update", value={"event": "ACCOUNT_RESTRICTION"})
    await simulator.wait_until_idle()
    assert receiver.values("account_update") == [{"event": "ACCOUNT_RESTRICTION"}]


async def test_a_user_id_belongs_to_the_number_and_survives_a_reset(simulator: Simulator) -> None:
    await simulator.send_from_phone(text="hello")
    before = (await simulator.get("/phones"))["phones"][0]["user_id"]
    await simulator.post("/reset")
    first = await simulator.send_from_phone(text="hello")
    assert (await simulator.get("/phones"))["phones"][0]["user_id"] == before
    await simulator.post("/reset")
    assert (await simulator.send_from_phone(text="hello"))["id"] != first["id"]
