"""A message on its way from the webhook to the phone and the log, each step once."""

import time
from uuid import UUID, uuid4

import pytest

from ava_local.testing.waiting import eventually

from . import meta_payloads as meta
from .conftest import Gateway, LinkNumber, MakeSettings, RunService
from .fake_peers import FakePeers

PHONE = "4915112345678"


async def test_a_linked_person_gets_an_echo_and_both_turns_are_logged(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber
) -> None:
    person = await linked(f"+{PHONE}")
    peers.avatars[person] = avatar = uuid4()
    await gateway.keep(meta.text(body="hello Ava"))
    await gateway.drain()
    assert peers.phones[PHONE] == ["hello Ava"]
    assert peers.turns(person) == [("user", "hello Ava"), ("assistant", "hello Ava")]
    assert {turn["avatar_id"] for turn in peers.log} == {str(avatar)}
    assert peers.log[1]["external_id"] == peers.sent[0]["wamid"]
    assert peers.log[1]["id"] == peers.sent[0]["biz_opaque_callback_data"]
    assert await gateway.states() == [(peers.log[0]["external_id"], "done")]


async def test_without_an_avatar_there_is_still_an_echo(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber
) -> None:
    await linked(f"+{PHONE}")
    await gateway.keep(meta.text())
    await gateway.drain()
    assert [turn["avatar_id"] for turn in peers.log] == [None, None]


async def test_a_message_goes_from_the_webhook_to_the_phone_in_the_running_service(
    run_service: RunService, settings: MakeSettings, peers: FakePeers, linked: LinkNumber
) -> None:
    await linked(f"+{PHONE}")
    body = meta.envelope(meta.text(body="through the webhook"))
    async with run_service(settings()) as client:
        answer = await client.post("/webhooks/whatsapp", content=body, headers=meta.signed(body))
        assert (answer.status_code, answer.text) == (200, "")
        await eventually(lambda: len(peers.log) == 2)
    assert peers.phones[PHONE] == ["through the webhook"]


async def test_one_trace_and_request_id_go_from_the_webhook_to_the_echo(
    run_service: RunService, settings: MakeSettings, peers: FakePeers, linked: LinkNumber
) -> None:
    await linked(f"+{PHONE}")
    body = meta.envelope(meta.text())
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    sent = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01", "X-Request-Id": "from-the-edge-proxy"}
    async with run_service(settings()) as client:
        await client.post("/webhooks/whatsapp", content=body, headers=meta.signed(body) | sent)
        await eventually(lambda: len(peers.log) == 2)
    traces = [one for one in peers.traces if one[0] != "number"]  # asked at the start, for no message
    assert {(one, other) for _, one, other in traces} == {(trace, "from-the-edge-proxy")}
    assert [step for step, _, _ in traces] == ["tokens", "avatar", "messages", "graph", "messages"]


async def test_messages_in_a_row_ask_once_for_an_avatar_and_one_that_is_new_is_noticed_at_once(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber
) -> None:
    person = await linked(f"+{PHONE}")
    await gateway.keep(meta.text(), meta.text())
    await gateway.drain()
    assert [turn["avatar_id"] for turn in peers.log] == [None] * 4
    peers.avatars[person] = uuid4()
    await gateway.keep(meta.text(), meta.text(), meta.text())
    await gateway.drain()
    assert [turn["avatar_id"] for turn in peers.log[4:]] == [str(peers.avatars[person])] * 6
    assert peers.calls.count("avatar") == 1


@pytest.mark.parametrize("replacement", [uuid4(), None], ids=["replaced", "deleted"])
async def test_an_avatar_that_was_replaced_or_deleted_is_noticed_at_once(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, replacement: UUID | None
) -> None:
    person = await linked(f"+{PHONE}")
    peers.avatars[person] = uuid4()
    await gateway.keep(meta.text())
    await gateway.drain()
    peers.log.clear()
    peers.avatars.pop(person)
    if replacement:
        peers.avatars[person] = replacement
    peers.before["messages!"].append((404, {"type": "urn:ava:problem:avatar-not-found"}))
    await gateway.keep(meta.text())
    await gateway.drain()
    assert [turn["avatar_id"] for turn in peers.log] == [str(replacement) if replacement else None] * 2


