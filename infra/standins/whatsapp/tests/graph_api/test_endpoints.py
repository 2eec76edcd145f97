"""The Graph API answers as Meta's does.

See docs/contracts/whatsapp-cloud-api.md#sending.
"""

from typing import Any

import httpx
import pytest

from ..conftest import Simulator

ANNA = "+4915112345678"


def text(**changed: object) -> dict[str, object]:
    body: dict[str, object] = {
        "messaging_product": "whatsapp",
        "to": ANNA,
        "type": "text",
        "text": {"body": "hi"},
    } | changed
    return {key: value for key, value in body.items() if value is not ...}


def error(answer: httpx.Response) -> tuple[int, int]:
    assert answer.json().keys() == {"error"}
    assert answer.json()["error"]["fbtrace_id"]
    return answer.status_code, answer.json()["error"]["code"]


async def test_a_sent_text_is_accepted_with_an_id_and_the_number_whatsapp_knows(simulator: Simulator) -> None:
    await simulator.send_from_phone(text="hello")
    answer = await simulator.send("hi", to="+49 151 1234-5678")
    assert answer.status_code == 200
    body = answer.json()
    assert body["messaging_product"] == "whatsapp"
    assert body["contacts"][0]["input"] == "+49 151 1234-5678"
    assert body["contacts"][0]["wa_id"] == "4915112345678"
    assert body["messages"][0]["id"].startswith("wamid.HBg")
    assert await simulator.received() == ["hi"]


async def test_the_number_whatsapp_knows_may_differ_from_the_number_written_to(simulator: Simulator) -> None:
    await simulator.client.put("/simulator/phones/+5511987654321", json={"wa_id": "551187654321"})
    await simulator.send_from_phone("+5511987654321", text="oi")
    answer = await simulator.send("oi", to="+5511987654321")
    assert answer.json()["contacts"][0]["wa_id"] == "551187654321"
    await simulator.send("again", to="551187654321")
    assert await simulator.received("+5511987654321") == ["oi", "again"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (text(messaging_product=...), 100),
        (text(messaging_product="sms"), 100),
        (text(to=...), 131008),
        (text(to="unknown"), 131009),
        (text(to=4915112345678), 131009),
        (text(to=..., recipient="4915112345678"), 131009),
        (text(text=...), 131008),
        (text(text="hi"), 131008),
        (text(text={"body": ""}), 131008),
        (text(text={"body": 7}), 131008),
        (text(text={"body": "x" * 4097}), 100),
        (text(text={"body": "hi", "colour": "red"}), 100),
        (text(colour="red"), 100),
        (text(type="dance"), 131009),
        (text(recipient_type="crowd"), 131009),
        (text(context={"id": "wamid.1"}), 131009),
        (text(biz_opaque_callback_data="x" * 513), 100),
        (text(biz_opaque_callback_data=7), 100),
        ({"messaging_product": "whatsapp", "status": "read"}, 131008),
        ({"messaging_product": "whatsapp", "status": "seen", "message_id": "wamid.1"}, 131009),
        ({"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.1"}, 131009),
        ({"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.1", "to": ANNA}, 100),
        ([], 100),
    ],
)
async def test_a_wrong_body_is_refused_with_its_code_and_reaches_no_phone(
    simulator: Simulator, body: dict[str, Any] | dict[str, str] | list[Any], code: int
) -> None:
    await simulator.send_from_phone(text="hello")
    assert error(await simulator.graph(body)) == (400, code)
    assert await simulator.received() == []


async def test_text_and_callback_data_may_be_as_long_as_meta_allows(simulator: Simulator) -> None:
    await simulator.send_from_phone(text="hello")
    answer = await simulator.send("x" * 4096, outbox_id="y" * 512)
    assert answer.status_code == 200


async def test_broken_json_is_an_invalid_parameter(simulator: Simulator) -> None:
    headers = {"authorization": "Bearer token"}
    url = f"/v25.0/{simulator.number_id}/messages"
    answer = await simulator.client.post(url, content=b'{"messaging_product":', headers=headers)
    assert error(answer) == (400, 100)


@pytest.mark.parametrize("header", [b"Bearer wrong", b"Bearer", b"Basic token", b"Bearer tok\xc3\xa9n"])
async def test_a_wrong_token_is_refused(simulator: Simulator, header: bytes) -> None:
    url = f"/v25.0/{simulator.number_id}/messages"
    answer = await simulator.client.post(url, json=text(), headers={b"authorization": header})
    assert error(answer) == (401, 190)


async def test_another_phone_number_id_does_not_exist(simulator: Simulator) -> None:
    answer = await simulator.graph(text(), number_id="12345")
    assert error(answer) == (400, 100)
    assert answer.json()["error"]["error_subcode"] == 33
    assert answer.json()["error"]["type"] == "GraphMethodException"


async def test_an_unknown_path_is_named_as_one(simulator: Simulator) -> None:
    assert error(await simulator.client.post("/v25.0/1/2/3")) == (400, 2500)


async def test_the_business_number_can_be_looked_up(simulator: Simulator) -> None:
    headers = {"authorization": "Bearer token"}
    answer = await simulator.client.get(f"/v25.0/{simulator.number_id}", headers=headers)
    assert answer.json()["id"] == simulator.number_id
    assert error(await simulator.client.get(f"/v25.0/{simulator.number_id}")) == (401, 190)


async def test_marking_as_read_shows_read_and_typing(simulator: Simulator) -> None:
    sent = await simulator.send_from_phone(text="hello")
    read = {"messaging_product": "whatsapp", "status": "read", "message_id": sent["id"]}
    answer = await simulator.graph(read | {"typing_indicator": {"type": "text"}})
    assert answer.json() == {"success": True}
    conversation = await simulator.get(f"/phones/{ANNA}/conversation")
    assert conversation["typing"] is True
    assert [entry["state"] for entry in conversation["entries"]] == ["read"]
    await simulator.send("answer")
    assert (await simulator.get(f"/phones/{ANNA}/conversation"))["typing"] is False


async def test_a_user_without_a_visible_number_is_reached_by_user_id(simulator: Simulator) -> None:
    phone = (await simulator.client.put(f"/simulator/phones/{ANNA}", json={"hidden": True})).json()
    await simulator.send_from_phone(text="hello")
    answer = await simulator.graph(text(to=..., recipient=phone["user_id"]))
    assert answer.json()["contacts"] == [{"input": phone["user_id"], "user_id": phone["user_id"]}]
    assert await simulator.received() == ["hi"]
    statuses = await simulator.statuses(3)
    assert all("recipient_id" not in s and s["recipient_user_id"] == phone["user_id"] for s in statuses)
