"""A message goes all the way, each step once."""

from uuid import uuid4

from .meta_payloads import eventually


async def test_a_linked_person_gets_an_echo_and_both_turns_are_logged(gateway, peers, linked, meta):
    person = await linked("+4915112345678")
    peers.avatars[person] = avatar = uuid4()
    await gateway.keep(meta.text(body="hello Ava"))
    await gateway.drain()
    assert peers.phones["4915112345678"] == ["hello Ava"]
    assert peers.turns(person) == [("user", "hello Ava"), ("assistant", "hello Ava")]
    assert {turn["avatar_id"] for turn in peers.log} == {str(avatar)}
    assert peers.log[1]["external_id"] == peers.sent[0]["wamid"]
    assert peers.log[1]["id"] == peers.sent[0]["biz_opaque_callback_data"]
    assert await gateway.states() == [(peers.log[0]["external_id"], "done")]


async def test_without_an_avatar_there_is_still_an_echo(gateway, peers, linked, meta):
    await linked("+4915112345678")
    await gateway.keep(meta.text())
    await gateway.drain()
    assert [turn["avatar_id"] for turn in peers.log] == [None, None]


async def test_a_message_goes_from_the_door_to_the_phone_in_the_whole_room(
    run_service, settings, peers, linked, meta
):
    await linked("+4915112345678")
    body = meta.envelope(meta.text(body="through the door"))
    async with run_service(settings()) as client:
        answer = await client.post("/webhooks/whatsapp", content=body, headers=meta.signed(body))
        assert (answer.status_code, answer.text) == (200, "ok")
        await eventually(lambda: len(peers.log) == 2)
    assert peers.phones["4915112345678"] == ["through the door"]


async def test_one_trace_and_request_id_go_from_the_webhook_to_the_echo(
    run_service, settings, peers, linked, meta
):
    await linked("+4915112345678")
    body = meta.envelope(meta.text())
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    told = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01", "X-Request-Id": "from-the-hallway"}
    async with run_service(settings()) as client:
        await client.post("/webhooks/whatsapp", content=body, headers=meta.signed(body) | told)
        await eventually(lambda: len(peers.log) == 2)
    assert {(one, other) for _, one, other in peers.traces} == {(trace, "from-the-hallway")}
    assert [step for step, _, _ in peers.traces] == ["tokens", "avatar", "messages", "graph", "messages"]


async def test_messages_in_a_row_ask_once_for_an_avatar_and_always_for_one_that_is_not_there_yet(
    gateway, peers, linked, meta
):
    person = await linked("+4915112345678")
    await gateway.keep(meta.text(), meta.text())
    await gateway.drain()
    assert peers.calls.count("avatar") == 2
    peers.avatars[person] = uuid4()
    await gateway.keep(meta.text(), meta.text(), meta.text())
    await gateway.drain()
    assert peers.calls.count("avatar") == 3
    assert [turn["avatar_id"] for turn in peers.log[4:]] == [str(peers.avatars[person])] * 6


async def test_an_avatar_that_was_replaced_or_deleted_is_found_out_at_once(gateway, peers, linked, meta):
    person = await linked("+4915112345678")
    gone = {"type": "urn:ava:problem:avatar-not-found"}
    for then in (uuid4(), None):
        peers.avatars[person] = uuid4()
        await gateway.keep(meta.text())
        await gateway.drain()
        peers.log.clear()
        peers.avatars.pop(person)
        if then:
            peers.avatars[person] = then
        peers.before["messages!"].append((404, gone))
        await gateway.keep(meta.text())
        await gateway.drain()
        assert [turn["avatar_id"] for turn in peers.log] == [str(then) if then else None] * 2
        gateway.handler._avatar_ids.forget(person)