async def test_messages_are_ordered_by_metas_time_and_then_by_arrival(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber
) -> None:
    await linked(f"+{PHONE}")
    now = int(time.time())
    later, earlier = (
        meta.text(body="later", timestamp=str(now)),
        meta.text(body="earlier", timestamp=str(now - 9)),
    )
    await gateway.keep(later, earlier, meta.text(body="same second", timestamp=str(now)))
    await gateway.drain()
    assert peers.phones[PHONE] == ["earlier", "later", "same second"]


async def test_stale_messages_are_logged_and_not_answered(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber
) -> None:
    person = await linked(f"+{PHONE}")
    await gateway.keep(meta.text(body="last week", timestamp="1700000000"), meta.text(body="now"))
    await gateway.drain()
    assert peers.phones[PHONE] == ["now"]
    assert peers.turns(person)[0] == ("user", "last week")
    assert peers.log[0]["created_at"].startswith("2023-11-14")


async def test_what_whatsapp_cannot_show_is_logged_and_not_echoed(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber
) -> None:
    person = await linked(f"+{PHONE}")
    await gateway.keep(
        meta.text(type="unsupported", errors=[{"code": 131051}]),
        meta.text(type="reaction", reaction={"message_id": "w", "emoji": "👍"}),
        meta.text(type="image", image={"id": "1", "caption": "my cat"}),
    )
    await gateway.drain()
    assert peers.phones[PHONE] == ["[image] my cat"]
    assert [text for role, text in peers.turns(person) if role == "user"] == [
        "[a message WhatsApp could not show]",
        "[image] my cat",
    ]


@pytest.mark.parametrize(
    ("part", "why"),
    [
        (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
        (b"1" * 5000, "a number of too many digits"),
        (b'"\xff"', "not UTF-8"),
    ],
)
async def test_a_delivery_that_no_json_parser_reads_is_quarantined_whole_and_alone(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, part: bytes, why: str
) -> None:
    await linked(f"+{PHONE}")
    await gateway.keep(meta.text(body="before"))
    odd = meta.envelope(meta.text(body="in it"), meta.text(odd="here")).replace(b'"here"', part)
    await gateway.keep(raw=odd)
    await gateway.keep(meta.text(body="after"))
    await gateway.drain()
    assert peers.phones[PHONE] == ["before", "after"]
    rows = await gateway.pool.fetch("select state, error from whatsapp.deliveries order by id")
    assert [tuple(row) for row in rows] == [("split", None), ("quarantined", why), ("split", None)]


async def test_what_is_tapped_filled_in_and_shared_is_echoed_in_words_and_never_as_a_bare_tag(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber
) -> None:
    person = await linked(f"+{PHONE}")
    form = {"name": "flow", "response_json": '{"interests":["tea","jazz"],"agree":true,"flow_token":"x"}'}
    await gateway.keep(
        meta.text(type="interactive", interactive={"type": "nfm_reply", "nfm_reply": form}),
        meta.text(type="interactive", interactive={"type": "button_reply", "button_reply": {"id": "yes"}}),
        meta.text(type="interactive", interactive={"type": "call_permission_reply"}),
        meta.text(type="contacts", contacts=[{"org": {"company": "Acme"}}]),
        meta.text(type="contacts", contacts=[{}]),
        meta.text(body="\u200b"),
    )
    await gateway.drain()
    said = ["[form] interests: tea, jazz; agree: yes", "yes", "[contacts Acme]"]
    assert peers.phones[PHONE] == said
    logged = [text for role, text in peers.turns(person) if role == "user"]
    assert [text for text in logged if text != "[an empty message]"] == said
    assert len(logged) == 6


async def test_unstorable_characters_cost_no_message(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber
) -> None:
    await linked(f"+{PHONE}")
    unstorable = meta.text(body="a\x00b\ud800c")
    await gateway.keep(unstorable, {"id": "\x00", "type": "text"}, meta.text(body="sibling"))
    await gateway.drain()
    assert peers.phones[PHONE] == ["ab�c", "sibling"]
    assert sorted(state for _, state in await gateway.states()) == ["done", "done", "quarantined"]
