"""Every item of every entry and change: `payloads` holds deliveries and the updates that are in them."""

import json
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ava_whatsapp_gateway.cloud_api.lenient_json import Unreadable, timestamp
from ava_whatsapp_gateway.cloud_api.payload_parser import parse_updates
from ava_whatsapp_gateway.cloud_api.updates import Message, Other, Status, Update

from .meta_payloads import NUMBER_ID, payload, text, value

PAYLOADS = sorted(Path(__file__).with_name("payloads").glob("*.json"))


def as_written(update: Update) -> dict[str, Any]:
    """An update as the files of `payloads` write it: its class, and its fields that are not empty."""
    fields = {name: value for name, value in asdict(update).items() if name != "item"}
    written: dict[str, Any] = json.loads(json.dumps({"is": type(update).__name__, **fields}, default=str))
    return without_empty(written)


def without_empty(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name: without_empty(value) if isinstance(value, dict) else value
        for name, value in fields.items()
        if value not in (None, "")
    }


@pytest.mark.parametrize("case", PAYLOADS, ids=lambda path: path.stem)
def test_a_delivery_is_read_as_its_file_says(case: Path) -> None:
    written = json.loads(case.read_text("utf-8"))
    updates = parse_updates(json.dumps(written["delivery"]).encode(), NUMBER_ID)
    assert [as_written(update) for update in updates] == written["updates"]


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b"7", b'"entry"', b"{}", b'{"entry":{}}', b"\xff\xfe", b"[" * 100_000, b"1" * 10_000],
)
def test_anything_but_an_envelope_is_unreadable(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        parse_updates(raw, NUMBER_ID)


@pytest.mark.parametrize(
    ("part", "why"),
    [
        (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
        (b"1" * 5000, "a number of too many digits"),
        (b'"\xff"', "not UTF-8"),
        (b"{,}", "not JSON"),
    ],
)
def test_a_part_that_no_json_parser_reads_makes_the_whole_delivery_unreadable(part: bytes, why: str) -> None:
    body = json.dumps(payload(value(messages=[text(odd="here")]), value(messages=[text(body="sibling")])))
    with pytest.raises(Unreadable, match=f"^{why}$"):
        parse_updates(body.encode().replace(b'"here"', part), NUMBER_ID)


def test_two_items_are_never_taken_for_one_because_both_are_nested_deeply() -> None:
    """A little less deep than what cannot be parsed, an item can be read and not be written again."""
    for depth in range(900, 1000):
        deep = [b"[" * depth + one + b"]" * depth for one in (b"1", b"2")]
        with suppress(Unreadable):
            first, second = parse_updates(b'{"entry":[%b,%b]}' % tuple(deep), NUMBER_ID)
            assert isinstance(first, Other)
            assert isinstance(second, Other)
            assert (first.key != second.key, b"1" in first.item) == (True, True)


def test_unstorable_characters_are_replaced_and_the_item_is_kept_as_it_was() -> None:
    (found,) = parse_updates(
        rb'{"entry":[{"changes":[{"field":"messages","value":{"messages":[{"from":"4915112345678",'
        rb'"id":"w\u0000","type":"text","text":{"body":"a\u0000b\ud800c"}}]}}]}]}',
        NUMBER_ID,
    )
    assert isinstance(found, Message)
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
def test_timestamps_are_read_or_ignored(given_time: object, expected: datetime | None) -> None:
    assert timestamp(given_time) == expected


@given(st.binary(max_size=300))
def test_no_bytes_ever_raise_anything_but_unreadable(raw: bytes) -> None:
    with suppress(Unreadable):
        parse_updates(raw, NUMBER_ID)


def test_two_messages_are_never_taken_for_one_because_their_ids_begin_alike() -> None:
    long = [text(id="wamid." + "x" * 300 + end) for end in ("1", "2", "2")]
    found = parse_updates(json.dumps(payload(value(messages=long))).encode(), NUMBER_ID)
    keys = [update.key for update in found if isinstance(update, Message)]
    assert (keys[0] != keys[1], keys[1] == keys[2], len(max(keys, key=len)) < 256) == (True, True, True)


@pytest.mark.parametrize(
    "errors",
    [
        [{"code": 131026}],
        [{"code": "131026"}],
        {"code": 131026},
        [{"code": "131026", "title": "x"}, {"code": 1}],
    ],
)
def test_the_code_of_a_failure_is_read_however_it_is_written(errors: object) -> None:
    failed = {"id": "wamid.1", "status": "failed", "errors": errors}
    (found,) = parse_updates(json.dumps(payload(value(statuses=[failed]))).encode(), NUMBER_ID)
    assert isinstance(found, Status)
    assert found.code == 131026


@pytest.mark.parametrize("errors", [None, [], "131026", [{"code": True}], [{"code": 2**31}], [{"code": "x"}]])
def test_a_failure_without_a_code_is_a_failure(errors: object) -> None:
    failed = {"id": "wamid.1", "status": "failed", "errors": errors}
    (found,) = parse_updates(json.dumps(payload(value(statuses=[failed]))).encode(), NUMBER_ID)
    assert isinstance(found, Status)
    assert (found.status, found.code) == ("failed", None)
