"""In a running stack: an export that meets a deletion."""

import asyncio

import asyncpg
import httpx
import pytest

from ava_local.stack.control import Stack
from e2e.people import Person

MESSAGES = 3000
FILL = """insert into public.messages (user_id, channel, role, content)
select $1, 'app', 'user', 'message ' || n from generate_series(1, $2) as n"""
EVERY_SECONDS = 0.05


@pytest.mark.timeout(300)
async def test_an_export_that_meets_a_deletion_is_refused_or_complete(stack: Stack) -> None:
    person = await asyncio.to_thread(lambda: Person(stack).set_up())
    connection = await asyncpg.connect(stack.database_url())
    await connection.execute(FILL, person.id, MESSAGES)
    await connection.close()
    headers = {"Authorization": f"Bearer {person.token}"}
    async with httpx.AsyncClient(base_url=stack.public_url, timeout=120, trust_env=False) as client:

        async def export(number: int) -> tuple[int, str]:
            await asyncio.sleep(number * EVERY_SECONDS)
            try:
                answer = await client.get("/auth/export", headers=headers)
            except httpx.RemoteProtocolError:  # broken off, visibly
                return 0, ""
            if answer.status_code == 200:
                return 200, str(len(answer.json()["messages"]))
            return answer.status_code, answer.json()["type"]

        exports = [asyncio.create_task(export(number)) for number in range(20)]
        await asyncio.sleep(8 * EVERY_SECONDS)
        body = {"password": person.password}
        gone = await client.request("DELETE", "/auth/account", json=body, headers=headers)
        assert gone.status_code == 204
        told = set(await asyncio.gather(*exports))
        late = await client.get("/auth/export", headers=headers)
    assert (late.status_code, late.json()["type"]) == (401, "urn:ava:problem:account-gone")
    busy = {(503, "urn:ava:problem:room-away")}
    ended = {(401, f"urn:ava:problem:{why}") for why in ("account-gone", "session-ended")}
    assert (200, str(MESSAGES)) in told, "none was complete, so nothing is shown about those"
    assert told <= {(0, ""), (200, str(MESSAGES))} | busy | ended
