"""Ask an answerer that takes its time: what it is given, how long it may take, and what its failures mean.

Decisions 0143, 0144, 0145, 0152 and 0153.
"""

import asyncio
import math
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid5

from ava_common.caller import Caller
from ava_common.database import Pool
from ava_common.log import log
from ava_whatsapp_gateway.cloud_api.graphemes import VISIBLE
from ava_whatsapp_gateway.cloud_api.lenient_json import text
from ava_whatsapp_gateway.cloud_api.message_details import details
from ava_whatsapp_gateway.cloud_api.typing_indicator import TypingIndicator
from ava_whatsapp_gateway.handling.answerer import (
    Answerer,
    AnswererAway,
    AnswerRefused,
    Context,
    Quoted,
)
from ava_whatsapp_gateway.metrics import ANSWER_SECONDS, ANSWERS
from ava_whatsapp_gateway.peers import messaging, profile
from ava_whatsapp_gateway.peers.auth import DelegatedTokens
from ava_whatsapp_gateway.peers.http import ClientPool, Clients
from ava_whatsapp_gateway.peers.messaging import Turn
from ava_whatsapp_gateway.queue.exceptions import DeadEvent, DependencyAway, Release, RetryLater
from ava_whatsapp_gateway.queue.lanes import Event
from ava_whatsapp_gateway.queue.states import EventState
from ava_whatsapp_gateway.settings import Settings

LONGEST_CHARACTERS = 65_536
"""An answer is cut off here: as much as one entry of the log holds."""

_TROUBLE_SECONDS = 60.0
_ITEM = f"""
select e.item, e.words, exists (
  select from whatsapp.events as change
  where change.contact_id = e.contact_id and change.state = '{EventState.READY}'
    and change.corrects is not null
) as changes from whatsapp.events as e where e.id = $1
"""
_CHANGED = f"""
select exists (
  select from whatsapp.events where contact_id = $1 and corrects = $2 and state = '{EventState.READY}')
"""
# Only what was said to or by this user: a number can have had another owner.
_QUOTED = """
select 'assistant' as role, o.body as text from whatsapp.outbox as o
join whatsapp.events as e on e.id = o.event_id
where o.wamid = $1 and o.contact_id = $2 and e.user_id = $3
union all
select 'user', e.words from whatsapp.events as e
where e.key = $1 and e.contact_id = $2 and e.user_id = $3 and e.words <> ''
limit 1
"""


class Thinking:
    """Questions to the answerer, a limited number of them at once."""

    def __init__(
        self,
        pool: Pool,
        settings: Settings,
        clients: ClientPool,
        tokens: DelegatedTokens,
        answerer: Answerer,
        typing: TypingIndicator,
    ) -> None:
        self._pool, self._settings, self._clients, self._tokens = pool, settings, clients, tokens
        self._answerer, self._typing = answerer, typing
        self._slots = asyncio.Semaphore(settings.answer_concurrency)
        self._trouble, self._troubled_at = "", -math.inf

    def trouble(self) -> str:
        """Why nobody gets an answer; empty when that was not found out within the last minute."""
        return self._trouble if time.monotonic() - self._troubled_at < _TROUBLE_SECONDS else ""

    async def think(self, event: Event, said: Turn) -> str:
        """The answer's words, empty for silence. Raises DependencyAway, or DeadEvent for what is refused.

        Raises RetryLater when a change came in that goes first: the turn is asked about as it is then.
        """
        async with self._slots:
            async with self._clients.lend() as clients:
                caller = await self._tokens.caller_for(clients.auth, said.user_id)
                context = await self._context(clients, caller, event, said)
            words = await self._ask(event, said, context)
        if await self._pool.fetchval(_CHANGED, event.contact.id, event.key):
            ANSWERS.labels("outdated").inc()
            raise RetryLater(Release(0.0, "changed"))
        ANSWERS.labels("answer" if words else "silence").inc()
        return words

    async def _context(self, clients: Clients, caller: Caller, event: Event, said: Turn) -> Context:
        """What a companion needs to know, as it is now."""
        most, history = self._settings.answer_history, []
        if most:
            history = await messaging.last_before(clients.messaging, caller, most, said)
        row = await self._pool.fetchrow(_ITEM, event.id)
        if row is None or row["words"] != said.words or row["changes"]:
            raise RetryLater(Release(0.0, "changed"))
        found = details(row["item"] or b"")
        return Context(
            avatar=await profile.avatar(clients.profile, caller),
            history=tuple(reversed(history)),
            replies_to=await self._quoted(event, caller, found.replies_to) if found.replies_to else None,
            media=found.media,
            idempotency_key=str(uuid5(said.id, said.words) if event.edited_at else said.id),
            ollama_url=self._settings.ollama_url,
            image_generation_url=self._settings.image_generation_url,
        )

    async def _quoted(self, event: Event, caller: Caller, wamid: str) -> Quoted | None:
        row = await self._pool.fetchrow(_QUOTED, wamid, event.contact.id, caller.id)
        return Quoted(row["role"], row["text"]) if row else None

    async def _ask(self, event: Event, said: Turn, context: Context) -> str:
        deadline = self._deadline(event)
        try:
            seconds = (deadline - datetime.now(UTC)).total_seconds()
            async with self._typing.shown(event.key), asyncio.timeout(seconds):
                with ANSWER_SECONDS.time():
                    answer = await self._answerer.answer(said, replace(context, deadline=deadline))
        except AnswerRefused as refused:
            ANSWERS.labels("refused").inc()
            raise DeadEvent(f"the answerer refused: {refused}") from None
        except Exception as error:
            raise self._away(event, error) from None
        self._trouble = ""
        words = text(answer.text, LONGEST_CHARACTERS) if answer else ""
        return words if VISIBLE.search(words) else ""

    def _deadline(self, event: Event) -> datetime:
        """Never after Meta's window for answers has closed."""
        timeout, window = self._settings.answer_timeout_seconds, self._settings.stale_after_seconds
        window_closes = event.sent_at + timedelta(seconds=window)
        return min(datetime.now(UTC) + timedelta(seconds=timeout), window_closes)

    def _away(self, event: Event, error: Exception) -> DependencyAway:
        """What is wrong may concern this message alone: only where the answerer says more, all wait alike."""
        away = error if isinstance(error, AnswererAway) else None
        slow = isinstance(error, TimeoutError)
        ANSWERS.labels("away" if away else "slow" if slow else "failed").inc()
        # The words of any other error may hold what the person said.
        away = away or AnswererAway("no answer in time" if slow else type(error).__name__)
        log.warning("answer.failed", event_id=event.id, why=str(away))
        if away.shared:
            self._trouble, self._troubled_at = str(away), time.monotonic()
        return DependencyAway("answerer", str(away), away.retry_after_seconds, shared=away.shared)
