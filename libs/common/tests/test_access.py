"""The access middleware around the plainest endpoint there is."""

from typing import Any

import httpx

from ava_common.access import Access

THANKS: list[dict[str, Any]] = [
    {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]},
    {"type": "http.response.body", "body": b"ok"},
]


async def thank(scope: Any, receive: Any, send: Any) -> None:
    for message in THANKS:
        await send(message)


async def test_an_answer_carries_its_own_request_id_and_nobody_elses() -> None:
    transport = httpx.ASGITransport(app=Access(thank))
    async with httpx.AsyncClient(transport=transport, base_url="http://room") as client:
        for name in ("first", "second", "third"):
            answer = await client.get("/", headers={"X-Request-Id": name})
            assert answer.headers.get_list("x-request-id") == [name]
    assert THANKS[0]["headers"] == [(b"content-length", b"2")]
