"""Whether all that comes is for another phone number id: then nobody is ever answered, and all looks well.

Decision 0110.
"""

from ava_common.database import Pool
from ava_whatsapp_gateway.queue.states import EventState

# The second question is asked only when there is a message for another number at all.
_ONLY = f"""
select latest.reason, not exists (
    select from whatsapp.events as e
    where e.contact_id is not null and e.changed_at > statement_timestamp() - interval '1 day'
  ) as alone
from (
  select reason from whatsapp.events
  where state = '{EventState.IGNORED}' and reason like 'for another phone number id%'
    and received_at > statement_timestamp() - interval '1 day'
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
