"""Ask a sibling room and tell apart: it answered, it is away, it does not take our word any more."""

from typing import Any

import httpx

from ava_whatsapp_gateway.events import Dead


class RoomAway(Exception):
    """A room does not answer, or says it cannot now; `asked` is its Retry-After in seconds."""

    def __init__(self, room: str, why: str, asked: float | None = None) -> None:
        super().__init__(f"{room} is away: {why}")
        self.room = room
        self.asked = asked


class TokenStale(Exception):
    """A room does not accept the delegated token any more: ask auth for a new one."""

    def __init__(self, room: str) -> None:
        super().__init__(f"{room} does not accept our tokens")


class Refused(Dead):
    """A room answered, and its answer will not change by asking again."""

    def __init__(self, room: str, response: httpx.Response) -> None:
        self.status = response.status_code
        self.problem = _problem_type(response)
        super().__init__(f"{room} refused: {self.status} {self.problem}")


async def ask(client: httpx.AsyncClient, room: str, method: str, path: str, **options: Any) -> httpx.Response:
    """The room's answer when it is a final one (2xx, 403, 404, 409, 422 …); RoomAway or TokenStale else."""
    try:
        response = await client.request(method, path, **options)
    except httpx.HTTPError as error:
        raise RoomAway(room, type(error).__name__) from None
    if response.status_code == 401:
        raise TokenStale(room)
    if response.status_code >= 500 or response.status_code in (408, 425, 429):
        raise RoomAway(room, str(response.status_code), retry_after(response))
    return response


def retry_after(response: httpx.Response) -> float | None:
    """The seconds a peer asks us to wait, at most an hour; None when it does not say or names a date."""
    value = response.headers.get("retry-after", "").strip()
    return min(float(value), 3600.0) if value.isascii() and value.isdigit() else None


def _problem_type(response: httpx.Response) -> str:
    try:
        return str(response.json()["type"])[:100]
    except Exception:
        return "no problem document"
