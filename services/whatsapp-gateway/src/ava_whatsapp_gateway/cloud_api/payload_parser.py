"""Parse a delivery's payload into updates: every entry × change × item, whatever Meta adds or leaves out.

See docs/contracts/whatsapp-cloud-api.md#envelope and
docs/contracts/whatsapp-cloud-api.md#statuses.
"""

import re
from collections.abc import Iterator
from datetime import date
from functools import partial

from ava_whatsapp_gateway.cloud_api import account_notices, foreign_numbers, schema_drift
from ava_whatsapp_gateway.cloud_api.lenient_json import (
    Json,
    Unreadable,
    bsuid,
    digits,
    dump,
    find,
    integer,
    item_digest,
    parse,
    send_id,
    sequence,
    text,
    timestamp,
)
from ava_whatsapp_gateway.cloud_api.readable_json import items
from ava_whatsapp_gateway.cloud_api.transcript import EMPTY, NON_TURN_KINDS, as_text, kind_of
from ava_whatsapp_gateway.cloud_api.updates import Identity, Message, Move, Other, Status, Update

_MOVES = frozenset({"user_changed_number", "user_changed_user_id", "customer_changed_number"})
_LONGEST_ID = 256
_RANKS = {"sent": 1, "failed": 2, "delivered": 3, "read": 4, "played": 5}


def parse_updates(body: bytes, our_number_id: str, received_on: date | None = None) -> list[Update]:
    """The updates in order; a bad one never costs its siblings.

    Raises Unreadable without any entries, and for a body that the JSON parser does not read to its end.
    `received_on` is part of the key of what has no id and no time.
    """
    envelope = parse(body)
    entries = envelope.get("entry")
    if not isinstance(entries, list):
        raise Unreadable("no list of entries")
    schema_drift.count_unknown_keys("envelope", envelope)
    updates: list[Update] = []
    for entry in entries:
        changes = find(entry, "changes")
        if isinstance(changes, list):
            schema_drift.count_unknown_keys("entry", entry)
            when = text(entry.get("time"), 40) or str(received_on or "")
            origin = [text(entry.get("id"), 64), when]
            updates += [update for change in changes for update in _change(change, origin, our_number_id)]
        else:
            updates.append(_broken("entry", entry))
    return updates


def _change(change: object, origin: list[str], ours: str) -> Iterator[Update]:
    """`origin` tells this change from the same one in another account or at another time."""
    field, value = text(find(change, "field"), 64), find(change, "value")
    if field not in ("messages", "") or not isinstance(value, dict):
        yield _other_field(field, change, origin)
        return
    schema_drift.count_unknown_keys("value", value)
    if not {"messages", "statuses", "errors"} & value.keys():
        yield _other("messages", value, origin=origin)
    readers = (("messages", _message), ("statuses", _status), ("errors", partial(_error, origin)))
    for name, one in readers:
        found = value.get(name)
        if found is not None and not isinstance(found, list):
            yield _broken(name, found)
        for item in sequence(found):
            try:
                yield one(item, value, ours)
            except Exception as error:
                yield _broken(name, item, type(error).__name__)


def _other_field(field: str, change: object, origin: list[str]) -> Update:
    schema_drift.count_field(field)
    if field in account_notices.FIELDS:
        return account_notices.read(item_digest([origin, change]), field, change)
    return _other(field or "change", change, broken="" if field else "no field", origin=origin)


def _error(origin: list[str], item: Json, value: Json, ours: str) -> Update:
    if not isinstance(item, dict):
        return _broken("errors", item, "not an object")
    number_id = text(find(value, "metadata", "phone_number_id"), 64)
    key = item_digest([origin, number_id, item])
    return account_notices.read_error(key, item, is_about_us=number_id in ("", ours))


