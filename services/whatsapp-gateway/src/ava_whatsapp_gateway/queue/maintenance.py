"""The periodic maintenance round: gauges, unknown sends, alerts, retention."""

from ava_common.database import Pool
from ava_whatsapp_gateway.queue import backlog, operator_alerts, retention, unknown_sends
from ava_whatsapp_gateway.settings import Settings


async def run(pool: Pool, settings: Settings) -> None:
    """One round; each part may be repeated at any time, by any process.

    The gauges come first: they must be right when one of the other parts fails.
    """
    await backlog.set_gauges(pool, settings.phone_number_id)
    await retention.set_gauges(pool, settings)
    await unknown_sends.apply_late_statuses(pool)
    await unknown_sends.give_up_waiting(pool, settings)
    await operator_alerts.announce(pool)
    await retention.apply_retention(pool, settings)
