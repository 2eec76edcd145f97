"""Accepted, not sent, unknown: what happens after each call, and after each status."""

import asyncio

import pytest

PHONE = "4915112345678"


def refused(code, http=400, **more):
    return http, {"error": {"message": f"(#{code})", "code": code, "type": "OAuthException", **more}}


async def letters(gateway):
    rows = await gateway.pool.fetch(
        "select body, state, attempts, wamid, status, code, resent from whatsapp.outbox order by id"
    )
    return [dict(row) for row in rows]


@pytest.fixture
async def person(linked):
    return await linked(f"+{PHONE}")


@pytest.mark.parametrize("fault", ["hang", "reset", "500", "no id", "not json"])
async def test_an_unknown_send_is_never_repeated_and_a_status_settles_it(
    gateways, house, person, meta, misbehaviour, fault
):
    gateway = await gateways(**({"graph_timeout": 1.0} if fault == "hang" else {}))
    answers = {"500": (500, b"oops"), "no id": (200, {"messages": []}), "not json": (200, b"<html>")}
    if fault in misbehaviour:
        house.after["graph"].append(misbehaviour[fault]())
    else:
        house.after["graph!"].append(answers[fault])
    await gateway.deliver(meta.text(body="one"), meta.text(body="two"))
    await gateway.drain()
    assert house.phones[PHONE] == ["one", "two"]  # the next one goes on meanwhile
    assert [state for _, state in await gateway.states()] == ["awaiting", "done"]
    assert ("assistant", "one") not in house.turns(person)
    await gateway.deliver(meta.status(house.sent[0], "delivered"))
    await gateway.drain()
    assert [state for _, state in await gateway.states()] == ["done", "done"]
    assert house.phones[PHONE] == ["one", "two"]
    assert house.turns(person).count(("assistant", "one")) == 1
    assert (await letters(gateway))[0]["wamid"] == house.sent[0]["wamid"]


async def test_an_unknown_send_nobody_settles_is_left_to_a_person_and_a_late_status_still_settles_it(
    gateways, house, person, meta, misbehaviour
):
    from ava_whatsapp_gateway.housekeeping import keep

    gateway = await gateways(unknown_wait=0.1)
    house.after["graph"].append(misbehaviour["reset"]())
    await gateway.deliver(meta.text(body="one"))
    await gateway.drain()
    await asyncio.sleep(0.15)
    await keep(gateway.pool, gateway.means.settings)
    assert [state for _, state in await gateway.states()] == ["unresolved"]
    await gateway.deliver(meta.status(house.sent[0], "read"))
    await gateway.drain()
    assert [state for _, state in await gateway.states()] == ["done"]
    assert house.turns(person) == [("user", "one"), ("assistant", "one")]


async def test_the_policy_may_resend_once_and_the_order_waits_for_it(
    gateways, house, person, meta, misbehaviour
):
    gateway = await gateways(unknown_wait=0.2, unknown_policy="resend_once")
    house.before["graph"].append(misbehaviour["reset"]())
    await gateway.deliver(meta.text(body="one"), meta.text(body="two"))
    await gateway.drain()
    assert house.phones[PHONE] == ["one", "two"]
    assert [one["resent"] for one in await letters(gateway)] == [True, False]


async def test_resending_happens_once_and_no_more(gateways, house, person, meta, misbehaviour):
    gateway = await gateways(unknown_wait=0.1, unknown_policy="resend_once")
    house.after["graph"].extend(misbehaviour["reset"]() for _ in range(3))
    await gateway.deliver(meta.text(body="one"))
    await gateway.drain()
    assert house.phones[PHONE] == ["one", "one"]
    assert [state for _, state in await gateway.states()] == ["awaiting"]


async def test_a_status_may_come_before_our_answer_and_before_its_row_knows_the_wamid(
    gateway, house, person, meta
):
    async def faster():
        await gateway.deliver(meta.status(house.sent[0], "delivered"))
        await gateway.split()

    house.after["graph"].append(faster)
    await gateway.deliver(meta.text(body="one"))
    await gateway.drain()
    (letter,) = await letters(gateway)
    assert (letter["state"], letter["status"]) == ("accepted", "delivered")
    assert house.turns(person) == [("user", "one"), ("assistant", "one")]


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
async def test_statuses_only_move_forward(gateway, house, person, meta, order, final):
    await gateway.deliver(meta.text(body="one"))
    await gateway.drain()
    for name in order:
        await gateway.deliver(meta.status(house.sent[0], name))
        await gateway.split()
    assert (await letters(gateway))[0]["status"] == final


async def test_statuses_in_one_batch_without_our_id_are_matched_by_wamid(gateway, house, person, meta):
    await gateway.deliver(meta.text(body="one"))
    await gateway.drain()
    bare = {k: v for k, v in meta.status(house.sent[0]).items() if k != "biz_opaque_callback_data"}
    await gateway.deliver({**bare, "status": "read"}, bare, {**bare, "id": "wamid.of-nobody"})
    await gateway.split()
    assert (await letters(gateway))[0]["status"] == "read"


