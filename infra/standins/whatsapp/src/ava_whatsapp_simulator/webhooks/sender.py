"""Posts webhooks, signed, and retries each until it is answered with 200.

Decision 0030. See docs/contracts/whatsapp-cloud-api.md#deliveries.
"""

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from ava_whatsapp_simulator.behaviour_plan import BehaviourPlan, RetrySettings
from ava_whatsapp_simulator.json_log import log_event
from ava_whatsapp_simulator.webhooks.payload import USER_AGENT, BusinessAccount, encode, sign, webhook_payload
from ava_whatsapp_simulator.webhooks.webhook_item import WebhookItem

_KEEP_ALIVE_SECONDS = 5.0


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


@dataclass(frozen=True)
class Answer:
    """What the webhook URL answered."""

    status: int
    text: str


class NotAnswered(Exception):
    """The webhook URL could not be reached, or gave no answer in time; the message says which."""


class WebhookSender:
    """A few workers; a webhook not answered with 200 is retried for as long as this process lives."""

    def __init__(
        self, target: WebhookTarget, account: BusinessAccount, plan: Callable[[], BehaviourPlan]
    ) -> None:
        self.deliveries: list[WebhookDelivery] = []
        self._target, self._account, self._plan = target, account, plan
        self._numbers = itertools.count(1)
        self._waiting: deque[WebhookDelivery] = deque()
        self._workers: set[asyncio.Task[None]] = set()
        self._retry_timers: set[asyncio.TimerHandle] = set()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"user-agent": USER_AGENT},
        )

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

    async def post(self, body: bytes, signature: str | None) -> Answer:
        """Post these bytes once, without retries. Raises NotAnswered."""
        headers = {"content-type": "application/json"}
        if signature is not None:
            headers["x-hub-signature-256"] = signature
        return await self._ask("POST", data=body, headers=headers)

    async def get(self, query: dict[str, str]) -> Answer:
        """GET the webhook URL with a query. Raises NotAnswered."""
        return await self._ask("GET", params=query)

    async def close(self) -> None:
        """Drop everything that is waiting, and close the connections."""
        self._waiting.clear()
        for timer in self._retry_timers:
            timer.cancel()
        self._retry_timers.clear()
        for task in self._workers:
            task.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        await self._session.close()

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
        try:
            answer = str((await self.post(delivery.body, sign(self._target.secret, delivery.body))).status)
        except NotAnswered as error:
            answer = str(error)
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

    async def _ask(self, method: str, **request: Any) -> Answer:
        limit = aiohttp.ClientTimeout(total=self._plan().delivery.timeout)
        asked = self._session.request(
            method, self._target.url, timeout=limit, allow_redirects=False, **request
        )
        try:
            async with asked as response:
                return Answer(response.status, await response.text(errors="replace"))
        except aiohttp.ClientConnectorError:
            raise NotAnswered("ConnectError") from None
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is one of the latter
            raise NotAnswered(type(error).__name__) from None


def _retry_delay(retry: RetrySettings, attempts: int) -> float:
    # The first retry is immediate, as at Meta; then the delays grow.
    return 0.0 if attempts == 1 else min(retry.cap, retry.base * retry.factor ** min(attempts - 2, 60))
