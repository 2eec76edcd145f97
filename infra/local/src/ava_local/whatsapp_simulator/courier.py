"""Carries deliveries to the webhook address and comes again until the answer is 200."""

import asyncio
import contextlib
import itertools
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

import httpx

from ava_local.whatsapp_simulator.envelopes import USER_AGENT, Account, encode, envelope, sign
from ava_local.whatsapp_simulator.items import Item
from ava_local.whatsapp_simulator.plan import Plan, Retry
from ava_local.whatsapp_simulator.report import report


@dataclass(eq=False)
class Delivery:
    """One POST and its history; times in monotonic seconds."""

    number: int
    items: Sequence[Item]
    body: bytes
    attempts: int = 0
    posted_at: float | None = None
    acknowledged_at: float | None = None


@dataclass(frozen=True)
class Address:
    """Where webhooks go, and the secret they are signed with."""

    url: str
    secret: str


class Courier:
    """A few senders with one connection each; a delivery that was not answered 200 comes back, for as long as
    this process lives."""

    def __init__(self, address: Address, account: Account, plan: Callable[[], Plan]) -> None:
        self.deliveries: list[Delivery] = []
        self._address, self._account, self._plan = address, account, plan
        self._numbers = itertools.count(1)
        self._waiting: deque[Delivery] = deque()
        self._senders: set[asyncio.Task[None]] = set()
        self._resting: set[asyncio.TimerHandle] = set()
        self._idle: list[httpx.AsyncClient] = []

    @property
    def undelivered(self) -> int:
        """Deliveries that wait for a sender or for their next attempt."""
        return len(self._waiting) + len(self._resting)

    @property
    def in_flight(self) -> int:
        """Deliveries being posted right now."""
        return len(self._senders)

    def send(self, items: Sequence[Item]) -> None:
        """Pack the items into one delivery and post it as soon as a sender is free."""
        number = next(self._numbers)
        body = encode(envelope(self._account, items, self._plan().seed, number))
        delivery = Delivery(number, items, body)
        self.deliveries.append(delivery)
        self._queue(delivery)

    async def post(self, body: bytes, signature: bytes | None) -> httpx.Response:
        """Post these bytes once, whatever comes of it; raises httpx.TransportError."""
        headers = [] if signature is None else [(b"x-hub-signature-256", signature)]
        async with self._client() as client:
            return await client.post(self._address.url, content=body, headers=[*_CONTENT_TYPE, *headers])

    async def ask(self, query: dict[str, str]) -> httpx.Response:
        """GET the webhook address with a query."""
        async with self._client() as client:
            return await client.get(self._address.url, params=query)

    async def close(self) -> None:
        """Drop everything that waits and let go of the connections."""
        self._waiting.clear()
        for timer in self._resting:
            timer.cancel()
        self._resting.clear()
        for task in self._senders:
            task.cancel()
        await asyncio.gather(*self._senders, return_exceptions=True)
        for client in self._idle:
            await client.aclose()
        self._idle.clear()

    def _queue(self, delivery: Delivery) -> None:
        self._waiting.append(delivery)
        if len(self._senders) < self._plan().delivery.concurrency:
            sender = asyncio.get_running_loop().create_task(self._work())
            self._senders.add(sender)
            sender.add_done_callback(self._senders.discard)

    async def _work(self) -> None:
        while self._waiting:
            delivery = self._waiting.popleft()
            if not await self._delivered(delivery):
                self._rest(delivery)

    async def _delivered(self, delivery: Delivery) -> bool:
        delivery.attempts += 1
        delivery.posted_at = delivery.posted_at or time.monotonic()
        signature = sign(self._address.secret, delivery.body).encode()
        try:
            answer = str((await self.post(delivery.body, signature)).status_code)
        except httpx.HTTPError as problem:
            answer = type(problem).__name__
        report(
            "delivery",
            number=delivery.number,
            items=len(delivery.items),
            attempt=delivery.attempts,
            answer=answer,
        )
        if answer != "200":
            return False
        delivery.acknowledged_at, delivery.body = time.monotonic(), b""
        for item in delivery.items:
            item.acknowledge()
        return True

    def _rest(self, delivery: Delivery) -> None:
        timer: asyncio.TimerHandle

        def again() -> None:
            self._resting.discard(timer)
            self._queue(delivery)

        pause = _pause(self._plan().delivery.retry, delivery.attempts)
        timer = asyncio.get_running_loop().call_later(pause, again)
        self._resting.add(timer)

    @contextlib.asynccontextmanager
    async def _client(self) -> AsyncIterator[httpx.AsyncClient]:
        client = self._idle.pop() if self._idle else _new_client()
        client.timeout = httpx.Timeout(self._plan().delivery.timeout)
        try:
            yield client
        finally:
            self._idle.append(client)


_CONTENT_TYPE = [(b"content-type", b"application/json")]


def _new_client() -> httpx.AsyncClient:
    # A pool per sender: httpx searches its whole pool on every request, which costs more than the request.
    limits = httpx.Limits(max_connections=1)
    return httpx.AsyncClient(limits=limits, headers={"user-agent": USER_AGENT}, trust_env=False)


def _pause(retry: Retry, attempts: int) -> float:
    # The first retry is immediate, as at Meta; then ever more seldom.
    return 0.0 if attempts == 1 else min(retry.cap, retry.base * retry.factor ** min(attempts - 2, 60))
