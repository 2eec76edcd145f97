"""What the gateway needs to be of use: its database, a queue that moves, a number that may send."""

from collections.abc import Mapping
from typing import Any

from ava_whatsapp_gateway import housekeeping


async def ready(state: Any) -> Mapping[str, bool]:
    """`backlog`: nothing has waited too long; `circuit`: Meta accepts our credential."""
    try:
        now = await housekeeping.state(state.pool, state.settings.phone_number_id)
    except Exception:
        return {"database": False}
    young = now["age"] < state.settings.ready_backlog_age
    # A circuit that is open while nobody waits may have been mended long ago: the next send finds out.
    open_for_somebody = now["circuit_open"] and now["kept_waiting"]
    return {"database": True, "backlog": young, "circuit": not open_for_somebody}
