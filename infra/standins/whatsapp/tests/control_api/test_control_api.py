"""The control API: what a phone received, the oracle, reset, and errors for bad input."""

import asyncio

import pytest

from ..conftest import Receiver, Simulator, WebhookEndpoint

ANNA = "+4915112345678"
BERT = "+4915100000002"


async def test_waiting_for_a_message_ends_when_it_arrives(simulator: Simulator) -> None:
    await simulator.send_from_phone(text="hello")
    waiting = asyncio.create_task(simulator.get(f"/phones/{ANNA}/received", wait=60))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await simulator.send("hi", outbox_id="outbox-1")
    async with asyncio.timeout(30):
        arrived = await waiting
    assert arrived["last"] == 1
    assert arrived["messages"][0]["outbox_id"] == "outbox-1"


async def test_waiting_ends_without_a_message_when_the_time_is_over(simulator: Simulator) -> None:
    await simulator.send_from_phone(text="hello")
    await simulator.send("hi")
    nothing = await simulator.get(f"/phones/{ANNA}/received", after=1, wait=0.1)
    assert nothing == {"messages": [], "last": 1}
    await simulator.send("ho")
    assert [m["seq"] for m in (await simulator.get(f"/phones/{ANNA}/received", after=1))["messages"]] == [2]


async def test_the_oracle_knows_which_message_an_answer_belongs_to(simulator: Simulator) -> None:
    first = await simulator.send_from_phone(text="one")
    second = await simulator.send_from_phone(text="two")
    other = await simulator.send_from_phone(BERT, text="one")
    await simulator.send("You said: two")
    await simulator.send("one")
    await simulator.send("one", to=BERT)
    await simulator.send("quoted", context={"message_id": second["id"]})
    await simulator.send("out of the blue")
    oracle = await simulator.get("/oracle")
    answers = {(m["number"], m["text"]): m["answers"] for m in oracle["received"]}
    assert answers == {
        (ANNA, "You said: two"): second["id"],
        (ANNA, "one"): first["id"],
        (BERT, "one"): other["id"],
        (ANNA, "quoted"): second["id"],
        (ANNA, "out of the blue"): None,
    }


async def test_the_oracle_knows_when_each_message_was_posted_and_acknowledged(
    simulator: Simulator, receiver: Receiver
) -> None:
    receiver.statuses.append(500)
    await simulator.change(delivery={"retry": {"base": 0.1}})
    first = await simulator.send_from_phone(text="one")
    second = await simulator.send_from_phone(text="two")
    inbound = {sent["id"]: sent for sent in (await simulator.get("/oracle"))["inbound"]}
    one, two = inbound[first["id"]]["postings"], inbound[second["id"]]["postings"]
    assert one[0]["posted_at"] < one[0]["acknowledged_at"] <= two[0]["posted_at"]
    assert (len(one), one[0]["position"]) == (1, 0)


async def test_a_reset_drops_everything_that_is_waiting(
    simulator: Simulator, receiver: Receiver, webhook_endpoint: WebhookEndpoint
) -> None:
    await webhook_endpoint.close()
    await simulator.send_from_phone(text="never delivered", wait=0)
    assert (await simulator.post("/reset", seed=5))["seed"] == 5
    assert await simulator.get("/pending") == {"items": 0, "deliveries": 0, "in_flight": 0}
    assert (await simulator.get("/phones"))["phones"] == []
    await webhook_endpoint.open()
    await simulator.send_from_phone(text="delivered")
    assert [m["text"]["body"] for m in receiver.items()] == ["delivered"]


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
async def test_bad_input_is_answered_with_an_explanation(
    simulator: Simulator, method: str, path: str, body: object, status: int
) -> None:
    answer = await simulator.client.request(method, f"/simulator{path}", json=body)
    assert answer.status_code == status
    assert answer.json()["error"]


async def test_the_control_api_is_not_reachable_under_another_host_name(simulator: Simulator) -> None:
    answer = await simulator.client.get("/simulator/phones", headers={"host": "evil.example"})
    assert answer.status_code == 400


async def test_the_phone_page_and_its_script_are_served(simulator: Simulator) -> None:
    page = await simulator.client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    for path in ("/page/phone.js", "/page/phone.css"):
        assert path in page.text
        assert (await simulator.client.get(path)).status_code == 200


async def test_an_answer_after_a_change_of_number_belongs_to_what_was_said_before(
    simulator: Simulator,
) -> None:
    said = await simulator.send_from_phone(text="hello")
    await simulator.post(f"/phones/{ANNA}/number", to="+4917700000001")
    await simulator.send("hello", to="4917700000001")
    [answer] = (await simulator.get("/oracle"))["received"]
    assert answer["answers"] == said["id"]


async def test_who_gets_a_number_that_was_left_has_another_id(simulator: Simulator) -> None:
    await simulator.send_from_phone(text="hello")
    [first] = (await simulator.get("/phones"))["phones"]
    await simulator.post(f"/phones/{ANNA}/number", to="+4917700000001")
    await simulator.send_from_phone(text="hello")
    moved, second = (await simulator.get("/phones"))["phones"]
    assert first["number"] == second["number"] == ANNA
    assert len({first["user_id"], moved["user_id"], second["user_id"]}) == 3
