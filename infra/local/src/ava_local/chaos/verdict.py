"""Counts what chaos cost: a pure function of the facts."""

from collections import Counter
from dataclasses import asdict, dataclass

from ava_local.chaos import order
from ava_local.chaos.facts import Facts

MUST_BE_ZERO = (
    "lost",
    "doubled_rows",
    "doubled_echoes",
    "order_broken",
    "rows_missing",
    "rows_in_wrong_logs",
    "answers_unasked_for",
    "unresolved_though_told",
    "unresolved_missing",
    "stuck",
)


@dataclass(frozen=True)
class Count:
    """lost: said and never answered, though nothing excuses it. unresolved = unresolved_injected (unknowns of
    the platform without a later status) + cut_off (calls that a kill of ours interrupted, and of which no
    status tells). rows_missing: turns that happened and stand in no log. stuck: events that never ended."""

    said: int = 0
    echoed: int = 0
    log_rows: int = 0
    lost: int = 0
    doubled_rows: int = 0
    doubled_echoes: int = 0
    order_broken: int = 0
    rows_missing: int = 0
    rows_in_wrong_logs: int = 0
    answers_unasked_for: int = 0
    unresolved: int = 0
    unresolved_injected: int = 0
    cut_off: int = 0
    unresolved_though_told: int = 0
    unresolved_missing: int = 0
    stuck: int = 0

    def wrong(self) -> dict[str, int]:
        """What should be zero and is not."""
        return {name: count for name, count in asdict(self).items() if name in MUST_BE_ZERO and count}


def count(facts: Facts) -> Count:
    """Judge."""
    return Count(
        **_traffic(facts), **_log(facts), **_sends(facts), order_broken=len(order.broken(facts.oracle))
    )


def _traffic(facts: Facts) -> dict[str, int]:
    echoes = Counter(message["answers"] for message in facts.oracle["received"])
    unasked = echoes.pop(None, 0)
    excused = {letter.answers for letter in facts.letters if letter.state == "unresolved"}
    said = [message["id"] for message in facts.oracle["inbound"]]
    return {
        "said": len(said),
        "echoed": len(echoes),
        "doubled_echoes": sum(times - 1 for times in echoes.values()),
        "answers_unasked_for": unasked,
        "lost": sum(wamid not in echoes and wamid not in excused for wamid in said),
        "stuck": sum(number for state, number in facts.stuck.items() if state != "unresolved"),
    }


def _log(facts: Facts) -> dict[str, int]:
    texts = {said["id"]: (facts.owners.get(said["number"]), said["text"]) for said in facts.oracle["inbound"]}
    kept = Counter((row.user, row.role, row.content) for row in facts.rows)
    accepted = {letter.answers for letter in facts.letters if letter.state == "accepted"}
    wanted = {(user, "user", text) for user, text in texts.values()}
    wanted |= {(texts[wamid][0], "assistant", texts[wamid][1]) for wamid in accepted if wamid in texts}
    mine = {(user, text) for user, text in texts.values()}
    return {
        "log_rows": len(facts.rows),
        "doubled_rows": sum(times - 1 for times in kept.values()),
        "rows_missing": len(wanted - set(kept)),
        "rows_in_wrong_logs": sum((row.user, row.content) not in mine for row in facts.rows),
    }


def _sends(facts: Facts) -> dict[str, int]:
    unresolved = {letter.id for letter in facts.letters if letter.state == "unresolved"}
    told = {tried["outbox_id"] for tried in facts.oracle["sends"] if tried["with_status"]}
    injected = set(facts.oracle["unknowns"]["without_status"])
    return {
        "unresolved": len(unresolved),
        "unresolved_injected": len(unresolved & injected),
        "cut_off": len(unresolved - injected - told),
        "unresolved_though_told": len(unresolved & told),
        "unresolved_missing": len(injected - unresolved - told),
    }
