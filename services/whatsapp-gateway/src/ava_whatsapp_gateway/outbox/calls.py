"""Before a call and after it: what is asked and noted while many lanes send, gathered into few commits.

Decisions 0051, 0105, 0159 and 0187.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ava_whatsapp_gateway.outbox.store import Send
from ava_whatsapp_gateway.queue.group_commit import Call, GroupCommit
from ava_whatsapp_gateway.queue.lanes import Event
from ava_whatsapp_gateway.queue.states import SendState
from ava_whatsapp_gateway.settings import Settings

UNREACHABLE_PROBE_SECONDS = 5.0
"""How often Graph is asked whether it is back, when it did not answer: asking costs no message."""

_BEGIN = Call(
    """whatsapp.begin_send_4(
      p_contact_id => contact_id, p_fence => fence, p_send_id => send_id, p_phone_number_id => number,
      p_lease => lease, p_pair_gap => pair_gap, p_pair_burst => pair_burst, p_probe => probe,
      p_unreachable_probe => unreachable_probe, p_event_id => event_id, p_user_id => user_id,
      p_avatar_id => avatar_id, p_claimed_at => claimed_at, p_body => body)""",
    "contact_id bigint, fence uuid, send_id uuid, number text, lease interval,"
    " pair_gap interval, pair_burst integer, probe interval, unreachable_probe interval,"
    " event_id bigint, user_id uuid, avatar_id uuid, claimed_at timestamptz, body text",
)
_ACCEPTED = Call(
    """whatsapp.accepted_4(
      p_send_id => send_id, p_wamid => wamid, p_alias_digits => alias, p_phone_number_id => number)""",
    "send_id uuid, wamid text, alias text, number text",
    lane=False,
)


@dataclass(frozen=True, slots=True)
class Begun:
    """The last word before a call: `verdict`, `pause` (seconds), which `attempt` this is, and to whom."""

    verdict: str
    pause: float
    attempt: int
    wa_digits: str | None
    bsuid: str | None


async def begin(writes: GroupCommit, event: Event, send: Send, settings: Settings) -> Begun:
    """The last check before a call. With it a draft is stored and its turn noted as logged, or nothing is."""
    pace = (
        *(event.contact.id, event.token, send.id, settings.phone_number_id),
        timedelta(seconds=settings.lease_seconds),
        *(timedelta(seconds=settings.pair_gap_seconds), settings.pair_burst),
        timedelta(seconds=settings.probe_seconds),
        timedelta(seconds=min(UNREACHABLE_PROBE_SECONDS, settings.probe_seconds)),
    )
    turn: tuple[Any, ...] = (None,) * 5
    if whose := send.drafted_for:
        turn = event.id, whose.user_id, whose.avatar_id, event.claimed_at, send.body
    return Begun(**await writes.ask(_BEGIN, *pace, *turn))


async def mark_accepted(
    writes: GroupCommit, send: Send, wamid: str, alias: str | None, number: str
) -> tuple[Send | None, bool]:
    """Note the wamid, regardless of who holds the lease; True when this closed the number's circuit.

    The send as it is now, None where it had ended otherwise, or was deleted together with its account.
    """
    now = await writes.ask(_ACCEPTED, send.id, wamid, alias, number)
    if now["state"] != SendState.ACCEPTED:
        return None, now["closed"]
    accepted_at, changed_at = (datetime.fromisoformat(now[name]) for name in ("accepted_at", "changed_at"))
    accepted = {"wamid": now["wamid"], "accepted_at": accepted_at, "changed_at": changed_at, "code": None}
    return replace(send, state=SendState.ACCEPTED, drafted_for=None, **accepted), now["closed"]
