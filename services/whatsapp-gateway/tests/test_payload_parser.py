"""Every item of every entry and change; one bad one never costs its siblings."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava_whatsapp_gateway.cloud_api.lenient_json import Unreadable, timestamp
from ava_whatsapp_gateway.cloud_api.payload_parser import parse_updates
from ava_whatsapp_gateway.cloud_api.updates import Message, Move, Other, Status

from .meta_payloads import NUMBER_ID, envelope, payload, text, value

SEND_ID = str(uuid4())


def items(body):
    return parse_updates(body if isinstance(body, bytes) else json.dumps(body).encode(), NUMBER_ID)


def only(body):
    (item,) = items(body)
    return item


def test_all_entries_changes_and_items_are_found_in_order():
    body = payload(value(messages=[text(body="1"), text(body="2")]), value(messages=[text(body="3")]))
    body["entry"].append(payload(value(messages=[text(body="4")]))["entry"][0])
    assert [item.words for item in items(body)] == ["1", "2", "3", "4"]


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b"7", b'"entry"', b"{}", b'{"entry":{}}', b"\xff\xfe", b"[" * 100_000, b"1" * 10_000],
)
def test_anything_but_an_envelope_is_unreadable(raw):
    with pytest.raises(Unreadable):
        parse_updates(raw, NUMBER_ID)


def test_unstorable_characters_are_replaced_and_the_item_is_kept_as_it_was():
    found = only(rb'{"entry":[{"changes":[{"field":"messages","value":{"messages":[{"from":"4915112345678",'
                 rb'"id":"w\u0000","type":"text","text":{"body":"a\u0000b\ud800c"}}]}}]}]}')  # fmt: skip
    assert (found.key, found.words) == ("w", "ab�c")
    assert rb"\u0000" in found.item


@pytest.mark.parametrize(
    ("given_time", "expected"),
    [
        ("1700000000", datetime.fromtimestamp(1700000000, UTC)),
        (1700000000, datetime.fromtimestamp(1700000000, UTC)),
        ("1700000000123", datetime.fromtimestamp(1700000000, UTC)),
        ("0", None),
        ("-5", None),
        ("soon", None),
        (None, None),
        (True, None),
        ("9" * 20, None),
        (1.7e9, None),
    ],
)
def test_timestamps_are_read_or_ignored(given_time, expected):
    assert timestamp(given_time) == expected


def test_a_sender_is_known_by_number_by_id_or_by_both():
    both = text(from_user_id="DE.1a", from_parent_user_id="DE.ENT.9z")
    hidden = {**text(), "from_user_id": "DE.2b"}
    del hidden["from"]
    swapped = text(sender="US.1234")
    card = {"wa_id": "4915112345678", "user_id": "DE.3c", "profile": {"name": "Bo", "username": "bo"}}
    found = [only(payload(value(messages=[one]))).sender for one in (both, hidden, swapped)]
    assert [(s.digits, s.bsuid, s.parent_bsuid) for s in found] == [
        ("4915112345678", "DE.1a", "DE.ENT.9z"),
        (None, "DE.2b", None),
        (None, "US.1234", None),
    ]
    told = only(payload(value(messages=[text()], contacts=[card]))).sender
    assert (told.digits, told.bsuid, told.username) == ("4915112345678", "DE.3c", "bo")
    anonymous = text()
    del anonymous["from"]
    assert isinstance(only(payload(value(messages=[anonymous]))), Other)
    assert only(payload(value(messages=[anonymous], contacts=[card]))).sender.bsuid == "DE.3c"


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (text(type="reaction", reaction={"message_id": "w", "emoji": "👍"}), "not a turn: reaction"),
        (text(type="edit", edit={"original_message_id": "w"}), "not a turn: edit"),
        (text(type="revoke", revoke={"original_message_id": "w"}), "not a turn: revoke"),
        (text(group_id="g"), "a group message"),
        (text(sender="15550783881"), "sent by our own number"),
        (text(type="system", system={"type": "customer_identity_changed"}), "not a turn: system"),
    ],
)
def test_what_is_not_a_turn_is_stored_and_not_answered(message, why):
    assert only(payload(value(messages=[message]))).ignored == why


def test_other_numbers_and_fields_are_ignored():
    other = value(messages=[text()])
    other["metadata"]["phone_number_id"] = "999"
    assert only(payload(other)).ignored == "for another phone number id"
    echo = only(payload({"message_echoes": [text()]}, field="smb_message_echoes"))
    assert (echo.kind, echo.broken) == ("smb_message_echoes", "")


def test_unknown_and_failed_kinds_are_placeholders():
    kinds = [
        text(type="unsupported", errors=[{"code": 131051}]),
        text(type="hologram", hologram={}),
        {**text(type="interactive", errors=[{"code": 131000}]), "text": None},
    ]
    for message in kinds:
        found = only(payload(value(messages=[message])))
        assert (found.kind, found.ignored) == ("unsupported", "")
        assert found.words.startswith("[")


def test_statuses_and_moves_are_parsed():
    status = {"id": "wamid.1", "status": "failed", "timestamp": "1700000000"}
    error = {"code": 131026, "title": "no", "error_data": {"details": "undeliverable"}}
    status |= {"biz_opaque_callback_data": SEND_ID, "errors": [error]}
    found = only(payload(value(statuses=[status])))
    assert isinstance(found, Status)
    assert (str(found.send_id), found.code, found.error) == (SEND_ID, 131026, "undeliverable")
    assert isinstance(only(payload(value(statuses=[status | {"status": "deleted"}]))), Other)
    node = {"type": "user_changed_number", "wa_id": "4917", "user_id": "DE.2", "previous_user_id": "DE.1"}
    found = only(payload(value(messages=[text(type="system", system=node)])))
    assert isinstance(found, Move)
    assert (found.before.digits, found.before.bsuid) == ("4915112345678", "DE.1")
    assert (found.after.digits, found.after.bsuid) == ("4917", "DE.2")


@given(st.binary(max_size=300))
def test_no_bytes_ever_raise_anything_but_unreadable(raw):
    with suppress(Unreadable):
        parse_updates(raw, NUMBER_ID)


def test_the_usual_envelope_has_one_message():
    assert isinstance(only(envelope(text())), Message)
