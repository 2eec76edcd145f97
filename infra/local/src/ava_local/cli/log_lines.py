"""One line of a log, as its process wrote it: when it was written, and in words for people."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

# Said elsewhere on the line, or of no use to a reader.
_LEFT_OUT = frozenset(
    {"timestamp", "ts", "at", "event", "msg", "level", "service", "logger", "trace_id", "exception"}
)
_WORTH_A_WORD = frozenset({"warning", "warn", "error", "critical", "fatal", "panic"})
_POSTGRES = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?) (?:UTC|GMT) (?:\[\d+\] )?(.*)")


@dataclass(frozen=True)
class LogLine:
    """`at` is Unix seconds; a line without a time has that of the line before it, or 0."""

    process: str
    at: float
    record: dict[str, Any]
    text: str

    def as_json(self) -> str:
        """The record with its process, on one line; any other line as `line`."""
        found = self.record or {"line": self.text}
        return json.dumps({"process": self.process, **found}, ensure_ascii=False)

    def words(self) -> str:
        """The event and its fields, as `event name=value`; a traceback on lines of its own."""
        if not self.record:
            return self.text
        if self.record.get("msg") == "handled request":
            return _access(self.record)
        level = str(self.record.get("level", "")).lower()
        event = self.record.get("event") or self.record.get("msg") or ""
        fields = [f"{name}={_short(value)}" for name, value in _flat(self.record).items()]
        first = " ".join([*([level.upper()] if level in _WORTH_A_WORD else []), str(event), *fields])
        return "\n".join(filter(None, [first, str(self.record.get("exception", "")).rstrip()]))

    def clock(self) -> str:
        """The time of day on this machine, to the millisecond; blank for a line without a time."""
        if not self.at:
            return " " * 12
        return datetime.fromtimestamp(self.at).strftime("%H:%M:%S.%f")[:12]


def parse(process: str, line: str, before: float = 0.0) -> LogLine:
    """`before` is the time of the line before this one in the same log."""
    record = _record(line)
    if record:
        return LogLine(process, _time_of(record) or before, record, line)
    if found := _POSTGRES.match(line):
        at = datetime.fromisoformat(found[1]).replace(tzinfo=UTC).timestamp()
        return LogLine(process, at, {}, found[2])
    return LogLine(process, before, {}, line)


def _record(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _access(record: dict[str, Any]) -> str:
    """A request that the edge proxy handled, as the services say it."""
    asked = record.get("request")
    asked = asked if isinstance(asked, dict) else {}
    ms = round(record["duration"] * 1000, 2) if isinstance(record.get("duration"), int | float) else None
    said = {"method": asked.get("method"), "path": asked.get("uri"), "status": record.get("status"), "ms": ms}
    said |= {name: record.get(name) for name in ("reason", "request_id")}
    return " ".join(["request", *(f"{name}={_short(value)}" for name, value in said.items() if value)])


def _time_of(record: dict[str, Any]) -> float | None:
    """Seconds from `timestamp` (ISO 8601, the services) or `ts` or `at` (numbers, Caddy and a stand-in)."""
    written = record.get("timestamp", record.get("ts", record.get("at")))
    if isinstance(written, int | float):
        return float(written)
    try:
        return datetime.fromisoformat(str(written)).timestamp()
    except ValueError:
        return None


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """Without what is left out; a record in the record as `request.method`."""
    flat: dict[str, Any] = {}
    for name, value in record.items():
        if name not in _LEFT_OUT:
            flat |= (
                {f"{name}.{key}": one for key, one in value.items()}
                if isinstance(value, dict)
                else {name: value}
            )
    return flat


def _short(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
