"""Send one row of the outbox: afterwards it is accepted, failed or unknown, or the lane waits its turn."""

from typing import assert_never

from ava_common.log import log
from ava_whatsapp_gateway import backoff, graph, numbers, outbox
from ava_whatsapp_gateway.events import Event, Later, LeaseLost
from ava_whatsapp_gateway.graph_codes import Verdict
from ava_whatsapp_gateway.means import Means, Peers, insist
from ava_whatsapp_gateway.metrics import SENDS


async def settle(means: Means, peers: Peers, event: Event, row: outbox.Row) -> outbox.Row:
    """The row as it ends up: never called twice, unless the first call provably was not accepted."""
    if row.state == "sending":
        # We hold the lane, so whoever made this call is gone and nobody knows what came of it.
        await outbox.unknown(means.pool, row.id, row.attempts, "interrupted")
        row = await outbox.one(means.pool, row.id)
    if _may_resend(means, row):
        row = await _resend(means, row)
    if row.state != "ready":
        return row
    await means.pace.slot()
    begun = await outbox.begin(means.pool, event, row.id, means.settings)
    if begun["verdict"] == "lost":
        raise LeaseLost
    if begun["verdict"] in ("pair", "number"):
        raise Later(begun["verdict"], begun["pause"])
    if begun["verdict"] == "go":
        await _call(means, peers, event, row, begun["attempt"])
    row = await outbox.one(means.pool, row.id)
    return await settle(means, peers, event, row) if _may_resend(means, row) else row


def _may_resend(means: Means, row: outbox.Row) -> bool:
    return row.state == "unknown" and not row.resent and means.settings.unknown_policy == "resend_once"


async def _resend(means: Means, row: outbox.Row) -> outbox.Row:
    settings = means.settings
    # Until then a status may still settle it; the lane waits, so that the order stays.
    waited = await means.pool.fetchval("select extract(epoch from clock_timestamp() - $1)", row.changed_at)
    if waited < settings.unknown_wait:
        raise Later("unknown", settings.unknown_wait - float(waited))
    log.warning("send.again", letter=str(row.id))
    await outbox.resend(means.pool, row.id)
    return await outbox.one(means.pool, row.id)


async def _call(means: Means, peers: Peers, event: Event, row: outbox.Row, attempt: int) -> None:
    settings, contact = means.settings, event.contact
    path = f"/{settings.graph_api_version}/{settings.phone_number_id}/messages"
    letter = graph.Letter(row.id, contact.wa_digits, contact.bsuid, row.body)
    outcome = await graph.send(peers.graph, path, letter, 2 * settings.graph_timeout)
    match outcome:
        case graph.Accepted():
            SENDS.labels("accepted", "").inc()
            await _accepted(means, row, outcome)
        case graph.Unknown():
            SENDS.labels("unknown", "").inc()
            log.warning("send.unknown", letter=str(row.id), why=outcome.why)
            await insist(lambda: outbox.unknown(means.pool, row.id, attempt, outcome.why))
        case graph.NotSent():
            SENDS.labels("not_sent", "none" if outcome.code is None else str(outcome.code)).inc()
            await _not_sent(means, row, attempt, outcome)
        case _:
            assert_never(outcome)


async def _accepted(means: Means, row: outbox.Row, outcome: graph.Accepted) -> None:
    number = means.settings.phone_number_id
    log.info("send.accepted", letter=str(row.id))
    if await insist(lambda: outbox.accepted(means.pool, row.id, outcome.wamid, outcome.alias, number)):
        numbers.recovered()


async def _not_sent(means: Means, row: outbox.Row, attempt: int, outcome: graph.NotSent) -> None:
    settings = means.settings
    # Only what is this message's own trouble counts: not a throttled number, a broken credential, no network.
    counts = outcome.verdict is Verdict.TRANSIENT and outcome.code is not None
    final = outcome.verdict is Verdict.PERMANENT or (counts and row.failures + 1 >= settings.attempts)
    log.warning(
        "send.not_sent",
        letter=str(row.id),
        verdict=outcome.verdict,
        code=outcome.code,
        attempt=attempt,
        final=final,
    )
    why = outcome.code, outcome.detail
    await insist(lambda: outbox.not_sent(means.pool, row.id, attempt, *why, final=final, counts=counts))
    if not final:
        raise await _pause(means, row, outcome)


async def _pause(means: Means, row: outbox.Row, outcome: graph.NotSent) -> Later:
    """What waits: the number with everybody, or this person alone, and how long."""
    settings = means.settings
    unit = settings.backoff_unit
    match outcome.verdict:
        case Verdict.NUMBER:
            strikes = await numbers.strikes(means.pool, settings.phone_number_id)
            wait = backoff.seconds(strikes, unit=unit, asked=outcome.asked)
            await numbers.pause(means.pool, settings.phone_number_id, wait, outcome.code)
            return Later("number", wait)
        case Verdict.CREDENTIAL:
            await numbers.cut_off(means.pool, settings.phone_number_id, settings.probe, outcome.code)
            return Later("number", settings.probe)
        case Verdict.PAIR:
            return Later("pair", backoff.seconds(row.attempts, unit=unit, asked=outcome.asked))
        case _:
            longest = 60.0 if outcome.code is None else backoff.LONGEST
            wait = backoff.seconds(row.attempts, unit=unit, longest=longest, asked=outcome.asked)
            return Later("graph", wait)
