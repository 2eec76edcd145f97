"""The 24-hour window, the rate to one person and the rate of our number hold unless switched off."""

import asyncio
import time

from .conftest import until

ANNA = "+4915112345678"


async def at_once(platform, *phones):
    """The answers to messages sent side by side, before any of the rate is earned back; refusals last."""
    answers = await asyncio.gather(*(platform.send("hi", to=phone) for phone in phones))
    return sorted(answers, key=lambda answer: answer.status_code)


async def test_more_than_the_burst_to_one_person_is_refused_and_others_are_not(platform):
    await platform.change(pair_rate={"burst": 3})
    codes = [(await platform.send(f"hi {n}")).status_code for n in range(5)]
    assert codes == [200, 200, 200, 429, 429]
    assert (await platform.send("hi")).json()["error"]["code"] == 131056
    assert (await platform.send("hi", to="+4915100000001")).status_code == 200


async def test_the_burst_is_earned_back_with_time(platform):
    await platform.change(pair_rate={"burst": 1, "scale": 0.5})
    assert [answer.status_code for answer in await at_once(platform, ANNA, ANNA)] == [200, 429]

    async def earned():
        return (await platform.send("hi")).status_code == 200

    await until(earned)


async def test_the_rate_to_one_person_can_be_switched_off(platform):
    await platform.change(pair_rate={"enabled": False, "burst": 1})
    assert [(await platform.send("hi")).status_code for _ in range(3)] == [200] * 3


async def test_the_number_has_a_rate_of_its_own(platform):
    await platform.change(number_rate={"enabled": True, "per_second": 1})
    answers = await at_once(platform, "+4915100000001", "+4915100000002")
    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[-1].json()["error"]["code"] == 130429


async def test_a_person_who_wrote_long_ago_is_not_written_to(platform):
    await platform.say(text="hello", timestamp=int(time.time()) - 25 * 3600)
    assert (await platform.send("hi", outbox_id="late")).status_code == 200
    status = (await platform.statuses(1))[0]
    assert (status["status"], status["errors"][0]["code"]) == ("failed", 131047)
    assert await platform.received() == []
    await platform.say(text="hello again")
    await platform.send("hi")
    assert await platform.received() == ["hi"]


async def test_the_window_can_refuse_at_once_or_be_switched_off(platform):
    await platform.say(text="hello", timestamp=1_700_000_000)
    await platform.change(window={"answer": "error"})
    answer = await platform.send("hi")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 131047)
    await platform.change(window={"enabled": False})
    assert (await platform.send("hi")).status_code == 200
    assert await platform.received() == ["hi"]
