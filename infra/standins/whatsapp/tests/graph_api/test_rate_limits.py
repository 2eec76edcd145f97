"""The 24-hour window, the rate to one user and the rate of the business number, unless switched off."""

import asyncio
import time

import httpx

from ava_local.testing.waiting import eventually

from ..conftest import Simulator

ANNA = "+4915112345678"


async def send_at_once(simulator: Simulator, *phones: str) -> list[httpx.Response]:
    """The answers to messages sent in parallel, before the rate allows more; refusals last."""
    answers = await asyncio.gather(*(simulator.send("hi", to=phone) for phone in phones))
    return sorted(answers, key=lambda answer: answer.status_code)


async def test_more_than_the_burst_to_one_user_is_refused_and_others_are_not(simulator: Simulator) -> None:
    await simulator.change(pair_rate={"burst": 3, "every": 600})
    codes = [(await simulator.send(f"hi {n}")).status_code for n in range(5)]
    assert codes == [200, 200, 200, 429, 429]
    assert (await simulator.send("hi")).json()["error"]["code"] == 131056
    assert (await simulator.send("hi", to="+4915100000001")).status_code == 200


async def test_the_burst_is_earned_back_with_time(simulator: Simulator) -> None:
    await simulator.change(pair_rate={"burst": 1, "scale": 0.5})
    answers = await send_at_once(simulator, *[ANNA] * 5)
    assert (answers[0].status_code, answers[-1].status_code) == (200, 429)

    async def is_earned_back() -> bool:
        return (await simulator.send("hi")).status_code == 200

    await eventually(is_earned_back)


async def test_the_rate_to_one_user_can_be_switched_off(simulator: Simulator) -> None:
    await simulator.change(pair_rate={"enabled": False, "burst": 1})
    assert [(await simulator.send("hi")).status_code for _ in range(3)] == [200] * 3


async def test_the_business_number_has_a_rate_of_its_own(simulator: Simulator) -> None:
    await simulator.change(number_rate={"enabled": True, "per_second": 1})
    answers = await send_at_once(simulator, *(f"+491510000000{n}" for n in range(5)))
    assert (answers[0].status_code, answers[-1].status_code) == (200, 429)
    assert answers[-1].json()["error"]["code"] == 130429


async def test_a_user_who_wrote_long_ago_receives_nothing(simulator: Simulator) -> None:
    await simulator.send_from_phone(text="hello", timestamp=int(time.time()) - 25 * 3600)
    assert (await simulator.send("hi", outbox_id="late")).status_code == 200
    status = (await simulator.statuses(1))[0]
    assert (status["status"], status["errors"][0]["code"]) == ("failed", 131047)
    assert await simulator.received() == []
    await simulator.send_from_phone(text="hello again")
    await simulator.send("hi")
    assert await simulator.received() == ["hi"]


async def test_the_window_can_refuse_at_once_or_be_switched_off(simulator: Simulator) -> None:
    await simulator.send_from_phone(text="hello", timestamp=1_700_000_000)
    await simulator.change(window={"answer": "error"})
    answer = await simulator.send("hi")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 131047)
    await simulator.change(window={"enabled": False})
    assert (await simulator.send("hi")).status_code == 200
    assert await simulator.received() == ["hi"]
