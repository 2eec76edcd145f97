"""Webhooks travel batched, shuffled, doubled, late and side by side when the plan says so."""

ANNA = "+4915112345678"


async def say_many(platform, count, phones=1):
    messages = [{"number": f"+4915100000{n % phones:03d}", "text": f"message {n}"} for n in range(count)]
    return (await platform.post("/messages", messages=messages))["ids"]


def told(receiver):
    return [message["id"] for message in receiver.items()]


async def test_a_thousand_messages_fit_into_one_webhook(platform, receiver):
    await platform.change(delivery={"batch": 1000, "gather": 0.05})
    ids = await say_many(platform, 1000, phones=20)
    await platform.quiet()
    assert len(receiver.posts) == 1
    assert len(receiver.posts[0][1]) < 3_000_000
    assert told(receiver) == ids
    entries = receiver.bodies()[0]["entry"]
    assert len(entries) > 1
    assert any(len(entry["changes"]) > 1 for entry in entries)


async def test_a_batch_is_never_larger_than_the_plan_says(platform, receiver):
    await platform.change(delivery={"batch": 10, "gather": 0.05})
    await say_many(platform, 95)
    await platform.quiet()
    sizes = sorted(str(body).count("'timestamp'") for body in receiver.bodies())
    assert sizes == [5] + [10] * 9


async def test_every_sender_in_a_change_has_one_contact(platform, receiver):
    await platform.change(delivery={"batch": 1000, "gather": 0.05})
    await say_many(platform, 200, phones=3)
    await platform.quiet()
    for value in receiver.values():
        assert {c["wa_id"] for c in value["contacts"]} == {m["from"] for m in value["messages"]}
        assert len(value["contacts"]) <= 3


async def test_shuffling_changes_the_order_and_loses_nothing(platform, receiver):
    await platform.change(delivery={"batch": 1000, "gather": 0.05, "shuffle": True})
    ids = await say_many(platform, 100)
    await platform.quiet()
    assert told(receiver) != ids
    assert sorted(told(receiver)) == sorted(ids)


async def test_the_seed_decides_what_is_doubled(platform, receiver):
    doubled = []
    for _ in range(2):
        receiver.posts.clear()
        await platform.post("/reset", seed=3)
        await platform.change(delivery={"duplicates": 0.2})
        await say_many(platform, 100)
        await platform.quiet()
        texts = [message["text"]["body"] for message in receiver.items()]
        doubled.append({text for text in texts if texts.count(text) > 1})
    assert 5 < len(doubled[0]) < 40
    assert doubled[0] == doubled[1]


async def test_an_item_can_be_told_many_times(platform, receiver):
    await platform.change(delivery={"duplicates": 1, "copies": 4})
    ids = await say_many(platform, 3)
    await platform.quiet()
    assert {told(receiver).count(wamid) for wamid in ids} == {5}


async def test_delays_reorder_what_was_sent_one_after_the_other(platform, receiver):
    await platform.change(delivery={"delay": 0.5})
    ids = await say_many(platform, 30)
    await platform.quiet()
    assert told(receiver) != ids
    assert sorted(told(receiver)) == sorted(ids)


async def test_webhooks_come_side_by_side_but_not_more_than_the_plan_allows(platform, receiver):
    receiver.answering.clear()
    await platform.change(delivery={"concurrency": 4, "timeout": 90})
    await say_many(platform, 30)
    await platform.in_flight(4)
    receiver.answering.set()
    await platform.quiet()
    assert receiver.most_at_once == 4


async def test_a_plan_with_an_unknown_word_is_refused_and_changes_nothing(platform):
    before = await platform.get("/plan")
    for change in (
        {"delivery": {"bach": 3}},
        {"delivery": {"batch": 1001}},
        {"faults": [{"kind": "sneeze"}]},
    ):
        answer = await platform.client.patch("/simulator/plan", json=change)
        assert answer.status_code == 400
        assert answer.json()["error"]
    assert await platform.get("/plan") == before
