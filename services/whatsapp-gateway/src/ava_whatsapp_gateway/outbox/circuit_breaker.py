"""Circuit breaker of our number: paused when Meta throttles it, opened when nothing can be sent at all.

It opens when the number's credential is broken, and when Graph has not answered several calls in a row.

Decisions 0054 and 0107. See docs/contracts/whatsapp-cloud-api.md#error-codes.
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
where not n.circuit_open or n.code is distinct from excluded.code
returning true
"""
_UNANSWERED = "select whatsapp.unanswered(p_phone_number_id => $1, p_most => $2, p_probe => $3)"
_ANSWERED = "select whatsapp.answered(p_phone_number_id => $1)"

_UNANSWERED_MAX = 5
"""So many calls in a row without an answer of Graph's own open the circuit."""


async def strikes(pool: Pool, number: str) -> int:
    """How often in a row Meta told the number to wait."""
    return await pool.fetchval(_STRIKES, number) or 0


async def pause(pool: Pool, number: str, seconds: float, code: int | None) -> None:
    """No process sends from this number for a while."""
    log.warning("number.paused", seconds=round(seconds, 1), code=code)
    await pool.execute(_PAUSE, number, timedelta(seconds=seconds), code)


async def open_circuit(pool: Pool, number: str, probe_seconds: float, code: int | None) -> None:
    """Open the circuit: the queue is kept, one probe at a time is sent, and exactly one line is logged."""
    if await pool.fetchval(_OPEN, number, timedelta(seconds=probe_seconds), code):
        _opened(code, "credential")


async def unanswered(pool: Pool, number: str, probe_seconds: float) -> None:
    """Count a call that Graph did not answer; too many in a row open the circuit."""
    if await pool.fetchval(_UNANSWERED, number, _UNANSWERED_MAX, timedelta(seconds=probe_seconds)):
        _opened(None, "no answer")


async def answered(pool: Pool, number: str) -> None:
    """Graph answered, though it did not accept: it is not away."""
    if await pool.fetchval(_ANSWERED, number):
        circuit_closed()


def _opened(code: int | None, why: str) -> None:
    CIRCUIT.set(1)
    ALERTS.labels("circuit_open").inc()
    log.error("number.circuit_open", alert=True, code=code, why=why)


def circuit_closed() -> None:
    """Note that Graph answered as it should and the circuit is closed again."""
    CIRCUIT.set(0)
    log.info("number.circuit_closed")
