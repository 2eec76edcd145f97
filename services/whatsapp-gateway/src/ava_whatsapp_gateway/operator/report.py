"""What the operator CLI prints: tables with heads, time lines, JSON for programs."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from ava_common.operator_command import table
from ava_whatsapp_gateway.operator.trace import Entry, Trace

Record = dict[str, Any]

_EVENT = ("id", "state", "kind", "attempts", "received_at", "user_id", "key", "status", "code", "reason")
_CHANGED_EVENT = ("id", "state", "received_at", "key", "status", "code", "result")
_DELIVERY = ("id", "state", "bytes", "received_at", "seen_at", "request_id", "error")
_CHANGED_DELIVERY = ("id", "bytes", "received_at", "error", "result")


def records(rows: Sequence[Record], *, deliveries: bool = False, as_json: bool = False) -> None:
    """What was selected, and how many there are of it."""
    if as_json:
        print_json(_without_count(rows))
        return
    _print_table(rows, _DELIVERY if deliveries else _EVENT)
    total = rows[0]["matched"] if rows else 0
    more = "; --limit N shows more" if total > len(rows) else ""
    print(f"{len(rows)} of {total} {_noun(deliveries, total)}{more}")


def changes(
    rows: Sequence[Record], command: str, changed: int, *, deliveries: bool, as_json: bool, dry_run: bool
) -> None:
    """What was done about each, and about how many of those that match."""
    if as_json:
        print_json(_without_count(rows))
    else:
        _print_table(rows, _CHANGED_DELIVERY if deliveries else _CHANGED_EVENT)
    total = rows[0]["matched"] if rows else 0
    verb = "would change" if dry_run else "changed"
    # A program reads the JSON, and a person this.
    print(
        f"{command}: {changed} of {total} {_noun(deliveries, total)} {verb}",
        file=sys.stderr if as_json else sys.stdout,
    )


def time_line(trace: Trace, entries: Sequence[Entry], *, as_json: bool) -> None:
    """One line for everything that happened."""
    if as_json:
        ids = {
            "deliveries": [row["id"] for row in trace.deliveries],
            "events": [{"id": row["id"], "state": row["state"]} for row in trace.events],
            "sends": [
                {"id": row["id"], "state": row["state"], "status": row["status"]} for row in trace.sends
            ],
            "request_ids": sorted(trace.requests),
            "user_id": trace.user_id,
            "message_ids": trace.message_ids,
        }
        lines = [{"time": e.time, "service": e.service, "what": e.what, **e.details} for e in entries]
        print_json({**ids, "entries": lines})
        return
    heads = ("time (UTC)", "service", "what", "")
    print(table(heads, [(_time(e.time), e.service, e.what, _details(e.details)) for e in entries]))


def print_json(value: Any) -> None:
    """One document, indented."""
    print(orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2).decode())


def _print_table(rows: Sequence[Record], columns: Sequence[str]) -> None:
    if rows:
        heads = ["wamid or key" if column == "key" else column.replace("_", " ") for column in columns]
        print(table(heads, [[_cell(row.get(column)) for column in columns] for row in rows]))


def _without_count(rows: Sequence[Record]) -> list[Record]:
    return [{name: value for name, value in row.items() if name != "matched"} for row in rows]


def _noun(deliveries: bool, count: int) -> str:
    if deliveries:
        return "delivery" if count == 1 else "deliveries"
    return "event" if count == 1 else "events"


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else str(value)


def _time(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(" ", "milliseconds").removesuffix("+00:00")


def _details(details: Record) -> str:
    shown = {name: _cell(value) for name, value in details.items() if value is not None and value != ""}
    return " ".join(f"{name}={value}" for name, value in shown.items())
