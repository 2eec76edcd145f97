"""Webhooks are encoded, signed, sent and retried as Meta does.

See docs/contracts/whatsapp-cloud-api.md#signature and
docs/contracts/whatsapp-cloud-api.md#deliveries.
"""

import asyncio
import hmac
import json

from ava_local.testing.waiting import eventually

from ..conftest import Receiver, Simulator, WebhookEndpoint

ANNA = "+4915112345678"


def signed(body: bytes) -> str:
    return "sha256=" + hmac.new(b"secret", body, "sha256").hexdigest()


async def test_the_signature_is_over_exactly_the_bytes_sent(simulator: Simulator, receiver: Receiver) -> None:
    await simulator.send_from_phone(text="Grüße / 👋")
    headers, body = receiver.posts[0]
    assert headers["x-hub-signature-256"] == signed(body)
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"] == "facebookexternalua"


async def test_text_is_escaped_to_ascii_with_escaped_slashes(
    simulator: Simulator, receiver: Receiver
) -> None:
    await simulator.send_from_phone(text="Grüße / 👋")
    _, body = receiver.posts[0]
    assert rb"Gr\u00fc\u00dfe \/ \ud83d\udc4b" in body
    assert json.loads(body)["entry"][0]["changes"][0]["value"]["messages"][0]["text"]["body"] == "Grüße / 👋"


async def test_the_payload_names_the_account_the_number_and_the_sender(
    simulator: Simulator, receiver: Receiver
) -> None:
    sent = await simulator.send_from_phone(text="hello", timestamp=1_750_000_000)
    body = receiver.bodies()[0]
    assert body["object"] == "whatsapp_business_account"
    value = receiver.values()[0]
    assert value["metadata"] == {
        "display_phone_number": "15550783881",
        "phone_number_id": simulator.number_id,
    }
    message = value["messages"][0]
    assert message["from"] == value["contacts"][0]["wa_id"] == "4915112345678"
    assert message["from_user_id"] == value["contacts"][0]["user_id"]
    assert (message["id"], message["timestamp"]) == (sent["id"], "1750000000")


async def test_a_webhook_is_sent_again_until_the_answer_is_200(
    simulator: Simulator, receiver: Receiver
) -> None:
    await simulator.change(delivery={"retry": {"base": 0.01}})
    receiver.statuses.extend([500, 503, 404, 301, 204, 201])
    sent = await simulator.send_from_phone(text="hello")
    assert sent["acknowledged"] is True
    bodies = {body for _, body in receiver.posts}
    assert (len(receiver.posts), len(bodies)) == (7, 1)
    assert receiver.verified == []  # Meta does not follow the 301


async def test_webhooks_one_after_another_share_a_connection(
    simulator: Simulator, receiver: Receiver
) -> None:
    for number in range(5):
        await simulator.send_from_phone(text=f"message {number}")
    assert (len(receiver.posts), len(receiver.connections)) == (5, 1)


async def test_an_answer_that_comes_too_late_counts_as_none(simulator: Simulator, receiver: Receiver) -> None:
    await simulator.change(delivery={"timeout": 0.2})
    receiver.answering.clear()
    sent = await simulator.send_from_phone(text="hello", wait=1)
    assert sent["acknowledged"] is False
    await simulator.change(delivery={"timeout": 60})
    receiver.answering.set()
    await simulator.wait_until_idle()
    assert len(receiver.posts) > 1


async def test_webhooks_survive_that_the_endpoint_is_away(
    simulator: Simulator, receiver: Receiver, webhook_endpoint: WebhookEndpoint
) -> None:
    await webhook_endpoint.close()
    sent = await simulator.send_from_phone(text="hello?", wait=0.5)
    assert sent["acknowledged"] is False
    assert any((await simulator.get("/pending")).values())
    await webhook_endpoint.open()
    await simulator.wait_until_idle()
    assert [m["text"]["body"] for m in receiver.items()] == ["hello?"]


async def test_ticks_show_what_ava_acknowledged(simulator: Simulator, receiver: Receiver) -> None:
    receiver.statuses.extend([500] * 3)
    receiver.answering.clear()
    await simulator.change(delivery={"retry": {"base": 0.1}})
    await simulator.send_from_phone(text="hello", wait=0)
    before = await simulator.get(f"/phones/{ANNA}/conversation")
    assert before["entries"][0]["state"] == "sent"
    receiver.answering.set()
    after = await simulator.get(f"/phones/{ANNA}/conversation", version=before["version"], wait=60)
    assert after["entries"][0]["state"] == "delivered"


async def test_the_verification_request_has_the_token_and_checks_the_challenge(
    simulator: Simulator, receiver: Receiver
) -> None:
    answer = await simulator.post("/verify", challenge="42")
    assert answer == {"status": 200, "body": "42", "verified": True}
    assert receiver.verified == [
        {"hub.mode": "subscribe", "hub.verify_token": "verify", "hub.challenge": "42"},
    ]


async def test_exact_bytes_can_be_posted_with_any_signature(simulator: Simulator, receiver: Receiver) -> None:
    body = '{"object":"whatsapp_business_account","entry":['
    for signature in ("good", "missing", "wrong", "non-ascii", "sha256=zz"):
        answer = await simulator.post("/webhooks", body=body, signature=signature)
        assert answer["answers"][0]["status"] == 200
    good, missing, wrong, odd, own = [headers for headers, _ in receiver.posts]
    assert good["x-hub-signature-256"] == signed(body.encode())
    assert "x-hub-signature-256" not in missing
    assert wrong["x-hub-signature-256"] not in (good["x-hub-signature-256"], "")
    assert not odd["x-hub-signature-256"].isascii()
    assert own["x-hub-signature-256"] == "sha256=zz"


async def test_the_same_bytes_can_arrive_many_times_at_once(simulator: Simulator, receiver: Receiver) -> None:
    receiver.answering.clear()
    posting = asyncio.create_task(simulator.post("/webhooks", body="{}", times=50))
    await eventually(lambda: receiver.in_flight == 50)
    receiver.answering.set()
    assert len((await posting)["answers"]) == 50
