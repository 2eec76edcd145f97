"""A send can go wrong in every way contract section 2 knows, and the oracle tells the truth about it."""

import httpx
import pytest

ANNA = "+4915112345678"


async def order(platform, times=1, **fault):
    await platform.post("/faults/next", fault=fault, times=times)


async def accepted(platform):
    return [(tried["outcome"], tried["accepted"]) for tried in (await platform.get("/oracle"))["sends"]]


async def test_an_accepted_message_may_never_be_answered(platform):
    await platform.say(text="hello")
    await order(platform, kind="timeout")
    with pytest.raises(httpx.ReadTimeout):
        await platform.client.post(
            f"/v25.0/{platform.number_id}/messages",
            json={"messaging_product": "whatsapp", "to": ANNA, "type": "text", "text": {"body": "hi"}},
            headers={"authorization": "Bearer token"},
            timeout=2,
        )
    assert await platform.received() == ["hi"]
    assert await accepted(platform) == [("unknown", True)]


async def test_the_connection_may_be_lost_in_the_middle_of_the_answer(platform):
    await platform.say(text="hello")
    await order(platform, kind="reset")
    with pytest.raises(httpx.RemoteProtocolError):
        await platform.send("hi")
    assert await platform.received() == ["hi"]


async def test_a_held_answer_breaks_off_in_the_end(platform):
    await platform.say(text="hello")
    await order(platform, kind="timeout", hold=0.1)
    with pytest.raises(httpx.RemoteProtocolError):
        await platform.send("hi")


@pytest.mark.parametrize(("was_accepted", "arrived"), [(True, ["hi"]), (False, []), (None, [])])
async def test_a_server_error_without_words_leaves_open_whether_it_was_taken(platform, was_accepted, arrived):
    await platform.say(text="hello")
    await order(platform, kind="http_error", status=502, accepted=was_accepted)
    answer = await platform.send("hi")
    assert answer.status_code == 502
    assert "error" not in answer.text
    assert await platform.received() == arrived
    assert await accepted(platform) == [("unknown", bool(arrived))]


async def test_an_answer_may_lack_the_id(platform):
    await platform.say(text="hello")
    await order(platform, kind="no_id")
    answer = await platform.send("hi")
    assert (answer.status_code, answer.json()["messages"]) == (200, [])
    assert await platform.received() == ["hi"]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (0, 401), (1, 500), (2, 503), (3, 403), (4, 429), (10, 403), (100, 400), (190, 401), (200, 403),
        (368, 403), (80007, 429), (130403, 400), (130429, 429), (130472, 400), (130497, 400), (131000, 500),
        (131005, 403), (131008, 400), (131009, 400), (131016, 503), (131021, 400), (131026, 400),
        (131030, 400), (131031, 403), (131042, 400), (131045, 400), (131047, 400), (131048, 400),
        (131049, 400), (131050, 400), (131051, 400), (131053, 400), (131056, 429), (131057, 503),
        (131062, 400), (132001, 400), (133004, 503), (133010, 400), (133016, 400), (999999, 400),
    ],
)  # fmt: skip
async def test_every_code_comes_with_its_status_and_reaches_nobody(platform, code, status):
    await platform.say(text="hello")
    await order(platform, kind="code", code=code)
    answer = await platform.send("hi")
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert await platform.received() == []
    assert await accepted(platform) == [("refused", False)]


async def test_too_many_requests_come_with_and_without_the_time_to_wait(platform):
    await platform.say(text="hello")
    await order(platform, kind="code", code=130429)
    await order(platform, kind="code", code=130429, retry_after=7)
    assert "retry-after" not in (await platform.send("hi")).headers
    assert (await platform.send("hi")).headers["retry-after"] == "7"
    assert (await platform.send("hi")).status_code == 200


async def test_transient_codes_say_that_they_are(platform):
    await order(platform, kind="code", code=131016)
    assert (await platform.send("hi")).json()["error"]["is_transient"] is True


async def test_a_failure_may_come_only_as_a_status(platform):
    await platform.say(text="hello")
    await order(platform, kind="failed", code=131049)
    assert (await platform.send("hi")).status_code == 200
    status = (await platform.statuses(1))[0]
    assert (status["status"], status["errors"][0]["code"]) == ("failed", 131049)
    assert await platform.received() == []


async def test_an_unclear_send_has_a_later_status_or_none(platform, receiver):
    await platform.say(text="hello")
    await order(platform, kind="no_id", with_status=1)
    await platform.send("told", outbox_id="told")
    await order(platform, kind="no_id", with_status=0)
    await platform.send("untold", outbox_id="untold")
    await platform.statuses(3)
    assert {s["biz_opaque_callback_data"] for s in receiver.items("statuses")} == {"told"}
    unknowns = (await platform.get("/oracle"))["unknowns"]
    assert unknowns == {"with_status": ["told"], "without_status": ["untold"]}


async def test_a_fault_can_be_meant_for_one_phone(platform):
    await platform.post("/faults/next", fault={"kind": "code", "code": 1}, to=ANNA)
    assert (await platform.send("hi", to="+4915100000001")).status_code == 200
    assert (await platform.send("hi")).status_code == 500


async def fates(platform, seed):
    await platform.post("/reset", seed=seed)
    await platform.change(
        pair_rate={"enabled": False},
        faults=[{"kind": "code", "code": 1, "rate": 0.3}, {"kind": "http_error", "rate": 0.3}],
    )
    return [(await platform.send(f"message {n}")).status_code for n in range(60)]


async def test_faults_follow_their_rates_and_the_seed_alone(platform):
    first = await fates(platform, 11)
    assert 20 < sum(status != 200 for status in first) < 50
    assert await fates(platform, 11) == first
    assert await fates(platform, 12) != first


async def test_another_order_of_sending_changes_no_fate(platform):
    await fates(platform, 11)
    forward = {t["text"]: t["fault"] for t in (await platform.get("/oracle"))["sends"]}
    await platform.post("/reset", seed=11)
    await platform.change(
        pair_rate={"enabled": False},
        faults=[{"kind": "code", "code": 1, "rate": 0.3}, {"kind": "http_error", "rate": 0.3}],
    )
    for n in reversed(range(60)):
        await platform.send(f"message {n}")
    assert {t["text"]: t["fault"] for t in (await platform.get("/oracle"))["sends"]} == forward
