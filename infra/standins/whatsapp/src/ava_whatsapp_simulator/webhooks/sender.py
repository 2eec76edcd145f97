"""Posts webhooks, signed, and retries each until it is answered with 200.

See docs/contracts/whatsapp-cloud-api.md#deliveries.
"""

import asyncio
import contextlib
import itertools
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

import httpx

from ava_whatsapp_simulator.behaviour_plan import BehaviourPlan, RetrySettings
from ava_whatsapp_simulator.json_log import log_event
from ava_whatsapp_simulator.webhooks.payload import USER_AGENT, BusinessAccount, encode, sign, webhook_payload
from ava_whatsapp_simulator.webhooks.webhook_item import WebhookItem


@dataclass(eq=False)
class WebhookDelivery:
    """One webhook and its history; times in monotonic seconds."""

    number: int
    items: Sequence[WebhookItem]
    body: bytes
    attempts: int = 0
    posted_at: float | None = None
    acknowledged_at: float | None = None


@dataclass(frozen=True)
class WebhookTarget:
    """The URL webhooks are posted to, and the secret they are signed with."""

    url: str
    secret: str


class WebhookSender:
    """A few workers with one connection each; a webhook not answered with 200 is retried for as long as this
    process lives."""

    def __init__(
        self, target: WebhookTarget, account: BusinessAccount, plan: Callable[[], BehaviourPlan]
    ) -> None:
        self.deliveries: list[WebhookDelivery] = []
        self._target, self._account, self._plan = target, account, plan
        self._numbers = itertools.count(1)
        self._waiting: deque[WebhookDelivery] = deque()
        self._workers: set[asyncio.Task[None]] = set()
        self._retry_timers: set[asyncio.TimerHandle] = set()
        self._idle_clients: list[httpx.AsyncClient] = []

    @property
    def waiting_count(self) -> int:
        """Webhooks waiting for a worker or for their next attempt."""
        return len(self._waiting) + len(self._retry_timers)

    @property
    def in_flight_count(self) -> int:
        """Webhooks being posted right now."""
        return len(self._workers)

    def send(self, items: Sequence[WebhookItem]) -> None:
        """Pack the items into one webhook and post it as soon as a worker is free."""
        number = next(self._numbers)
        body = encode(webhook_payload(self._account, items, self._plan().seed, number))
        delivery = WebhookDelivery(number, items, body)
        self.deliveries.append(delivery)
        self._queue(delivery)

    async def post(self, body: bytes, signature: bytes | None) -> httpx.Response:
        """Post these bytes once, without retries. Raises httpx.TransportError."""
        headers = [] if signature is None else [(b"x-hub-signature-256", signature)]
        async with self._client() as client:
            return await client.post(self._target.url, content=body, headers=[*_CONTENT_TYPE, *headers])

    async def get(self, query: dict[str, str]) -> httpx.Response:
        """GET the webhook URL with a query."""
        async with self._client() as client:
            return await client.get(self._target.url, params=query)

    async def close(self) -> None:
        """Drop everything that is waiting, and close the connections."""
        self._waiting.clear()
        for timer in self._retry_timers:
            timer.cancel()
        self._retry_timers.clear()
        for task in self._workers:
            task.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        for client in self._idle_clients:
            await client.aclose()
        self._idle_clients.clear()

    def _queue(self, delivery: WebhookDelivery) -> None:
        self._waiting.append(delivery)
        if len(self._workers) < self._plan().delivery.concurrency:
            worker = asyncio.get_running_loop().create_task(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)

    async def _work(self) -> None:
        while self._waiting:
            delivery = self._waiting.popleft()
            if not await self._deliver_once(delivery):
                self._schedule_retry(delivery)

    async def _deliver_once(self, delivery: WebhookDelivery) -> bool:
        delivery.attempts += 1
        delivery.posted_at = delivery.posted_at or time.monotonic()
        signature = sign(self._target.secret, delivery.body).encode()
        try:
            answer = str((await self.post(delivery.body, signature)).status_code)
        except httpx.HTTPError as error:
            answer = type(error).__name__
        log_event(
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

    def _schedule_retry(self, delivery: WebhookDelivery) -> None:
        timer: asyncio.TimerHandle

        def retry() -> None:
            self._retry_timers.discard(timer)
            self._queue(delivery)

        delay = _retry_delay(self._plan().delivery.retry, delivery.attempts)
        timer = asyncio.get_running_loop().call_later(delay, retry)
        self._retry_timers.add(timer)

    @contextlib.asynccontextmanager
    async def _client(self) -> AsyncIterator[httpx.AsyncClient]:
        client = self._idle_clients.pop() if self._idle_clients else _new_client()
        client.timeout = httpx.Timeout(self._plan().delivery.timeout)
        try:
            yield client
        finally:
            self._idle_clients.append(client)


_CONTENT_TYPE = [(b"content-type", b"application/json")]


def _new_client() -> httpx.AsyncClient:
    # A pool per worker: httpx searches its whole pool on every request, which costs more than the request.
    limits = httpx.Limits(max_connections=1)
    return httpx.AsyncClient(limits=limits, headers={"user-agent": USER_AGENT}, trust_env=False)


def _retry_delay(retry: RetrySettings, attempts: int) -> float:
    # The first retry is immediate, as at Meta; then the delays grow.
    return 0.0 if attempts == 1 else min(retry.cap, retry.base * retry.factor ** min(attempts - 2, 60))
