"""How much is left to do and for how long: asked by the readiness check, shown as gauges."""

import asyncpg

from ava_common.database import Pool
from ava_whatsapp_gateway.metrics import BACKLOG, BACKLOG_AGE, CIRCUIT
from ava_whatsapp_gateway.queue.states import EventState, SendState, literals

_NOT_FINAL = (
    *(EventState.READY, EventState.HELD, EventState.AWAITING),
    *(EventState.UNRESOLVED, EventState.DEAD, EventState.QUARANTINED),
)
_OUTCOME_OPEN = (SendState.SENDING, SendState.UNKNOWN, SendState.UNRESOLVED)
_COUNTED = {"events": _NOT_FINAL, "sends": _OUTCOME_OPEN, "deliveries": ("new", "quarantined")}
_COUNTS = f"""
select 'events' as what, state, count(*) as n from whatsapp.events
where state in ({literals(*_NOT_FINAL)}) group by state
union all
select 'sends', state, count(*) from whatsapp.outbox
where state in ({literals(*_OUTCOME_OPEN)}) group by state
union all
select 'deliveries', state, count(*) from whatsapp.deliveries
where state in ('new', 'quarantined') group by state
"""
_STATE = f"""
select coalesce(extract(epoch from clock_timestamp() - least(
         (select min(received_at) from whatsapp.events where state = '{EventState.READY}'),
         (select received_at from whatsapp.deliveries where state = 'new' order by id limit 1))
         ), 0)::float as age,
       coalesce((select circuit_open from whatsapp.numbers where phone_number_id = $1), false)
         as circuit_open,
       exists (select from whatsapp.events where state = '{EventState.READY}') as kept_waiting
"""


async def state(pool: Pool, number: str) -> asyncpg.Record:
    """`age` in seconds of the oldest delivery or event not handled yet, `circuit_open`, `kept_waiting`."""
    record = await pool.fetchrow(_STATE, number)
    assert record is not None  # noqa: S101 - a select without from
    return record


async def set_gauges(pool: Pool, number: str) -> None:
    """Count events, sends and deliveries by state, and take over the age and the circuit."""
    found = {(row["what"], row["state"]): row["n"] for row in await pool.fetch(_COUNTS)}
    for what, states in _COUNTED.items():
        for each in states:
            BACKLOG.labels(what, each).set(found.get((what, each), 0))
    now = await state(pool, number)
    BACKLOG_AGE.set(now["age"])
    CIRCUIT.set(now["circuit_open"])
