"""Follow a query from page to page, as a client does."""

from collections.abc import AsyncIterator
from typing import Any

import httpx


async def pages(
    client: httpx.AsyncClient, headers: dict[str, str], **query: str | int
) -> AsyncIterator[list[dict[str, Any]]]:
    """Every page that this query finds, one list of messages per page."""
    cursor: dict[str, str | int] = {}
    while True:
        answer = await client.get("/messages", params=query | cursor, headers=headers)
        yield answer.json()["messages"]
        if answer.json()["next"] is None:
            return
        cursor = {"cursor": answer.json()["next"]}
