"""Counts every violated promise: a pure function of what was observed.

Decision 0030.
"""

from collections import Counter
from dataclasses import asdict, dataclass

from chaos import answer_order
from chaos.observations import Observations, OutboxRow

MUST_BE_ZERO = (
    "lost",
    "duplicate_rows",
    "duplicate_echoes",
    "out_of_order",
    "missing_rows",
    "rows_of_other_users",
    "unexpected_answers",
    "unresolved_despite_status",
    "unresolved_unreported",
    "unexplained_sends",
    "unfinished",
)


@dataclass(frozen=True)
class Counts:
    """lost: sent and never answered, without an excuse. away_sends: calls made while the platform was away.
    missing_rows: turns that happened but are in no log. unfinished: events that never reached an end state.

    unresolved = unresolved_injected (unknown sends for which the simulator reports no status) +
    interrupted_sends (without a status). Of these some were seen_refused by the simulator, which could not
    tell the gateway any more; the others had begun when the gateway was killed: seen_cut_off arrived in part,
    and after kill -9 nobody knows of the rest whether they were called. unexplained_sends are none of these.
    """

    sent: int = 0
    echoed: int = 0
    log_rows: int = 0
    lost: int = 0
    duplicate_rows: int = 0
    duplicate_echoes: int = 0
    out_of_order: int = 0
    missing_rows: int = 0
    rows_of_other_users: int = 0
    unexpected_answers: int = 0
    unresolved: int = 0
    unresolved_injected: int = 0
    interrupted_sends: int = 0
    seen_refused: int = 0
    begun_at_kills: int = 0
    seen_cut_off: int = 0
    away_sends: int = 0
    unresolved_despite_status: int = 0
    unresolved_unreported: int = 0
    unexplained_sends: int = 0
    unfinished: int = 0

    def violations(self) -> dict[str, int]:
        """The counts that should be zero and are not."""
        return {name: count for name, count in asdict(self).items() if name in MUST_BE_ZERO and count}


def count_violations(observed: Observations) -> Counts:
    """Check what was observed against every promise."""
    return Counts(
        **_traffic(observed),
        **_log(observed),
        **_sends(observed),
        out_of_order=len(answer_order.out_of_order_pairs(observed.oracle)),
    )


def _traffic(observed: Observations) -> dict[str, int]:
    notices = {row.id for row in observed.outbox_rows if row.kind == "notice"}
    echoes = Counter(
        message["answers"]
        for message in observed.oracle["received"]
        if message.get("outbox_id") not in notices
    )
    unexpected = echoes.pop(None, 0)
    excused = {row.answers for row in _answers(observed) if row.state == "unresolved"}
    undeliverable = {row.answers for row in _answers(observed) if row.undeliverable}
    sent = [message["id"] for message in observed.oracle["inbound"]]
    moved = {m["id"] for m in observed.oracle["inbound"] if m["number"] in observed.given_up}
    excused |= undeliverable & moved
    return {
        "sent": len(sent),
        "echoed": len(echoes),
        "duplicate_echoes": sum(times - 1 for times in echoes.values()),
        "unexpected_answers": unexpected,
        "lost": sum(wamid not in echoes and wamid not in excused for wamid in sent),
        "unfinished": sum(
            number for state, number in observed.unfinished_events.items() if state != "unresolved"
        ),
    }


def _log(observed: Observations) -> dict[str, int]:
    texts = {sent["id"]: sent["text"] for sent in observed.oracle["inbound"]}
    owned = [row for row in observed.rows if row.user in observed.owners.get(row.content, ())]
    logged = Counter((row.role, row.content) for row in owned)
    accepted = {row.answers for row in _answers(observed) if row.state == "accepted"}
    wanted = {("user", text) for text in texts.values()}
    wanted |= {("assistant", texts[wamid]) for wamid in accepted if wamid in texts}
    return {
        "log_rows": len(observed.rows),
        "duplicate_rows": sum(times - 1 for times in logged.values()),
        "missing_rows": len(wanted - set(logged)),
        "rows_of_other_users": len(observed.rows) - len(owned),
    }


def _answers(observed: Observations) -> list[OutboxRow]:
    """What was sent in answer to a message; how to link a number is none."""
    return [row for row in observed.outbox_rows if row.kind == "answer"]


def _sends(observed: Observations) -> dict[str, int]:
    unresolved = {row.id for row in observed.outbox_rows if row.state == "unresolved"}
    reported = {send["outbox_id"] for send in observed.oracle["sends"] if send["with_status"]}
    injected = set(observed.oracle["unknowns"]["without_status"])
    seen = {send["outbox_id"] for send in observed.oracle["sends"]}
    interrupted, cut_off = unresolved - injected - reported, int(observed.oracle.get("cut_off", 0))
    at_kills = interrupted & observed.begun_at_kills
    return {
        "unresolved": len(unresolved),
        "unresolved_injected": len(unresolved & injected),
        "interrupted_sends": len(interrupted),
        "seen_refused": len(interrupted & seen),
        "begun_at_kills": len(at_kills),
        "seen_cut_off": cut_off,
        # A request that arrived in part has no id: it may be any of these.
        "unexplained_sends": max(0, len(interrupted - seen - at_kills) - cut_off),
        "away_sends": sum(send.get("fault") == "away" for send in observed.oracle["sends"]),
        "unresolved_despite_status": len(unresolved & reported),
        "unresolved_unreported": len(injected - unresolved - reported),
    }
