"""The statuses of a sent message are those that Meta sends.

See docs/contracts/whatsapp-cloud-api.md#statuses.
"""

from ..conftest import Receiver, Simulator

ANNA = "+4915112345678"


async def test_a_message_is_sent_delivered_and_read_with_our_id_in_each(simulator: Simulator) -> None:
    await simulator.send_from_phone(text="hello")
    wamid = (await simulator.send("hi", outbox_id="outbox-1")).json()["messages"][0]["id"]
    statuses = await simulator.statuses(3)
    assert [status["status"] for status in statuses] == ["sent", "delivered", "read"]
    assert {status["biz_opaque_callback_data"] for status in statuses} == {"outbox-1"}
    assert {status["id"] for status in statuses} == {wamid}
    assert {status["recipient_id"] for status in statuses} == {"4915112345678"}


async def test_receipts_may_be_off(simulator: Simulator) -> None:
    await simulator.client.put(f"/simulator/phones/{ANNA}", json={"reads": False})
    await simulator.send_from_phone(text="hello")
    await simulator.send("hi")
    assert [s["status"] for s in await simulator.statuses(2)] == ["sent", "delivered"]


async def test_without_callback_data_none_comes_back(simulator: Simulator) -> None:
    await simulator.send_from_phone(text="hello")
    await simulator.send("hi")
    assert all("biz_opaque_callback_data" not in status for status in await simulator.statuses(3))


async def test_contacts_come_with_success_and_the_username_not_with_sent(
    simulator: Simulator, receiver: Receiver
) -> None:
    await simulator.client.put(f"/simulator/phones/{ANNA}", json={"username": "anna"})
    await simulator.send_from_phone(text="hello")
    await simulator.send("hi")
    await simulator.statuses(3)
    names = [v["contacts"][0]["profile"].get("username") for v in receiver.values() if "statuses" in v]
    assert names == [None, "anna", "anna"]


async def test_statuses_can_come_in_the_wrong_order(simulator: Simulator) -> None:
    await simulator.change(statuses={"out_of_order": True})
    await simulator.send_from_phone(text="hello")
    for n in range(6):
        await simulator.send(f"hi {n}")
    statuses = await simulator.statuses(18)
    orders: dict[str, list[str]] = {}
    for status in statuses:
        orders.setdefault(status["id"], []).append(status["status"])
    assert any(order != ["sent", "delivered", "read"] for order in orders.values())


async def test_a_status_can_come_before_the_answer(simulator: Simulator, receiver: Receiver) -> None:
    await simulator.change(statuses={"before_response": 1.0})
    await simulator.send_from_phone(text="hello")
    await simulator.send("hi", outbox_id="early")
    assert receiver.items("statuses")[0]["biz_opaque_callback_data"] == "early"


async def test_a_phone_that_cannot_be_reached_fails_later_without_contacts(
    simulator: Simulator, receiver: Receiver
) -> None:
    await simulator.send_from_phone(text="hello")
    await simulator.client.put(f"/simulator/phones/{ANNA}", json={"reachable": False})
    assert (await simulator.send("hi", outbox_id="lost")).status_code == 200
    status = (await simulator.statuses(1))[0]
    assert (status["status"], status["errors"][0]["code"]) == ("failed", 131026)
    assert status["biz_opaque_callback_data"] == "lost"
    assert "contacts" not in receiver.values()[-1]
    assert await simulator.received() == []


async def test_a_number_without_a_phone_fails_the_same_way(simulator: Simulator) -> None:
    assert (await simulator.send("hi", to="+4915999999999")).status_code == 200
    assert (await simulator.statuses(1))[0]["errors"][0]["code"] == 131026


async def test_statuses_can_be_switched_off_and_made_by_hand(
    simulator: Simulator, receiver: Receiver
) -> None:
    await simulator.change(statuses={"enabled": False})
    await simulator.send_from_phone(text="hello")
    await simulator.send("hi")
    await simulator.post("/statuses", id="wamid.mine", status="played", timestamp="1750000000")
    await simulator.wait_until_idle()
    assert [status["status"] for status in receiver.items("statuses")] == ["played"]
