"""Everything that is known about one message, in the order in which it happened; no words unless asked.

Decision 0109.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from ava_common.database import Connection
from ava_common.uuid7 import made_at
from ava_whatsapp_gateway.operator import trace_queries as queries
from ava_whatsapp_gateway.queue.states import EventState, SendState

OURS = "whatsapp-gateway"
META = "whatsapp"


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened: when, by our clock unless it says otherwise, where, and what."""

    time: datetime
    service: str
    what: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trace:
    """The rows an id leads to, and what they tell."""

    deliveries: Sequence[asyncpg.Record]
    events: Sequence[asyncpg.Record]
    sends: Sequence[asyncpg.Record]
    entries: list[Entry]

    @property
    def is_empty(self) -> bool:
        return not (self.deliveries or self.events or self.sends)

    @property
    def requests(self) -> set[str]:
        """The request ids in the logs."""
        traces = [row["trace"] for row in (*self.deliveries, *self.events)]
        return {trace.partition(" ")[2] for trace in traces} - {""}

    @property
    def message_ids(self) -> list[UUID]:
        """What this should be called in the message log."""
        turns = [event["turn_id"] for event in self.events if event["turn_id"]]
        return turns + [send["id"] for send in self.sends if send["kind"] == "answer"]

    @property
    def user_id(self) -> UUID | None:
        """Whose message log that is, when the events are one user's."""
        users = {event["user_id"] for event in self.events} - {None}
        return users.pop() if len(users) == 1 else None


async def trace(connection: Connection, wanted: str, *, words: bool) -> Trace:
    """Found by a wamid, in or out, or the id of an event, delivery, send, request, trace or logged message.

    `event:12` and `delivery:12` say which; 12 alone is the event, or the delivery if there is no such event.
    """
    kind, _, rest = wanted.partition(":")
    name = rest if kind in ("event", "delivery") and rest.isdecimal() else wanted
    number = int(name) if name.isdecimal() and len(name) < 19 else None
    event_ids: list[int] = []
    delivery_ids: list[int] = []
    if kind != "delivery":
        event_ids = await queries.event_ids(connection, name, number)
    if number is None or not event_ids:
        delivery_ids = await queries.delivery_ids(connection, name, None if kind == "event" else number)
    deliveries, events, sends, statuses, former = await queries.rows(connection, event_ids, delivery_ids)
    entries = [entry for row in deliveries for entry in _delivery(row)]
    entries += [entry for row in events for entry in _event(row, words)]
    entries += [entry for row in sends for entry in _send(row, words)]
    entries += [_former(row) for row in former] + [_status(row) for row in statuses]
    return Trace(deliveries, events, sends, in_order(entries))


def in_order(entries: Sequence[Entry]) -> list[Entry]:
    """By time; what happened at the same moment stays as it is."""
    return sorted(entries, key=lambda entry: entry.time)


def _delivery(row: asyncpg.Record) -> Iterator[Entry]:
    named = {"delivery": row["id"], "bytes": row["bytes"], "request_id": row["trace"].partition(" ")[2]}
    yield Entry(row["received_at"], OURS, "posted and kept", named)
    if row["state"] == "quarantined":
        alerted_at = row["alerted_at"] or row["received_at"]
        yield Entry(alerted_at, OURS, "cannot be read", {"delivery": row["id"], "why": row["error"]})
    if row["seen_at"]:
        yield Entry(row["seen_at"], OURS, "looked at by an operator", {"delivery": row["id"]})


def _event(row: asyncpg.Record, words: bool) -> Iterator[Entry]:
    event = {"event_id": row["id"]}
    said = {"words": row["words"]} if words and row["words"] else {}
    if row["contact_id"]:
        yield Entry(row["sent_at"], META, "written by the person (Meta's time)", event | said)
    corrects = {"corrects": row["corrects"]} if row["corrects"] else {}
    made = {"delivery": row["delivery_id"], "kind": row["kind"], "wamid": row["key"], **corrects}
    yield Entry(made_at(row["turn_id"]) or row["received_at"], OURS, "ingested", event | made)
    if row["claimed_at"]:
        yield Entry(row["claimed_at"], OURS, "claimed", event)
    if row["logged_at"]:
        yield Entry(row["logged_at"], "messaging", "logged", event | {"message": str(row["turn_id"])})
    why = {"why": row["reason"]} if row["reason"] else {}
    tries = {"attempts": row["attempts"]} if row["attempts"] else {}
    yield Entry(row["since"], OURS, f"the event is {row['state']}", event | why | tries)
    if row["state"] == EventState.READY and row["due_at"]:
        waits = {"waits_for": row["waits_for"] or None, "in_work": row["in_work"]}
        yield Entry(row["due_at"], OURS, "its lane is due", event | waits)


def _send(row: asyncpg.Record, words: bool) -> Iterator[Entry]:
    send = {"event_id": row["event_id"], "send_id": str(row["id"])}
    said = {"words": row["body"]} if words else {}
    part = {"part": row["part"] + 1} if row["part"] else {}
    # The id is made a moment before the statement that notes both the logged turn and its answer.
    made = max(filter(None, (made_at(row["id"]), row["turn_logged_at"])), default=row["changed_at"])
    yield Entry(made, OURS, "answered" if row["kind"] == "answer" else "notice", send | part | said)
    if row["accepted_at"]:
        yield Entry(row["accepted_at"], META, "accepted", send | {"wamid": row["wamid"]})
    if row["state"] != SendState.ACCEPTED:
        why = {"code": row["code"], "why": row["error"], "attempts": row["attempts"]}
        yield Entry(row["changed_at"], OURS, f"the send is {row['state']}", send | why)


def _former(row: asyncpg.Record) -> Entry:
    failed = {"send_id": str(row["send_id"]), "former_wamid": row["wamid"], "code": row["code"]}
    return Entry(row["replayed_at"], OURS, "to be made again, by an operator", failed)


def _status(row: asyncpg.Record) -> Entry:
    """When it came, because Meta's own time has whole seconds and would stand before the acceptance."""
    failure = {"code": row["code"], "why": row["error"]} if row["status"] == "failed" else {}
    metas_time = {"metas_time": row["at"]} if row["at"] else {}
    return Entry(row["received_at"], META, row["status"], {"wamid": row["wamid"]} | metas_time | failure)
