"""The sender: makes one send; afterwards it is accepted, failed or unknown, or the lane has to wait.

Decisions 0051, 0105, 0107 and 0122.
"""

import asyncio
from dataclasses import dataclass
from typing import assert_never

import httpx

from ava_common.database import Pool, retry_while_away
from ava_common.log import log
from ava_whatsapp_gateway.cloud_api import client as cloud_api
from ava_whatsapp_gateway.cloud_api.errors import Verdict
from ava_whatsapp_gateway.metrics import SENDS
from ava_whatsapp_gateway.outbox import calls, circuit_breaker, store
from ava_whatsapp_gateway.outbox.calls import Begun
from ava_whatsapp_gateway.outbox.rate_limiter import RateLimiter
from ava_whatsapp_gateway.outbox.store import Send
from ava_whatsapp_gateway.queue import backoff
from ava_whatsapp_gateway.queue.exceptions import LeaseLost, Release, RetryLater
from ava_whatsapp_gateway.queue.group_commit import LEASE_LEFT, GroupCommit
from ava_whatsapp_gateway.queue.lanes import Event
from ava_whatsapp_gateway.queue.states import SendState
from ava_whatsapp_gateway.settings import Settings

_NEVER_CALLED_LONGEST_UNITS = 5.0
"""A call that was never made costs nothing, and from a few in a row on the circuit spares us even those."""
_AGE = "select extract(epoch from clock_timestamp() - $1)"
_NOBODY = cloud_api.NotSent(Verdict.PERMANENT, None, "its number is another person's by now")
_SAYING_SECONDS = 3600.0
"""How long we try to write down what became of a call: nobody else knows, and the database may be away."""


