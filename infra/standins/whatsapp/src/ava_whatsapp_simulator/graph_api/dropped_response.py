"""A response whose connection breaks off midway, for fault injection."""

import asyncio
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send


class DroppedResponse(JSONResponse):
    """Keeps the caller waiting `delay` seconds, then starts a response and drops the connection midway."""

    def __init__(self, content: Any, delay: float) -> None:
        super().__init__(content)
        self._delay = delay

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send half of what Content-Length promises; the server then closes the connection."""
        if self._delay and await _client_disconnects(receive, self._delay):
            return
        body = bytes(self.body)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})


async def _client_disconnects(receive: Receive, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                continue
    except TimeoutError:
        return False
    return True
