"""In a running stack: an attacker keeps log-ins of their own in flight, and the clock still tells nothing."""

import asyncio
import statistics

import httpx
import pytest

from ava_auth.even_queue import AT_ONCE
from ava_local.stack.control import Stack
from e2e.people import Person, unique_text

IN_FLIGHT = 5 * AT_ONCE - 1
"""With the one that is measured a multiple of the queue's places, so that every round is alike."""
SAMPLES = 5  # as many wrong guesses as are free for an account
TOLERANCE = 0.10


@pytest.mark.timeout(300)
async def test_the_clock_tells_nothing_while_many_log_ins_are_in_flight(stack: Stack) -> None:
    attackers = [await asyncio.to_thread(Person, stack) for _ in range(3)]
    victim = await asyncio.to_thread(Person, stack)
    async with httpx.AsyncClient(base_url=stack.url("auth"), timeout=120, trust_env=False) as client:
        done, served = asyncio.Event(), list[int]()

        async def occupy(own: Person) -> None:
            while not done.is_set():
                body = {"email": own.email, "password": own.password}
                served.append((await client.post("/auth/login", json=body)).status_code)

        load = [asyncio.create_task(occupy(attackers[n % len(attackers)])) for n in range(IN_FLIGHT)]
        try:
            await asyncio.sleep(2)
            known, unknown = await samples(client, victim.email, served)
        finally:
            done.set()
            await asyncio.gather(*load)
    assert {*served} == {200}, "the load is not the one that is meant"
    medians = statistics.median(known), statistics.median(unknown)
    assert abs(medians[0] - medians[1]) <= TOLERANCE * max(medians), (known, unknown)


async def samples(
    client: httpx.AsyncClient, known_email: str, served: list[int]
) -> tuple[list[int], list[int]]:
    """How many others were served during a wrong log-in for the known address and for unknown ones, in turns.

    That is the attacker's clock: it goes as the machine goes, which may become slower meanwhile.
    """
    known: list[int] = []
    unknown: list[int] = []
    for number in range(SAMPLES):
        nobody = f"{unique_text('nobody').replace(' ', '-')}@people.example"
        for email, taken in ((known_email, known), (nobody, unknown)):
            headers = {"X-Forwarded-For": f"203.0.113.{number + 1}"}
            before = len(served)
            body = {"email": email, "password": "wrong"}
            refused = await client.post("/auth/login", json=body, headers=headers)
            taken.append(len(served) - before)
            assert (refused.status_code, refused.json()["type"]) == (401, "urn:ava:problem:wrong-credentials")
    return known, unknown
