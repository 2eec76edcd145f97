"""An answer that never arrives whole."""

import asyncio
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send


class Dropped(JSONResponse):
    """Keeps the caller waiting `hold` seconds, then starts an answer and loses the connection midway."""

    def __init__(self, content: Any, hold: float) -> None:
        super().__init__(content)
        self._hold = hold

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send half of the body under a length that promises all of it; the server then hangs up."""
        if self._hold and await _hangs_up(receive, self._hold):
            return
        body = bytes(self.body)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})


async def _hangs_up(receive: Receive, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                continue
    except TimeoutError:
        return False
    return True
