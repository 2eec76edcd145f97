"""Webhooks come batched, shuffled, duplicated, late and in parallel when the plan says so."""

from ..conftest import Receiver, Simulator

ANNA = "+4915112345678"


async def send_many(simulator: Simulator, count: int, phones: int = 1) -> list[str]:
    messages = [{"number": f"+4915100000{n % phones:03d}", "text": f"message {n}"} for n in range(count)]
    return list((await simulator.post("/messages", messages=messages))["ids"])


def delivered_ids(receiver: Receiver) -> list[str]:
    return [message["id"] for message in receiver.items()]


async def test_a_thousand_messages_fit_into_one_webhook(simulator: Simulator, receiver: Receiver) -> None:
    await simulator.change(delivery={"batch": 1000, "gather": 0.05})
    ids = await send_many(simulator, 1000, phones=20)
    await simulator.wait_until_idle()
    assert len(receiver.posts) == 1
    assert len(receiver.posts[0][1]) < 3_000_000
    assert delivered_ids(receiver) == ids
    entries = receiver.bodies()[0]["entry"]
    assert len(entries) > 1
    assert any(len(entry["changes"]) > 1 for entry in entries)


async def test_a_batch_is_never_larger_than_the_plan_says(simulator: Simulator, receiver: Receiver) -> None:
    await simulator.change(delivery={"batch": 10, "gather": 0.05})
    await send_many(simulator, 95)
    await simulator.wait_until_idle()
    sizes = sorted(str(body).count("'timestamp'") for body in receiver.bodies())
    assert sizes == [5] + [10] * 9


async def test_every_sender_in_a_change_has_one_contact(simulator: Simulator, receiver: Receiver) -> None:
    await simulator.change(delivery={"batch": 1000, "gather": 0.05})
    await send_many(simulator, 200, phones=3)
    await simulator.wait_until_idle()
    for value in receiver.values():
        assert {c["wa_id"] for c in value["contacts"]} == {m["from"] for m in value["messages"]}
        assert len(value["contacts"]) <= 3


async def test_shuffling_changes_the_order_and_loses_nothing(
    simulator: Simulator, receiver: Receiver
) -> None:
    await simulator.change(delivery={"batch": 1000, "gather": 0.05, "shuffle": True})
    ids = await send_many(simulator, 100)
    await simulator.wait_until_idle()
    assert delivered_ids(receiver) != ids
    assert sorted(delivered_ids(receiver)) == sorted(ids)


async def test_the_seed_decides_what_is_duplicated(simulator: Simulator, receiver: Receiver) -> None:
    duplicated = []
    for _ in range(2):
        receiver.posts.clear()
        await simulator.post("/reset", seed=3)
        await simulator.change(delivery={"duplicates": 0.2})
        await send_many(simulator, 100)
        await simulator.wait_until_idle()
        texts = [message["text"]["body"] for message in receiver.items()]
        duplicated.append({text for text in texts if texts.count(text) > 1})
    assert 5 < len(duplicated[0]) < 40
    assert duplicated[0] == duplicated[1]


async def test_an_item_can_be_sent_many_times(simulator: Simulator, receiver: Receiver) -> None:
    await simulator.change(delivery={"duplicates": 1, "copies": 4})
    ids = await send_many(simulator, 3)
    await simulator.wait_until_idle()
    assert {delivered_ids(receiver).count(wamid) for wamid in ids} == {5}


async def test_delays_reorder_what_was_sent_one_after_the_other(
    simulator: Simulator, receiver: Receiver
) -> None:
    await simulator.change(delivery={"delay": 0.5})
    ids = await send_many(simulator, 30)
    await simulator.wait_until_idle()
    assert delivered_ids(receiver) != ids
    assert sorted(delivered_ids(receiver)) == sorted(ids)


async def test_webhooks_come_in_parallel_but_not_more_than_the_plan_allows(
    simulator: Simulator, receiver: Receiver
) -> None:
    receiver.answering.clear()
    await simulator.change(delivery={"concurrency": 4})
    await send_many(simulator, 30)
    await simulator.wait_for_in_flight(4)
    receiver.answering.set()
    await simulator.wait_until_idle()
    assert receiver.max_in_flight == 4


async def test_a_plan_with_an_unknown_name_is_refused_and_changes_nothing(simulator: Simulator) -> None:
    before = await simulator.get("/plan")
    for change in (
        {"delivery": {"bach": 3}},
        {"delivery": {"batch": 1001}},
        {"faults": [{"kind": "sneeze"}]},
    ):
        answer = await simulator.client.patch("/simulator/plan", json=change)
        assert answer.status_code == 400
        assert answer.json()["error"]
    assert await simulator.get("/plan") == before
