"""An HTTP client of the WhatsApp simulator's control API, shared with the benchmarks."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import httpx

Json = dict[str, Any]


class SimulatorClient:
    """Any response other than success raises httpx.HTTPStatusError."""

    def __init__(self, address: str) -> None:
        self._client = httpx.AsyncClient(base_url=f"{address}/simulator", timeout=120, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def set_plan(self, plan: Json) -> None:
        """Change how the simulator behaves."""
        await self._request("PATCH", "/plan", plan)

    async def send_messages(self, messages: Sequence[Json]) -> None:
        """Send messages from phones."""
        await self._request("POST", "/messages", {"messages": list(messages)})

    async def change_number(self, number: str, to: str) -> None:
        """Give a phone another number, and with it another id."""
        await self._request("POST", f"/phones/{number.removeprefix('+')}/number", {"to": to})

    async def counts(self) -> Json:
        """How many messages were sent by phones, sent to them and received."""
        return await self._request("GET", "/tally")

    async def pending_count(self) -> int:
        """How many webhooks, or items for them, have not been acknowledged yet."""
        return sum((await self._request("GET", "/pending")).values())

    async def oracle(self) -> Json:
        """Everything that really happened, as the simulator recorded it."""
        return await self._request("GET", "/oracle")

    async def _request(self, method: str, path: str, body: Json | None = None) -> Json:
        answer = await self._client.request(method, path, json=body)
        answer.raise_for_status()
        found: Json = answer.json()
        return found
