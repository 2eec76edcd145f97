"""Requests to a peer: its answer, or whether it is away or does not accept our token."""

from typing import Any

import httpx

from ava_common.http_client import retry_after_seconds


class PeerAway(Exception):
    """A service does not answer, or says that it cannot now and when to ask again."""

    def __init__(self, peer: str, why: str, retry_after: float | None = None) -> None:
        super().__init__(f"{peer} is away: {why}")
        self.peer = peer
        self.retry_after_seconds = retry_after


class TokenRejected(Exception):
    """A service does not accept the delegated token any more: ask auth for a new one."""

    def __init__(self, peer: str) -> None:
        super().__init__(f"{peer} does not accept our tokens")


class PeerRefused(Exception):
    """A service answered, and its answer will not change by asking again."""

    def __init__(self, peer: str, response: httpx.Response) -> None:
        self.status = response.status_code
        self.problem = _problem_type(response)
        super().__init__(f"{peer} refused: {self.status} {self.problem}")


async def request(
    client: httpx.AsyncClient, peer: str, method: str, path: str, **options: Any
) -> httpx.Response:
    """The response when it is final (2xx, 403, 404, 409, 422 …). Raises PeerAway or TokenRejected."""
    try:
        response = await client.request(method, path, **options)
    except httpx.HTTPError as error:
        raise PeerAway(peer, type(error).__name__) from None
    if response.status_code == 401:
        raise TokenRejected(peer)
    if response.status_code >= 500 or response.status_code in (408, 425, 429):
        raise PeerAway(peer, str(response.status_code), retry_after_seconds(response))
    return response


def _problem_type(response: httpx.Response) -> str:
    try:
        return str(response.json()["type"])[:100]
    except Exception:
        return "no problem document"
