"""What became of a sent message is told as contract section 1.5 says."""

ANNA = "+4915112345678"


async def test_a_message_is_sent_delivered_and_read_with_our_id_in_each(platform):
    await platform.say(text="hello")
    wamid = (await platform.send("hi", outbox_id="outbox-1")).json()["messages"][0]["id"]
    statuses = await platform.statuses(3)
    assert [status["status"] for status in statuses] == ["sent", "delivered", "read"]
    assert {status["biz_opaque_callback_data"] for status in statuses} == {"outbox-1"}
    assert {status["id"] for status in statuses} == {wamid}
    assert {status["recipient_id"] for status in statuses} == {"4915112345678"}


async def test_receipts_may_be_off(platform):
    await platform.client.put(f"/simulator/phones/{ANNA}", json={"reads": False})
    await platform.say(text="hello")
    await platform.send("hi")
    assert [s["status"] for s in await platform.statuses(2)] == ["sent", "delivered"]


async def test_without_callback_data_none_comes_back(platform):
    await platform.say(text="hello")
    await platform.send("hi")
    assert all("biz_opaque_callback_data" not in status for status in await platform.statuses(3))


async def test_contacts_come_with_success_and_the_username_not_with_sent(platform, receiver):
    await platform.client.put(f"/simulator/phones/{ANNA}", json={"username": "anna"})
    await platform.say(text="hello")
    await platform.send("hi")
    await platform.statuses(3)
    names = [v["contacts"][0]["profile"].get("username") for v in receiver.values() if "statuses" in v]
    assert names == [None, "anna", "anna"]


async def test_statuses_can_come_in_the_wrong_order(platform):
    await platform.change(statuses={"out_of_order": True})
    await platform.say(text="hello")
    for n in range(6):
        await platform.send(f"hi {n}")
    statuses = await platform.statuses(18)
    orders = {}
    for status in statuses:
        orders.setdefault(status["id"], []).append(status["status"])
    assert any(order != ["sent", "delivered", "read"] for order in orders.values())


async def test_a_status_can_come_before_the_answer(platform, receiver):
    await platform.change(statuses={"before_response": 1.0})
    await platform.say(text="hello")
    await platform.send("hi", outbox_id="early")
    assert receiver.items("statuses")[0]["biz_opaque_callback_data"] == "early"


async def test_a_phone_that_cannot_be_reached_fails_later_without_contacts(platform, receiver):
    await platform.say(text="hello")
    await platform.client.put(f"/simulator/phones/{ANNA}", json={"reachable": False})
    assert (await platform.send("hi", outbox_id="lost")).status_code == 200
    status = (await platform.statuses(1))[0]
    assert (status["status"], status["errors"][0]["code"]) == ("failed", 131026)
    assert status["biz_opaque_callback_data"] == "lost"
    assert "contacts" not in receiver.values()[-1]
    assert await platform.received() == []


async def test_a_number_without_a_phone_fails_the_same_way(platform):
    assert (await platform.send("hi", to="+4915999999999")).status_code == 200
    assert (await platform.statuses(1))[0]["errors"][0]["code"] == 131026


async def test_statuses_can_be_switched_off_and_made_by_hand(platform, receiver):
    await platform.change(statuses={"enabled": False})
    await platform.say(text="hello")
    await platform.send("hi")
    await platform.post("/statuses", id="wamid.mine", status="played", timestamp="1750000000")
    await platform.quiet()
    assert [status["status"] for status in receiver.items("statuses")] == ["played"]