def _message(item: Json, value: Json, ours: str) -> Update:
    if not isinstance(item, dict):
        return _broken("messages", item, "not an object")
    schema_drift.count_unknown_keys("message", item)
    kind, key, sender = kind_of(item), text(item.get("id")), _sender(item, value)
    if not 0 < len(key) <= _LONGEST_ID:  # cut off it could be taken for another one
        key = item_digest(item)
    if kind != item.get("type"):
        schema_drift.count_kind(text(item.get("type"), 40))
    if kind == "system" and text(find(item, "system", "type")) in _MOVES:
        return _move(item, key, sender)
    words = as_text(kind, item)
    changes = kind == "revoke" or (kind == "edit" and bool(words))
    corrects = text(find(item, kind, "original_message_id"), 256) if changes else ""
    ignored = _ignored("" if corrects else kind, item, value, sender, ours)
    if not ignored and not (sender.digits or sender.bsuid):
        return _broken("messages", item, "no sender")
    sent_at = timestamp(item.get("timestamp"))
    if not words and kind not in ("edit", "revoke"):  # nothing to answer either
        kind, words = "unsupported", EMPTY
    return Message(key, kind, words, sender, sent_at, ignored, dump(item), corrects)


def _ignored(kind: str, item: Json, value: Json, sender: Identity, ours: str) -> str:
    """Why this message is stored but not answered; empty when it is answered."""
    number_id = text(find(value, "metadata", "phone_number_id"), 64)
    our_digits = re.sub(r"[^0-9]", "", text(find(value, "metadata", "display_phone_number"), 40))
    if number_id and number_id != ours:
        return foreign_numbers.note(number_id, ours)
    if sender.digits and sender.digits in (our_digits, number_id):
        return "sent by our own number"
    if item.get("group_id"):
        return "a group message"
    return f"not a turn: {kind}" if kind in NON_TURN_KINDS else ""


def _sender(item: Json, value: Json) -> Identity:
    number = digits(item.get("from"))
    person = bsuid(item.get("from_user_id")) or bsuid(item.get("from"))
    cards = sequence(value.get("contacts"))
    alone = len(cards) == 1 and len(sequence(value.get("messages"))) == 1
    mine = [card for card in cards if _is_of(card, number, person)]
    mine = mine or (cards if alone and not (number or person) else [])
    card = mine[0] if mine else None
    return Identity(
        number or digits(find(card, "wa_id")),
        person or bsuid(find(card, "user_id")),
        bsuid(item.get("from_parent_user_id")) or bsuid(find(card, "parent_user_id")),
        text(find(card, "profile", "username"), 128) or None,
    )


def _is_of(card: object, number: str | None, person: str | None) -> bool:
    same_number = bool(number) and digits(find(card, "wa_id")) == number
    return same_number or (bool(person) and bsuid(find(card, "user_id")) == person)


def _move(item: Json, key: str, sender: Identity) -> Move:
    notice = item.get("system")
    before = Identity(sender.digits, bsuid(find(notice, "previous_user_id")))
    after = Identity(
        digits(find(notice, "wa_id")) or digits(find(notice, "new_wa_id")),
        bsuid(find(notice, "user_id")),
        bsuid(find(notice, "parent_user_id")),
    )
    return Move(key, before, after, dump(item))


def _status(item: Json, _: Json, __: str) -> Update:
    if find(item, "type") == "payment":  # of an order; says nothing about the message
        return _other("payment", item)
    wamid, status = text(find(item, "id"), 256), text(find(item, "status"), 40)
    if not wamid or status not in _RANKS:
        schema_drift.count_status(status)
        return _other("status", item, broken="" if wamid and status else "no id or status")
    error = next(iter(items(find(item, "errors"))), None)
    return Status(
        wamid,
        status,
        _RANKS[status],
        send_id(item.get("biz_opaque_callback_data")),
        timestamp(item.get("timestamp")),
        integer(find(error, "code")),
        text(find(error, "error_data", "details") or find(error, "title"), 500) or None,
    )


def _other(kind: str, item: object, *, broken: str = "", origin: list[str] | None = None) -> Other:
    return Other(item_digest([origin, item] if origin else item), kind, broken, dump(item))


def _broken(kind: str, item: object, why: str = "not as expected") -> Other:
    schema_drift.count_broken(kind)
    return _other(kind, item, broken=why)
