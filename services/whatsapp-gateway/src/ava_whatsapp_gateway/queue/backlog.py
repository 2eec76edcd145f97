"""How much is left to do and for how long: asked by the readiness check, shown as gauges."""

import asyncpg

from ava_common.database import Pool
from ava_common.health import Finding, degraded
from ava_whatsapp_gateway.metrics import BACKLOG, BACKLOG_AGE, CIRCUIT
from ava_whatsapp_gateway.queue.states import EventState, SendState, literals
from ava_whatsapp_gateway.settings import Settings

_OPEN = (
    *(EventState.HELD, EventState.AWAITING),
    *(EventState.UNRESOLVED, EventState.DEAD, EventState.QUARANTINED),
)
_OUTCOME_OPEN = (SendState.SENDING, SendState.UNKNOWN, SendState.UNRESOLVED)
_COUNTED = {
    "events": (EventState.READY, *_OPEN),
    "sends": _OUTCOME_OPEN,
    "deliveries": ("new", "quarantined"),
}
# Of a notice nobody decides what became of it: the next one is sent in a day.
# Each part asks for what one partial index has.
_COUNTS = f"""
select 'events' as what, state, count(*) as n from whatsapp.events
where state in ({literals(*_OPEN)}) group by state
union all
select 'events', '{EventState.READY}', count(*) from whatsapp.events where state = '{EventState.READY}'
union all
select 'sends', state, count(*) from whatsapp.outbox
where state in ({literals(*_OUTCOME_OPEN)}) and kind = 'answer' group by state
union all
select 'deliveries', 'new', (select count(*) from whatsapp.deliveries where state = 'new')
  + (select coalesce(sum(cardinality(delivery_ids)), 0)::bigint from whatsapp.arrivals)
union all
select 'deliveries', 'quarantined', count(*) from whatsapp.deliveries where state = 'quarantined'
"""
# As the index of what waits longest says it, which no claim may use (decision 0177).
_STATE = f"""
select coalesce(extract(epoch from clock_timestamp() - least(
         (select min(received_at) from whatsapp.events where starts_with(state, '{EventState.READY}')),
         (select received_at from whatsapp.deliveries where state = 'new' order by id limit 1),
         (select received_at from whatsapp.deliveries
          where id = (select min(waiting) from whatsapp.arrivals, unnest(delivery_ids) as waiting)))
         ), 0)::float as age,
       coalesce((select circuit_open from whatsapp.numbers where phone_number_id = $1), false)
         as circuit_open,
       (select code from whatsapp.numbers where phone_number_id = $1) as code,
       exists (select from whatsapp.events where state = '{EventState.READY}') as kept_waiting
"""


async def state(pool: Pool, number: str) -> asyncpg.Record:
    """`age` in seconds of what waits longest, `circuit_open` with Meta's `code`, `kept_waiting`."""
    record = await pool.fetchrow(_STATE, number)
    assert record is not None  # noqa: S101 - a select without from
    return record


_REFUSED = "refuses WHATSAPP_GATEWAY_ACCESS_TOKEN: it has expired or was revoked, so make a new one"
_REFUSALS = {
    0: _REFUSED,
    190: _REFUSED,
    100: "does not know WHATSAPP_GATEWAY_PHONE_NUMBER_ID, or WHATSAPP_GATEWAY_ACCESS_TOKEN may not use it",
    131042: "reports a problem with the account's payment method: settle it in WhatsApp Manager",
    133010: "says that the number of WHATSAPP_GATEWAY_PHONE_NUMBER_ID is not registered: register it",
}
_OTHER_REFUSAL = "does not let this number send: check WHATSAPP_GATEWAY_ACCESS_TOKEN and WhatsApp Manager"

_AWAY = "The Graph API of GRAPH_API_URL does not answer; it is asked every few seconds whether it is back"


async def findings(pool: Pool, settings: Settings) -> list[Finding]:
    """What keeps messages from being answered, while deliveries are still kept."""
    now, found = await state(pool, settings.phone_number_id), []
    if now["age"] >= settings.ready_backlog_age_seconds:
        limit = settings.ready_backlog_age_seconds
        found.append(degraded("backlog", f"a message has waited for more than {limit:g} s to be handled"))
    # A circuit that is open while nothing waits may be fine again by now: the next send finds out.
    if now["circuit_open"] and now["kept_waiting"]:
        code = now["code"]
        why = f"Meta {_REFUSALS.get(code, _OTHER_REFUSAL)} (code {code})" if code is not None else _AWAY
        found.append(degraded("circuit", f"{why}. Messages are kept meanwhile"))
    return found


async def set_gauges(pool: Pool, number: str) -> None:
    """Count events, sends and deliveries by state, and take over the age and the circuit."""
    found = {(row["what"], row["state"]): row["n"] for row in await pool.fetch(_COUNTS)}
    for what, states in _COUNTED.items():
        for each in states:
            BACKLOG.labels(what, each).set(found.get((what, each), 0))
    now = await state(pool, number)
    BACKLOG_AGE.set(now["age"])
    CIRCUIT.set(now["circuit_open"])
