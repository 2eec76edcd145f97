"""What logs say about a trace: JSON lines of any service, as `./ava logs` and journald keep them."""

import re
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import orjson

from ava_whatsapp_gateway.operator.trace import Entry, Trace

_DROPPED = frozenset(
    {"timestamp", "ts", "level", "service", "event", "request_id", "trace_id", "logger", "msg"}
)
_JSON = re.compile(r"\{.*\}")


def entries(trace: Trace, files: Iterable[str]) -> Iterator[Entry]:
    """The lines in these files (`-`: standard input) that belong to it; others are skipped."""
    own = _Ids(trace)
    for file in files:
        for line in _lines(file):
            if any(name in line for name in own.names) and (found := _entry(line, own)):
                yield found


class _Ids:
    """The ids by which a log line is known to belong to a trace."""

    def __init__(self, trace: Trace) -> None:
        self.requests = trace.requests
        self.named: dict[str, set[str]] = {
            "event_id": {str(event["id"]) for event in trace.events},
            "send_id": {str(send["id"]) for send in trace.sends},
            "delivery": {str(delivery["id"]) for delivery in trace.deliveries},
            "message": {str(message) for message in trace.message_ids},
        }
        # A cheap test: a line without any of them is not parsed.
        self.names = self.requests | self.named["send_id"] | self.named["message"]
        self.names |= {f'"{name}":{one}' for name in ("event_id", "delivery") for one in self.named[name]}

    def own(self, line: dict[str, Any]) -> bool:
        """One request may bring many messages: a line that names another's event or send is not meant."""
        said = {name: str(line[name]) for name in self.named if name in line}
        if said:
            return any(value in self.named[name] for name, value in said.items())
        return line.get("request_id") in self.requests


def _lines(file: str) -> Iterator[str]:
    if file == "-":
        yield from sys.stdin
        return
    with open(file, encoding="utf-8", errors="replace") as text:
        yield from text


def _entry(line: str, own: _Ids) -> Entry | None:
    found = _JSON.search(line)
    try:
        said = orjson.loads(found[0]) if found else None
    except orjson.JSONDecodeError:
        return None
    if not isinstance(said, dict) or not own.own(said):
        return None
    when = _time(said.get("timestamp", said.get("ts")))
    if when is None:
        return None
    if "request" in said and isinstance(said["request"], dict):  # the edge proxy's form
        details = {"method": said["request"].get("method"), "status": said.get("status")}
        return Entry(when, "caddy", "request", details)
    details = {name: value for name, value in said.items() if name not in _DROPPED}
    return Entry(when, str(said.get("service", "?")), str(said.get("event", said.get("msg", "?"))), details)


def _time(value: object) -> datetime | None:
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        return datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return None