@dataclass(frozen=True)
class Sender:
    """Sends from our number; shared by all lanes of one process."""

    pool: Pool
    writes: GroupCommit
    settings: Settings
    rate_limiter: RateLimiter

    async def send(self, graph: httpx.AsyncClient, event: Event, send: Send) -> Send:
        """The send as it ends up: never called twice, unless the first call was provably not accepted.

        A draft is stored when its call begins. Raises RetryLater when the number, the person or Graph has to
        be given time, LeaseLost when another process has the lane.
        """
        if send.state is SendState.SENDING:
            send = await self._interrupted(send)
        if send.state is SendState.UNKNOWN:
            send = await self._resend_once(send)
        if send.state is not SendState.READY:
            return send
        await self.rate_limiter.acquire()
        # Our lease is at least as long as this, which counts from before the database counts.
        latest = asyncio.get_running_loop().time() + LEASE_LEFT * self.settings.lease_seconds
        begun = await self._begin(event, send)
        if begun.verdict == "lost":
            raise LeaseLost
        if begun.verdict in ("pair", "number"):
            raise RetryLater(Release(begun.pause, begun.verdict))
        if begun.verdict == "probe":
            await self._probe(graph, event, send, begun)
        if begun.verdict in ("go", "probe") and (accepted := await self._call(graph, send, begun, latest)):
            return accepted
        send = await store.get(self.pool, send.id)
        return await self.send(graph, event, send) if send.state is SendState.UNKNOWN else send

    async def _interrupted(self, send: Send) -> Send:
        """Unknown, once another process has had time to say what became of a call that it began.

        We hold the lane, so its lease is over. It may be gone; it may have stood still, or lost the database.
        """
        since_begun = await self.pool.fetchval(_AGE, send.changed_at)
        wait = 2 * self.settings.lease_seconds - float(since_begun)
        if wait > 0:
            raise RetryLater(Release(wait, "interrupted"))  # the lane waits, so that the order is kept
        await store.mark_unknown(self.pool, send.id, send.attempts, "interrupted")
        return await store.get(self.pool, send.id)

    async def _begin(self, event: Event, send: Send) -> Begun:
        """The database's word before a call; when it gets lost, say that there was no call."""
        try:
            return await calls.begin(self.writes, event, send, self.settings)
        except Exception:
            never_called = event, send.id, send.attempts + 1
            await retry_while_away(lambda: store.mark_not_called(self.pool, *never_called), _SAYING_SECONDS)
            raise

    async def _probe(self, graph: httpx.AsyncClient, event: Event, send: Send, begun: Begun) -> None:
        """Ask whether Graph is back, before a message is risked."""
        settings = self.settings
        path = f"/{settings.graph_api_version}/{settings.phone_number_id}"
        if await cloud_api.ask_about_number(graph, path, 2 * settings.graph_timeout_seconds):
            return
        never_called = event, send.id, begun.attempt
        await retry_while_away(lambda: store.mark_not_called(self.pool, *never_called), _SAYING_SECONDS)
        raise RetryLater(Release(begun.pause, "number"))

    async def _resend_once(self, send: Send) -> Send:
        """Ready again when the policy and the time allow it; until then a status may still settle it."""
        if send.resent or self.settings.unknown_policy != "resend_once":
            return send
        waited = await self.pool.fetchval(_AGE, send.changed_at)
        if waited < self.settings.unknown_wait_seconds:
            # The lane waits, so that the order is kept.
            raise RetryLater(Release(self.settings.unknown_wait_seconds - float(waited), "unknown"))
        log.warning("send.again", send_id=str(send.id))
        await store.allow_resend(self.pool, send.id)
        return await store.get(self.pool, send.id)

    async def _call(self, graph: httpx.AsyncClient, send: Send, begun: Begun, latest: float) -> Send | None:
        """The send when it was accepted; None: ask what became of it."""
        settings = self.settings
        path = f"/{settings.graph_api_version}/{settings.phone_number_id}/messages"
        message = cloud_api.TextMessage(send.id, begun.wa_digits, begun.bsuid, send.body)
        outcome: cloud_api.Outcome = _NOBODY
        if message.digits or message.bsuid:
            timeout_seconds = 2 * settings.graph_timeout_seconds
            outcome = await cloud_api.send_text(graph, path, message, timeout_seconds, latest)
        match outcome:
            case cloud_api.Accepted():
                SENDS.labels("accepted", "").inc()
                log.info("send.accepted", send_id=str(send.id))
                alias = None if outcome.alias == begun.wa_digits else outcome.alias
                accepted = send, outcome.wamid, alias, settings.phone_number_id
                noted = retry_while_away(lambda: calls.mark_accepted(self.writes, *accepted), _SAYING_SECONDS)
                now, closed = await noted
                if closed:
                    circuit_breaker.circuit_closed()
                return now
            case cloud_api.Unknown():
                SENDS.labels("unknown", "").inc()
                log.warning("send.unknown", send_id=str(send.id), why=outcome.why)
                unknown = send.id, begun.attempt, outcome.why
                await retry_while_away(lambda: store.mark_unknown(self.pool, *unknown), _SAYING_SECONDS)
                await self._count_unanswered(begun)
            case cloud_api.NotSent():
                SENDS.labels("not_sent", "none" if outcome.code is None else str(outcome.code)).inc()
                await self._not_sent(send, begun, outcome)
            case _:
                assert_never(outcome)
        return None

    async def _not_sent(self, send: Send, begun: Begun, outcome: cloud_api.NotSent) -> None:
        attempt = begun.attempt
        # Only the message's own trouble counts: not a throttled number, a broken credential, no network.
        counts = outcome.verdict is Verdict.TRANSIENT and outcome.answered
        last = counts and send.failures + 1 >= self.settings.attempts
        final = outcome.verdict is Verdict.PERMANENT or last
        log.warning(
            "send.not_sent",
            send_id=str(send.id),
            verdict=outcome.verdict,
            code=outcome.code,
            attempt=attempt,
            final=final,
        )
        refused = send.id, attempt, outcome.code, outcome.detail
        await retry_while_away(
            lambda: store.mark_not_sent(self.pool, *refused, final=final, counts=counts), _SAYING_SECONDS
        )
        if outcome.answered:
            await circuit_breaker.answered(self.pool, self.settings.phone_number_id)
        elif outcome.verdict is Verdict.TRANSIENT and outcome.detail != cloud_api.TOO_LATE:
            await self._count_unanswered(begun)
        if not final:
            raise RetryLater(await self._release_after(send, outcome))

    async def _release_after(self, send: Send, outcome: cloud_api.NotSent) -> Release:
        """What has to wait, and for how many seconds: the whole number, or this person alone."""
        number, unit = self.settings.phone_number_id, self.settings.backoff_unit_seconds
        retry_after = outcome.retry_after_seconds
        match outcome.verdict:
            case Verdict.NUMBER:
                strikes = await circuit_breaker.strikes(self.pool, number)
                wait = backoff.seconds(strikes, unit=unit, retry_after=retry_after)
                await circuit_breaker.pause(self.pool, number, wait, outcome.code)
                return Release(wait, "number")
            case Verdict.CREDENTIAL:
                probe_seconds = self.settings.probe_seconds
                await circuit_breaker.open_circuit(self.pool, number, probe_seconds, outcome.code)
                return Release(probe_seconds, "number")
            case Verdict.PAIR:
                wait = backoff.seconds(send.attempts, unit=unit, retry_after=retry_after)
                return Release(wait, "pair")
            case _:
                longest = backoff.LONGEST_UNITS if outcome.answered else _NEVER_CALLED_LONGEST_UNITS
                wait = backoff.seconds(send.attempts, unit=unit, longest=longest, retry_after=retry_after)
                return Release(wait, "graph" if outcome.answered else "number")

    async def _count_unanswered(self, begun: Begun) -> None:
        """Where a message was risked, the next one is after a while; where not, Graph is asked soon."""
        number, probe_seconds = self.settings.phone_number_id, self.settings.probe_seconds
        if begun.verdict != "probe":
            probe_seconds = min(calls.UNREACHABLE_PROBE_SECONDS, probe_seconds)
        await circuit_breaker.unanswered(self.pool, number, probe_seconds)
