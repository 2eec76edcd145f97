"""The simulator of a house under test, asked over HTTP."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import httpx

Json = dict[str, Any]


class Platform:
    """Says, asks and waits; every answer but success raises httpx.HTTPStatusError."""

    def __init__(self, address: str) -> None:
        self._client = httpx.AsyncClient(base_url=f"{address}/simulator", timeout=120, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def behave(self, plan: Json) -> None:
        """Change how the platform behaves."""
        await self._ask("PATCH", "/plan", plan)

    async def say(self, messages: Sequence[Json]) -> None:
        """People write."""
        await self._ask("POST", "/messages", {"messages": list(messages)})

    async def tally(self) -> Json:
        """How far things are."""
        return await self._ask("GET", "/tally")

    async def pending(self) -> int:
        """Webhooks that were not acknowledged yet, counted in whatever is waiting."""
        return sum((await self._ask("GET", "/pending")).values())

    async def oracle(self) -> Json:
        """Everything that really happened."""
        return await self._ask("GET", "/oracle")

    async def _ask(self, method: str, path: str, body: Json | None = None) -> Json:
        answer = await self._client.request(method, path, json=body)
        answer.raise_for_status()
        told: Json = answer.json()
        return told
