"""The client of the Graph API, where a call takes too long."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx

from ava_whatsapp_gateway.cloud_api import client as cloud_api


async def test_an_answer_that_comes_byte_by_byte_does_not_outlast_the_lease() -> None:
    class Dripping(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                yield b" "
                await asyncio.sleep(0.01)

    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=Dripping()))
    async with httpx.AsyncClient(transport=transport, base_url="http://graph", timeout=60) as client:
        message = cloud_api.TextMessage(uuid4(), "4915112345678", None, "hi")
        async with asyncio.timeout(60):
            assert isinstance(await cloud_api.send_text(client, "/messages", message, 0.1), cloud_api.Unknown)
