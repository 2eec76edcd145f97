"""The remote control: what a phone received, the oracle, reset, and words for bad input."""

import asyncio

import pytest

ANNA = "+4915112345678"
BERT = "+4915100000002"


async def test_waiting_for_a_message_ends_when_it_arrives(platform):
    await platform.say(text="hello")
    waiting = asyncio.create_task(platform.get(f"/phones/{ANNA}/received", wait=60))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await platform.send("hi", outbox_id="outbox-1")
    async with asyncio.timeout(30):
        arrived = await waiting
    assert arrived["last"] == 1
    assert arrived["messages"][0]["outbox_id"] == "outbox-1"


async def test_waiting_ends_without_a_message_when_the_time_is_over(platform):
    await platform.say(text="hello")
    await platform.send("hi")
    nothing = await platform.get(f"/phones/{ANNA}/received", after=1, wait=0.1)
    assert nothing == {"messages": [], "last": 1}
    await platform.send("ho")
    assert [m["seq"] for m in (await platform.get(f"/phones/{ANNA}/received", after=1))["messages"]] == [2]


async def test_the_oracle_knows_which_message_an_answer_belongs_to(platform):
    first = await platform.say(text="one")
    second = await platform.say(text="two")
    other = await platform.say(BERT, text="one")
    await platform.send("You said: two")
    await platform.send("one")
    await platform.send("one", to=BERT)
    await platform.send("quoted", context={"message_id": second["id"]})
    await platform.send("out of the blue")
    oracle = await platform.get("/oracle")
    answers = {(m["number"], m["text"]): m["answers"] for m in oracle["received"]}
    assert answers == {
        (ANNA, "You said: two"): second["id"],
        (ANNA, "one"): first["id"],
        (BERT, "one"): other["id"],
        (ANNA, "quoted"): second["id"],
        (ANNA, "out of the blue"): None,
    }


async def test_the_oracle_knows_when_each_message_was_posted_and_acknowledged(platform, receiver):
    receiver.statuses.append(500)
    await platform.change(delivery={"retry": {"base": 0.1}})
    first = await platform.say(text="one")
    second = await platform.say(text="two")
    inbound = {said["id"]: said for said in (await platform.get("/oracle"))["inbound"]}
    one, two = inbound[first["id"]]["postings"], inbound[second["id"]]["postings"]
    assert one[0]["posted_at"] < one[0]["acknowledged_at"] <= two[0]["posted_at"]
    assert (len(one), one[0]["position"]) == (1, 0)


async def test_a_reset_forgets_everything_that_waits(platform, receiver, door):
    await door.shut()
    await platform.say(text="never told", wait=0)
    assert (await platform.post("/reset", seed=5))["seed"] == 5
    assert await platform.get("/pending") == {"items": 0, "deliveries": 0, "in_flight": 0}
    assert (await platform.get("/phones"))["phones"] == []
    await door.open()
    await platform.say(text="told")
    assert [m["text"]["body"] for m in receiver.items()] == ["told"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/phones/hello/messages", {"text": "hi"}, 400),
        ("POST", f"/phones/{ANNA}/messages", {"txt": "hi"}, 400),
        ("PUT", f"/phones/{ANNA}", {"colour": "red"}, 400),
        ("GET", "/phones/+4915199999999/received", None, 404),
        ("POST", "/phones/+4915199999999/number", {"to": ANNA}, 404),
        ("POST", "/faults/next", {"fault": {"kind": "sneeze"}}, 400),
        ("POST", "/statuses", {}, 400),
    ],
)
async def test_bad_input_is_answered_with_words(platform, method, path, body, status):
    answer = await platform.client.request(method, f"/simulator{path}", json=body)
    assert answer.status_code == status
    assert answer.json()["error"]


async def test_nobody_reaches_the_control_under_another_name(platform):
    answer = await platform.client.get("/simulator/phones", headers={"host": "evil.example"})
    assert answer.status_code == 400


async def test_the_phone_page_and_its_script_are_served(platform):
    page = await platform.client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    for path in ("/page/phone.js", "/page/phone.css"):
        assert path in page.text
        assert (await platform.client.get(path)).status_code == 200
