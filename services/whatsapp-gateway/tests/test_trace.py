"""A trace: found by any id, one time line in order, without words unless asked, with the logs that stand."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from ava_local.testing.databases import Database

from . import meta_payloads as meta
from .conftest import Gateway, LinkNumber, Operate
from .fake_peers import FakePeers

PHONE = "4915112345678"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
REQUEST = "request-of-the-delivery"


@pytest.fixture
async def ids(gateway: Gateway, peers: FakePeers, linked: LinkNumber) -> dict[str, str]:
    """A message that was answered, delivered and read; everything it can be asked for by."""
    await linked(f"+{PHONE}")
    message = meta.text(body="a secret word")
    await gateway.keep(message)
    await gateway.pool.execute("update whatsapp.deliveries set trace = $1", f"{TRACE} {REQUEST}")
    await gateway.drain()
    for status in ("delivered", "read"):
        await gateway.keep(meta.status(peers.sent[0], status))
    await gateway.drain()
    row = await gateway.pool.fetchrow(
        "select e.id, e.delivery_id, e.turn_id, o.id as send_id from whatsapp.events as e"
        " join whatsapp.outbox as o on o.event_id = e.id"
    )
    assert row is not None
    statuses = await gateway.pool.fetchval("select max(id) from whatsapp.deliveries")
    return {
        "inbound wamid": message["id"],
        "outbound wamid": peers.sent[0]["wamid"],
        "event id": str(row["id"]),
        "event id by name": f"event:{row['id']}",
        "delivery": f"delivery:{row['delivery_id']}",
        "delivery of a status": f"delivery:{statuses}",
        "send id, the answer's message id": str(row["send_id"]),
        "message id": str(row["turn_id"]),
        "request id": REQUEST,
        "trace id": TRACE[3:35],
    }


STEPS = ["posted and kept", "ingested", "claimed", "logged", "answered", "accepted", "delivered", "read"]


async def test_any_id_leads_to_the_whole_time_line(ids: dict[str, str], operator: Operate) -> None:
    for kind, wanted in ids.items():
        found = operator("trace", wanted, "--json")
        entries = found["entries"]
        at = [entry["what"] for entry in entries if entry["what"] in STEPS]
        assert list(dict.fromkeys(at)) == STEPS, kind
        assert [entry["time"] for entry in entries] == sorted(entry["time"] for entry in entries)
        assert found["message_ids"] == [ids["message id"], ids["send id, the answer's message id"]]
        assert {entry["service"] for entry in entries} == {"whatsapp", "whatsapp-gateway", "messaging"}
        assert REQUEST in found["request_ids"]


async def test_no_words_and_no_number_are_told_unless_asked(ids: dict[str, str], operator: Operate) -> None:
    for form in ((), ("--json",)):
        said = json.dumps(operator("trace", ids["event id"], *form))
        assert "secret" not in said
        assert PHONE not in said
    assert operator("trace", ids["event id"], "--words").count("a secret word") == 2


async def test_it_is_a_table_with_heads(ids: dict[str, str], operator: Operate) -> None:
    heads, *lines = operator("trace", ids["inbound wamid"]).splitlines()
    assert heads.split("  ")[0] == "time (UTC)"
    assert any("the event is done" in line for line in lines)


async def test_an_unknown_id_is_said(operator: Operate) -> None:
    for unknown in ("wamid.unknown", "999", "delivery:999", "0af7651916cd43dd8448eb211c80319c"):
        assert f"Nothing is known under the id {unknown}" in operator("trace", unknown, status=1)


async def test_a_number_that_is_no_event_is_a_delivery(gateway: Gateway, operator: Operate) -> None:
    await gateway.keep(raw=b"broken")
    await gateway.ingest()
    said = operator("trace", "1")
    assert "cannot be read" in said
    assert "not JSON" in said
    assert "Nothing" in operator("trace", "event:1", status=1)


async def test_a_failure_and_its_replay_are_told(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, operator: Operate
) -> None:
    await linked(f"+{PHONE}")
    message = meta.text()
    await gateway.keep(message)
    await gateway.drain()
    await gateway.keep(meta.status(peers.sent[0], "sent"))
    await gateway.ingest()
    await gateway.keep(meta.status(peers.sent[0], "failed", errors=[{"code": 131026, "title": "x"}]))
    await gateway.ingest()
    operator("replay", "--wamid", message["id"])
    await gateway.drain()
    assert await gateway.pool.fetchval("select told_sent_at from whatsapp.outbox") is None
    for wanted in (peers.sent[0]["wamid"], peers.sent[1]["wamid"]):
        entries = operator("trace", wanted, "--json")["entries"]
        told = [(entry["what"], entry.get("code")) for entry in entries]
        assert told.index(("sent", None)) < told.index(("failed", 131026))
        assert told.index(("failed", 131026)) < told.index(("to be made again, by an operator", 131026))
        assert told.index(("to be made again, by an operator", 131026)) < told.index(("accepted", None))


def log_line(**parts: Any) -> str:
    return json.dumps({"timestamp": "2025-01-01T05:00:00.5Z", "service": "messaging", **parts}) + "\n"


async def test_lines_of_logs_are_taken_in_and_those_of_others_are_not(
    gateway: Gateway, ids: dict[str, str], operator: Operate, tmp_path: Path
) -> None:
    edge = {"ts": 1700000000.5, "request_id": REQUEST, "status": 200, "request": {"method": "POST"}}
    lines = [
        log_line(event="request", request_id=REQUEST, route="/messages/{message_id}"),
        log_line(event="turn.handled", request_id=REQUEST, event_id=int(ids["event id"])),
        log_line(event="turn.of_another", request_id=REQUEST, event_id=int(ids["event id"]) + 1),
        log_line(event="request.of_another", request_id="another"),
        log_line(event="is in the log", message=ids["message id"]),
        json.dumps(edge) + "\n",
        f"not JSON {REQUEST}\n",
        f"{{broken {REQUEST}\n",
        f'{{"event": "without a time", "request_id": "{REQUEST}"}}\n',
    ]
    (tmp_path / "messaging.log").write_text("".join(lines))
    found = operator("trace", ids["event id"], "--json", "--logs", str(tmp_path / "messaging.log"))
    from_logs = {(e["service"], e["what"]) for e in found["entries"] if e["time"][:13] != _hour(found)}
    expected = {("messaging", "request"), ("messaging", "turn.handled"), ("messaging", "is in the log")}
    assert from_logs == {*expected, ("caddy", "request")}
    piped = operator("trace", ids["event id"], "--logs", "-", stdin=lines[0])
    assert "/messages/{message_id}" in piped
    assert "Cannot read" in operator("trace", ids["event id"], "--logs", "/nowhere.log", status=1)


def _hour(found: dict[str, Any]) -> str:
    """The hour of what the database says, which is now; the lines are of another time."""
    kept: str = next(entry["time"] for entry in found["entries"] if entry["what"] == "posted and kept")
    return kept[:13]


async def test_what_waits_is_told(gateway: Gateway, linked: LinkNumber, operator: Operate) -> None:
    await linked(f"+{PHONE}")
    message = meta.text()
    await gateway.keep(message)
    await gateway.ingest()
    said = operator("trace", message["id"])
    assert "the event is ready" in said
    assert "its lane is due" in said


async def test_a_user_is_named_only_when_the_events_are_one_users(
    gateway: Gateway, linked: LinkNumber, operator: Operate, database: Database, peers: FakePeers
) -> None:
    first, other = await linked(f"+{PHONE}"), await linked("+4915187654321")
    await gateway.keep(meta.text(), meta.text("4915187654321"))
    await gateway.drain()
    found = operator("trace", "delivery:1", "--json")
    assert (len(found["events"]), found["user_id"]) == (2, None)
    assert UUID(operator("trace", "event:1", "--json")["user_id"]) in (first, other)


async def test_what_was_edited_or_deleted_on_the_phone_is_on_the_time_line(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, operator: Operate
) -> None:
    await linked(f"+{PHONE}")
    new = {"original_message_id": "wamid.said", "message": {"type": "text", "text": {"body": "new"}}}
    await gateway.keep(meta.text(id="wamid.said"))
    await gateway.drain()
    await gateway.keep(meta.text(id="wamid.edit", type="edit", edit=new))
    await gateway.keep(
        meta.text(id="wamid.gone", type="revoke", revoke={"original_message_id": "wamid.said"})
    )
    await gateway.drain()
    found = operator("trace", "wamid.said", "--json")["entries"]
    made = [(entry["kind"], entry.get("corrects")) for entry in found if entry["what"] == "ingested"]
    assert made == [("text", None), ("edit", "wamid.said"), ("revoke", "wamid.said")]


async def test_a_word_that_looks_like_a_number_is_not_known(operator: Operate) -> None:
    for odd in ("²", "event:²", "delivery:①"):
        assert "Nothing is known" in operator("trace", odd, status=1)


async def test_a_status_that_came_before_its_send_was_accepted_and_again_is_told_once(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, operator: Operate
) -> None:
    await linked(f"+{PHONE}")
    await gateway.keep(message := meta.text())
    await gateway.drain()
    await gateway.pool.execute(
        "insert into whatsapp.statuses (wamid, status, rank, at, applied)"
        " values ($1, 'sent', 1, now(), true)",
        peers.sent[0]["wamid"],
    )
    await gateway.keep(meta.status(peers.sent[0], "sent"))
    await gateway.ingest()
    entries = operator("trace", message["id"], "--json")["entries"]
    assert [entry["what"] for entry in entries].count("sent") == 1
