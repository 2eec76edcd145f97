"""Accepted, not sent, unknown: what happens after each call, and after each status."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from ava_whatsapp_gateway.queue import maintenance

from . import meta_payloads as meta
from .conftest import Gateway, LinkNumber, StartGateway
from .fake_peers import Answer, FakePeers, Hang, Reset

PHONE = "4915112345678"


def refused(code: int, http: int = 400, **more: Any) -> Answer:
    return http, {"error": {"message": f"(#{code})", "code": code, "type": "OAuthException", **more}}


async def sends(gateway: Gateway) -> list[dict[str, Any]]:
    rows = await gateway.pool.fetch(
        "select body, state, attempts, wamid, status, code, resent from whatsapp.outbox order by id"
    )
    return [dict(row) for row in rows]


@pytest.mark.parametrize(
    "outcome",
    [Hang(), Reset(), (500, b"oops"), (200, {"messages": []}), (200, b"<html>")],
    ids=["hang", "reset", "500", "no id", "not json"],
)
async def test_an_unknown_send_is_never_repeated_and_a_status_settles_it(
    gateways: StartGateway, peers: FakePeers, person: UUID, outcome: Exception | Answer
) -> None:
    gateway = await gateways(**({"graph_timeout_seconds": 1.0} if isinstance(outcome, Hang) else {}))
    peers.after["graph" if isinstance(outcome, Exception) else "graph!"].append(outcome)
    await gateway.keep(meta.text(body="one"), meta.text(body="two"))
    await gateway.drain()
    assert peers.phones[PHONE] == ["one", "two"]  # the next one goes on meanwhile
    assert [state for _, state in await gateway.states()] == ["awaiting", "done"]
    assert ("assistant", "one") not in peers.turns(person)
    await gateway.keep(meta.status(peers.sent[0], "delivered"))
    await gateway.drain()
    assert [state for _, state in await gateway.states()] == ["done", "done"]
    assert peers.phones[PHONE] == ["one", "two"]
    assert peers.turns(person).count(("assistant", "one")) == 1
    assert (await sends(gateway))[0]["wamid"] == peers.sent[0]["wamid"]


async def test_an_unknown_send_is_left_to_an_operator_in_the_end_and_a_late_status_still_settles_it(
    gateways: StartGateway, peers: FakePeers, person: UUID
) -> None:
    gateway = await gateways(unknown_wait_seconds=0.1)
    peers.after["graph"].append(Reset())
    await gateway.keep(meta.text(body="one"))
    await gateway.drain()
    await asyncio.sleep(0.15)
    await maintenance.run(gateway.pool, gateway.settings)
    assert [state for _, state in await gateway.states()] == ["unresolved"]
    await gateway.keep(meta.status(peers.sent[0], "read"))
    await gateway.drain()
    assert [state for _, state in await gateway.states()] == ["done"]
    assert peers.turns(person) == [("user", "one"), ("assistant", "one")]


async def test_with_resend_once_the_next_message_waits_for_the_resend(
    gateways: StartGateway, peers: FakePeers, person: UUID
) -> None:
    gateway = await gateways(unknown_wait_seconds=0.2, unknown_policy="resend_once")
    peers.before["graph"].append(Reset())
    await gateway.keep(meta.text(body="one"), meta.text(body="two"))
    await gateway.drain()
    assert peers.phones[PHONE] == ["one", "two"]
    assert [one["resent"] for one in await sends(gateway)] == [True, False]


async def test_resending_happens_once_and_no_more(
    gateways: StartGateway, peers: FakePeers, person: UUID
) -> None:
    gateway = await gateways(unknown_wait_seconds=0.1, unknown_policy="resend_once")
    peers.after["graph"].extend(Reset() for _ in range(3))
    await gateway.keep(meta.text(body="one"))
    await gateway.drain()
    assert peers.phones[PHONE] == ["one", "one"]
    assert [state for _, state in await gateway.states()] == ["awaiting"]


async def test_a_status_may_come_before_our_answer_and_before_its_row_knows_the_wamid(
    gateway: Gateway, peers: FakePeers, person: UUID
) -> None:
    async def faster() -> None:
        await gateway.keep(meta.status(peers.sent[0], "delivered"))
        await gateway.ingest()

    peers.after["graph"].append(faster)
    await gateway.keep(meta.text(body="one"))
    await gateway.drain()
    (send,) = await sends(gateway)
    assert (send["state"], send["status"]) == ("accepted", "delivered")
    assert peers.turns(person) == [("user", "one"), ("assistant", "one")]


@pytest.mark.parametrize(
    ("order", "final"),
    [
        (["sent", "delivered", "read"], "read"),
        (["read", "delivered", "sent"], "read"),
        (["delivered", "sent"], "delivered"),
        (["delivered", "failed"], "delivered"),
        (["failed", "sent"], "failed"),
        (["read", "played", "delivered"], "played"),
    ],
)
async def test_statuses_only_move_forward(
    gateway: Gateway, peers: FakePeers, person: UUID, order: list[str], final: str
) -> None:
    await gateway.keep(meta.text(body="one"))
    await gateway.drain()
    for name in order:
        await gateway.keep(meta.status(peers.sent[0], name))
        await gateway.ingest()
    assert (await sends(gateway))[0]["status"] == final


async def test_statuses_in_one_batch_without_our_id_are_matched_by_wamid(
    gateway: Gateway, peers: FakePeers, person: UUID
) -> None:
    await gateway.keep(meta.text(body="one"))
    await gateway.drain()
    bare = {k: v for k, v in meta.status(peers.sent[0]).items() if k != "biz_opaque_callback_data"}
    await gateway.keep({**bare, "status": "read"}, bare, {**bare, "id": "wamid.unknown"})
    await gateway.ingest()
    assert (await sends(gateway))[0]["status"] == "read"


@pytest.mark.parametrize("code", [131016, 2, 131000])
async def test_a_transient_refusal_is_tried_again(
    gateway: Gateway, peers: FakePeers, person: UUID, code: int
) -> None:
    peers.before["graph!"].append(refused(code, 500))
    await gateway.keep(meta.text(body="one"), meta.text(body="two"))
    await gateway.drain()
    assert peers.phones[PHONE] == ["one", "two"]


async def test_retries_end_and_the_dead_event_keeps_its_context(
    gateways: StartGateway, peers: FakePeers, person: UUID
) -> None:
    gateway = await gateways(attempts=3)
    peers.before["graph!"].extend([refused(131016)] * 3)
    await gateway.keep(meta.text(body="one"), meta.text(body="two"))
    await gateway.drain()
    assert peers.phones[PHONE] == ["two"]
    assert [state for _, state in await gateway.states()] == ["dead", "done"]
    assert ((await sends(gateway))[0]["attempts"], (await sends(gateway))[0]["code"]) == (3, 131016)
    assert peers.turns(person)[0] == ("user", "one")


@pytest.mark.parametrize("code", [131026, 131047, 100, 999999])
async def test_a_permanent_refusal_is_dead_at_once_and_the_lane_goes_on(
    gateway: Gateway, peers: FakePeers, person: UUID, code: int
) -> None:
    peers.before["graph!"].append(refused(code))
    await gateway.keep(meta.text(body="one"), meta.text(body="two"))
    await gateway.drain()
    assert peers.phones[PHONE] == ["two"]
    assert peers.calls.count("graph") == 2
    reason = await gateway.pool.fetchval("select reason from whatsapp.events where state = 'dead'")
    assert str(code) in reason


async def test_retry_after_is_honoured_for_the_whole_number(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, person: UUID
) -> None:
    other = "4915100000001"
    await linked(f"+{other}")
    peers.before["graph!"].append((*refused(130429, 429), {"retry-after": "1"}))
    await gateway.keep(meta.text(body="one"))
    await gateway.round()
    await gateway.keep(meta.text(sender=other, body="other"))
    await gateway.drain()
    refusal, *later = peers.call_times["graph"]
    assert min(later) - refusal > 0.95
    assert peers.phones[PHONE] == ["one"]
    assert peers.phones[other] == ["other"]


async def test_the_pair_limit_delays_one_person_and_no_one_else(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, person: UUID
) -> None:
    other = "4915100000001"
    await linked(f"+{other}")
    peers.before["graph!"].append((*refused(131056), {"retry-after": "3"}))
    await gateway.keep(meta.text(body="one"))
    await gateway.round()
    await gateway.keep(meta.text(sender=other, body="other"))
    await gateway.round()
    assert peers.phones == {other: ["other"]}
    await gateway.drain()
    assert peers.phones[PHONE] == ["one"]


async def test_our_own_pair_limit_stays_below_metas(
    gateways: StartGateway, peers: FakePeers, person: UUID
) -> None:
    gateway = await gateways(pair_gap_seconds=0.3, pair_burst=3)
    await gateway.keep(*(meta.text(body=str(n)) for n in range(5)))
    await gateway.drain()
    first, *_, last = peers.call_times["graph"]
    assert last - first > 0.55  # three at once, then one every 0.3 s
    assert peers.phones[PHONE] == ["0", "1", "2", "3", "4"]
    assert peers.calls.count("graph") == 5


@pytest.mark.parametrize("answer", [refused(190, 401), refused(131031, 403), refused(100, error_subcode=33)])
async def test_a_broken_credential_keeps_the_queue_and_one_probe_finds_out(
    gateways: StartGateway,
    peers: FakePeers,
    linked: LinkNumber,
    person: UUID,
    answer: tuple[int, dict[str, dict[str, Any]]],
) -> None:
    gateway = await gateways(probe_seconds=2.0)
    phones = [PHONE, *(f"49151000000{n:02}" for n in range(5))]
    for phone in phones[1:]:
        await linked(f"+{phone}")
    peers.before["graph!"].extend([answer] * 2)
    await gateway.keep(*(meta.text(sender=phone, body="hi") for phone in phones))
    await gateway.round()
    assert peers.calls.count("graph") == 1  # one refusal stops everything
    assert {state for _, state in await gateway.states()} == {"ready"}
    assert all(one["attempts"] <= 1 for one in await sends(gateway))
    await gateway.drain()
    assert peers.calls.count("graph") == 1 + 1 + len(phones)
    assert dict(peers.phones) == {phone: ["hi"] for phone in phones}
    assert not await gateway.pool.fetchval("select circuit_open from whatsapp.numbers")


async def test_a_long_text_is_split_and_arrives_in_order(
    gateway: Gateway, peers: FakePeers, person: UUID
) -> None:
    long = "\n\n".join(f"{n} " + "word " * 300 for n in range(9))
    await gateway.keep(meta.text(body=long), meta.text(body="after"))
    await gateway.drain()
    got = peers.phones[PHONE]
    assert len(got) > 3
    assert "".join("".join(got[:-1]).split()) == "".join(long.split())
    assert got[-1] == "after"
    assert all(len(chunk) <= 4096 for chunk in got)


async def test_an_unknown_chunk_does_not_hold_back_the_chunks_after_it(
    gateway: Gateway, peers: FakePeers, person: UUID
) -> None:
    peers.after["graph"].append(Reset())
    await gateway.keep(meta.text(body="a" * 4096 + "b" * 10))
    await gateway.drain()
    assert peers.phones[PHONE] == ["a" * 4096, "b" * 10]
    await gateway.keep(meta.status(peers.sent[0]))
    await gateway.drain()
    assert [state for _, state in await gateway.states()] == ["done"]
    assert len(peers.turns(person)) == 3
