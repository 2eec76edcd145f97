"""A send can fail in every way the contract lists, and the oracle records the truth.

See docs/contracts/whatsapp-cloud-api.md#what-a-response-proves and
docs/contracts/whatsapp-cloud-api.md#error-codes.
"""

from typing import Any

import httpx
import pytest

from ..conftest import Receiver, Simulator

ANNA = "+4915112345678"


async def request_fault(simulator: Simulator, times: int = 1, **fault: object) -> None:
    await simulator.post("/faults/next", fault=fault, times=times)


async def accepted(simulator: Simulator) -> list[tuple[str, bool]]:
    return [(send["outcome"], send["accepted"]) for send in (await simulator.get("/oracle"))["sends"]]


async def test_an_accepted_message_may_never_be_answered(simulator: Simulator) -> None:
    await simulator.send_from_phone(text="hello")
    await request_fault(simulator, kind="timeout")
    with pytest.raises(httpx.ReadTimeout):
        await simulator.client.post(
            f"/v25.0/{simulator.number_id}/messages",
            json={"messaging_product": "whatsapp", "to": ANNA, "type": "text", "text": {"body": "hi"}},
            headers={"authorization": "Bearer token"},
            timeout=httpx.Timeout(60, read=2),
        )
    assert await simulator.received() == ["hi"]
    assert await accepted(simulator) == [("unknown", True)]


async def test_the_connection_may_be_lost_in_the_middle_of_the_answer(simulator: Simulator) -> None:
    await simulator.send_from_phone(text="hello")
    await request_fault(simulator, kind="reset")
    with pytest.raises(httpx.RemoteProtocolError):
        await simulator.send("hi")
    assert await simulator.received() == ["hi"]


async def test_a_delayed_answer_breaks_off_in_the_end(simulator: Simulator) -> None:
    await simulator.send_from_phone(text="hello")
    await request_fault(simulator, kind="timeout", hold=0.1)
    with pytest.raises(httpx.RemoteProtocolError):
        await simulator.send("hi")


@pytest.mark.parametrize(("was_accepted", "arrived"), [(True, ["hi"]), (False, []), (None, [])])
async def test_a_server_error_without_a_body_leaves_open_whether_it_was_accepted(
    simulator: Simulator, was_accepted: bool | None, arrived: list[str] | list[Any]
) -> None:
    await simulator.send_from_phone(text="hello")
    await request_fault(simulator, kind="http_error", status=502, accepted=was_accepted)
    answer = await simulator.send("hi")
    assert answer.status_code == 502
    assert "error" not in answer.text
    assert await simulator.received() == arrived
    assert await accepted(simulator) == [("unknown", bool(arrived))]


async def test_an_answer_may_lack_the_id(simulator: Simulator) -> None:
    await simulator.send_from_phone(text="hello")
    await request_fault(simulator, kind="no_id")
    answer = await simulator.send("hi")
    assert (answer.status_code, answer.json()["messages"]) == (200, [])
    assert await simulator.received() == ["hi"]


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
async def test_every_code_comes_with_its_status_and_reaches_no_phone(
    simulator: Simulator, code: int, status: int
) -> None:
    await simulator.send_from_phone(text="hello")
    await request_fault(simulator, kind="code", code=code)
    answer = await simulator.send("hi")
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert await simulator.received() == []
    assert await accepted(simulator) == [("refused", False)]


async def test_too_many_requests_come_with_and_without_the_time_to_wait(simulator: Simulator) -> None:
    await simulator.send_from_phone(text="hello")
    await request_fault(simulator, kind="code", code=130429)
    await request_fault(simulator, kind="code", code=130429, retry_after=7)
    assert "retry-after" not in (await simulator.send("hi")).headers
    assert (await simulator.send("hi")).headers["retry-after"] == "7"
    assert (await simulator.send("hi")).status_code == 200


async def test_transient_codes_say_that_they_are(simulator: Simulator) -> None:
    await request_fault(simulator, kind="code", code=131016)
    assert (await simulator.send("hi")).json()["error"]["is_transient"] is True


async def test_a_failure_may_come_only_as_a_status(simulator: Simulator) -> None:
    await simulator.send_from_phone(text="hello")
    await request_fault(simulator, kind="failed", code=131049)
    assert (await simulator.send("hi")).status_code == 200
    status = (await simulator.statuses(1))[0]
    assert (status["status"], status["errors"][0]["code"]) == ("failed", 131049)
    assert await simulator.received() == []


async def test_an_unclear_send_has_a_later_status_or_none(simulator: Simulator, receiver: Receiver) -> None:
    await simulator.send_from_phone(text="hello")
    await request_fault(simulator, kind="no_id", with_status=1)
    await simulator.send("reported", outbox_id="reported")
    await request_fault(simulator, kind="no_id", with_status=0)
    await simulator.send("unreported", outbox_id="unreported")
    await simulator.statuses(3)
    assert {s["biz_opaque_callback_data"] for s in receiver.items("statuses")} == {"reported"}
    unknowns = (await simulator.get("/oracle"))["unknowns"]
    assert unknowns == {"with_status": ["reported"], "without_status": ["unreported"]}


async def test_a_fault_can_be_limited_to_one_phone(simulator: Simulator) -> None:
    await simulator.post("/faults/next", fault={"kind": "code", "code": 1}, to=ANNA)
    assert (await simulator.send("hi", to="+4915100000001")).status_code == 200
    assert (await simulator.send("hi")).status_code == 500


async def outcomes(simulator: Simulator, seed: int) -> list[int]:
    await simulator.post("/reset", seed=seed)
    await simulator.change(
        pair_rate={"enabled": False},
        faults=[{"kind": "code", "code": 1, "rate": 0.3}, {"kind": "http_error", "rate": 0.3}],
    )
    return [(await simulator.send(f"message {n}")).status_code for n in range(60)]


async def test_faults_follow_their_rates_and_the_seed_alone(simulator: Simulator) -> None:
    first = await outcomes(simulator, 11)
    assert 20 < sum(status != 200 for status in first) < 50
    assert await outcomes(simulator, 11) == first
    assert await outcomes(simulator, 12) != first


async def test_another_order_of_sending_changes_no_outcome(simulator: Simulator) -> None:
    await outcomes(simulator, 11)
    forward = {send["text"]: send["fault"] for send in (await simulator.get("/oracle"))["sends"]}
    await simulator.post("/reset", seed=11)
    await simulator.change(
        pair_rate={"enabled": False},
        faults=[{"kind": "code", "code": 1, "rate": 0.3}, {"kind": "http_error", "rate": 0.3}],
    )
    for n in reversed(range(60)):
        await simulator.send(f"message {n}")
    assert {send["text"]: send["fault"] for send in (await simulator.get("/oracle"))["sends"]} == forward
