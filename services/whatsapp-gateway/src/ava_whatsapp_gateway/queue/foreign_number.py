"""Whether all that comes is for another phone number id: then nobody is ever answered, and all looks well.

Decision 0110.
"""

from ava_common.database import Pool
from ava_whatsapp_gateway.queue.states import EventState, literals

_DAY = "statement_timestamp() - interval '1 day'"
_OPEN = EventState.HELD, EventState.AWAITING, EventState.UNRESOLVED, EventState.DEAD, EventState.QUARANTINED
# Each with an index: events that are over, open, discarded and ready.
_RECENT = (
    f"state in ({literals(EventState.DONE, EventState.IGNORED)}) and changed_at > {_DAY}",
    f"state in ({literals(*_OPEN)}) and changed_at > {_DAY}",
    f"state = '{EventState.DISCARDED}' and changed_at > {_DAY}",
    f"starts_with(state, '{EventState.READY}') and received_at > {_DAY}",
)
_OURS = " or ".join(
    f"exists (select from whatsapp.events where contact_id is not null and {recent})" for recent in _RECENT
)
# Whether something was for us is asked only when there is a message for another number at all.
_ONLY = f"""
select latest.reason, not ({_OURS}) as alone
from (
  select reason from whatsapp.events
  where state = '{EventState.IGNORED}' and reason like 'for another phone number id%'
    and received_at > {_DAY}
  order by received_at desc limit 1
) as latest
"""


async def foreign_number_only(pool: Pool, ours: str) -> str | None:
    """Words about it, or None: nothing came within a day, or something was for us."""
    row = await pool.fetchrow(_ONLY)
    if row is None or not row["alone"]:
        return None
    theirs = row["reason"].rpartition(": ")[2]
    return (
        f"All messages of the last day are for the phone number id {theirs}, and none is for {ours}."
        " Compare WHATSAPP_GATEWAY_PHONE_NUMBER_ID with the id that Meta shows beside the number."
    )
