"""Circuit breaker of our number: paused when Meta throttles it, opened when its credential is broken.

Decision 0054. See docs/contracts/whatsapp-cloud-api.md#error-codes.
"""

from datetime import timedelta

from ava_common.database import Pool
from ava_common.log import log
from ava_whatsapp_gateway.metrics import ALERTS, CIRCUIT

_PAUSE = """
insert into whatsapp.numbers as n (phone_number_id, strikes, paused_until, code)
values ($1, 1, clock_timestamp() + $2, $3)
on conflict (phone_number_id) do update set
  -- Calls that were in flight together are one strike.
  strikes = n.strikes + (n.paused_until <= clock_timestamp())::int,
  paused_until = greatest(n.paused_until, excluded.paused_until),
  code = excluded.code, changed_at = clock_timestamp()
"""
_STRIKES = "select strikes from whatsapp.numbers where phone_number_id = $1"
_OPEN = """
insert into whatsapp.numbers as n (phone_number_id, circuit_open, probe_at, code)
values ($1, true, clock_timestamp() + $2, $3)
on conflict (phone_number_id) do update set
  circuit_open = true, probe_at = excluded.probe_at, code = excluded.code, changed_at = clock_timestamp()
where not n.circuit_open
returning true
"""


async def strikes(pool: Pool, number: str) -> int:
    """How often in a row Meta told the number to wait."""
    return await pool.fetchval(_STRIKES, number) or 0


async def pause(pool: Pool, number: str, seconds: float, code: int | None) -> None:
    """No process sends from this number for a while."""
    log.warning("number.paused", seconds=round(seconds, 1), code=code)
    await pool.execute(_PAUSE, number, timedelta(seconds=seconds), code)


async def open_circuit(pool: Pool, number: str, probe_seconds: float, code: int | None) -> None:
    """Open the circuit: the queue is kept, one probe at a time is sent, and exactly one line is logged."""
    CIRCUIT.set(1)
    if await pool.fetchval(_OPEN, number, timedelta(seconds=probe_seconds), code):
        ALERTS.labels("circuit_open").inc()
        log.error("number.circuit_open", alert=True, code=code)


def circuit_closed() -> None:
    """Note that a probe was accepted and the circuit is closed again."""
    CIRCUIT.set(0)
    log.info("number.circuit_closed")