@pytest.mark.parametrize("code", [131016, 2, 131000])
async def test_a_transient_refusal_is_tried_again(gateway, house, person, meta, code):
    house.before["graph!"].append(refused(code, 500))
    await gateway.deliver(meta.text(body="one"), meta.text(body="two"))
    await gateway.drain()
    assert house.phones[PHONE] == ["one", "two"]


async def test_retries_end_and_the_dead_letter_keeps_its_context(gateways, house, person, meta):
    gateway = await gateways(attempts=3)
    house.before["graph!"].extend([refused(131016)] * 3)
    await gateway.deliver(meta.text(body="one"), meta.text(body="two"))
    await gateway.drain()
    assert house.phones[PHONE] == ["two"]
    assert [state for _, state in await gateway.states()] == ["dead", "done"]
    assert ((await letters(gateway))[0]["attempts"], (await letters(gateway))[0]["code"]) == (3, 131016)
    assert house.turns(person)[0] == ("user", "one")


@pytest.mark.parametrize("code", [131026, 131047, 100, 999999])
async def test_a_permanent_refusal_is_dead_at_once_and_the_lane_goes_on(gateway, house, person, meta, code):
    house.before["graph!"].append(refused(code))
    await gateway.deliver(meta.text(body="one"), meta.text(body="two"))
    await gateway.drain()
    assert house.phones[PHONE] == ["two"]
    assert house.calls.count("graph") == 2
    reason = await gateway.pool.fetchval("select reason from whatsapp.events where state = 'dead'")
    assert str(code) in reason


async def test_retry_after_is_honoured_for_the_whole_number(gateway, house, linked, person, meta):
    other = "4915100000001"
    await linked(f"+{other}")
    house.before["graph!"].append((*refused(130429, 429), {"retry-after": "1"}))
    await gateway.deliver(meta.text(body="one"))
    await gateway.round()
    await gateway.deliver(meta.text(sender=other, body="other"))
    await gateway.drain()
    refusal, *later = (at for step, at in house.heard if step == "graph")
    assert min(later) - refusal > 0.95
    assert house.phones[PHONE] == ["one"]
    assert house.phones[other] == ["other"]


async def test_the_pair_limit_holds_one_person_and_nobody_else(gateway, house, linked, person, meta):
    other = "4915100000001"
    await linked(f"+{other}")
    house.before["graph!"].append((*refused(131056), {"retry-after": "1"}))
    await gateway.deliver(meta.text(body="one"))
    await gateway.round()
    await gateway.deliver(meta.text(sender=other, body="other"))
    await gateway.round()
    assert house.phones == {other: ["other"]}
    await gateway.drain()
    assert house.phones[PHONE] == ["one"]


async def test_our_own_pair_bucket_keeps_below_metas(gateways, house, person, meta):
    gateway = await gateways(pair_gap=0.3, pair_burst=3)
    await gateway.deliver(*(meta.text(body=str(n)) for n in range(5)))
    await gateway.drain()
    sent = [at for step, at in house.heard if step == "graph"]
    assert sent[-1] - sent[0] > 0.55  # three at once, the other two are earned
    assert house.phones[PHONE] == ["0", "1", "2", "3", "4"]
    assert house.calls.count("graph") == 5


@pytest.mark.parametrize("answer", [refused(190, 401), refused(131031, 403), refused(100, error_subcode=33)])
async def test_a_broken_credential_keeps_the_queue_and_one_probe_finds_out(
    gateways, house, linked, person, meta, answer
):
    gateway = await gateways(probe=2.0)
    phones = [PHONE, *(f"49151000000{n:02}" for n in range(5))]
    for phone in phones[1:]:
        await linked(f"+{phone}")
    house.before["graph!"].extend([answer] * 2)
    await gateway.deliver(*(meta.text(sender=phone, body="hi") for phone in phones))
    await gateway.round()
    assert house.calls.count("graph") == 1  # one refusal stops everything
    assert {state for _, state in await gateway.states()} == {"ready"}
    assert all(one["attempts"] <= 1 for one in await letters(gateway))
    await gateway.drain()
    assert house.calls.count("graph") == 1 + 1 + len(phones)
    assert dict(house.phones) == {phone: ["hi"] for phone in phones}
    assert not await gateway.pool.fetchval("select circuit_open from whatsapp.numbers")


async def test_a_long_text_is_parted_and_arrives_in_order(gateway, house, person, meta):
    long = "\n\n".join(f"{n} " + "word " * 300 for n in range(9))
    await gateway.deliver(meta.text(body=long), meta.text(body="after"))
    await gateway.drain()
    got = house.phones[PHONE]
    assert len(got) > 3
    assert "".join("".join(got[:-1]).split()) == "".join(long.split())
    assert got[-1] == "after"
    assert all(len(part) <= 4096 for part in got)


async def test_an_unknown_part_does_not_hold_back_the_parts_after_it(
    gateway, house, person, meta, misbehaviour
):
    house.after["graph"].append(misbehaviour["reset"]())
    await gateway.deliver(meta.text(body="a" * 4096 + "b" * 10))
    await gateway.drain()
    assert house.phones[PHONE] == ["a" * 4096, "b" * 10]
    await gateway.deliver(meta.status(house.sent[0]))
    await gateway.drain()
    assert [state for _, state in await gateway.states()] == ["done"]
    assert len(house.turns(person)) == 3
