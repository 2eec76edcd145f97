"""Damage to one thing in a delivery never costs another: messages, statuses, changes, fields, entries."""

import copy
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ava_whatsapp_gateway.cloud_api.lenient_json import Json, Unreadable
from ava_whatsapp_gateway.cloud_api.payload_parser import parse_updates
from ava_whatsapp_gateway.cloud_api.updates import AccountNotice, Message, Status, Update

from .damage import Path, damage, paths_of
from .meta_payloads import NUMBER_ID, payload, text, value

CHANGES = ("entry", 0, "changes")
VICTIMS = {
    "message": (*CHANGES, 0, "value", "messages", 0),
    "status": (*CHANGES, 0, "value", "statuses", 0),
    "card": (*CHANGES, 0, "value", "contacts", 0),
    "change": (*CHANGES, 1),
    "entry": ("entry", 1),
}
STATUS = {"id": "wamid.theirs", "status": "sent", "timestamp": "1700000000", "errors": [{"code": 1}]}
STATUSES = ("wamid.status-stays", "wamid.theirs")


def items(body: Json) -> list[Update]:
    return parse_updates(json.dumps(body).encode(), NUMBER_ID)


def delivery() -> Json:
    """Beside each victim stands one of the same kind; the keys of those end in `stays`."""
    first = value(
        contacts=[
            {"wa_id": "1", "user_id": "DE.1"},
            {"wa_id": "4915112345678", "profile": {"name": "stays"}},
        ],
        messages=[
            text(body="x", id="wamid.damaged", from_user_id="DE.1", context={"id": "w"}),
            text(body="message", id="wamid.message-stays"),
        ],
        statuses=[{**STATUS, "id": "wamid.damaged"}, {**STATUS, "id": "wamid.status-stays"}],
    )
    body = payload(first, value(messages=[text(id="wamid.damaged-too")]), value(messages=[_stays("change")]))
    body["entry"][0]["changes"].append({"field": "account_alerts", "value": {"alert": "stays"}})
    body["entry"].append(payload(value(messages=[text(id="wamid.damaged-as-well")]))["entry"][0])
    body["entry"].append(payload(value(messages=[_stays("entry")], statuses=[STATUS]))["entry"][0])
    unshared: Json = json.loads(json.dumps(body))
    return unshared


def _stays(name: str) -> Json:
    return text(body=name, id=f"wamid.{name}-stays")


def stayed(body: Json) -> dict[str, Update]:
    """What no damage may touch, by what it is known under."""
    found = items(body)
    keyed = {item.key: item for item in found if not isinstance(item, Status) and "stays" in item.key}
    statuses = {item.wamid: item for item in found if isinstance(item, Status) and item.wamid in STATUSES}
    alerts = {item.kind: item for item in found if isinstance(item, AccountNotice)}
    return {**keyed, **statuses, **alerts}


def test_the_delivery_has_a_sibling_of_every_kind() -> None:
    names = {f"wamid.{kind}-stays" for kind in ("message", "change", "entry")}
    assert set(stayed(delivery())) == {*names, *STATUSES, "account_alerts"}


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.sampled_from(sorted(VICTIMS)), st.data())
def test_any_damage_to_one_of_them_leaves_all_the_others_as_they_were(
    victim: str, data: st.DataObject
) -> None:
    body = delivery()
    wanted = stayed(body)
    place = VICTIMS[victim]
    node = _at(body, place)
    for _ in range(data.draw(st.integers(1, 3))):
        inner = list(paths_of(node))
        damage(body, (*place, *data.draw(st.sampled_from(inner))), data)
        node = _at(body, place)
        if not isinstance(node, dict | list) or "stays" in json.dumps(node):
            break
    assert stayed(body) == wanted


def _at(body: Any, place: Path) -> Any:
    for step in place:
        body = body[step]
    return body


def test_an_item_nested_too_deeply_costs_no_sibling() -> None:
    for depth in range(900, 1000):
        body = json.dumps({"entry": ["deep", payload(value(messages=[_stays("entry")]))["entry"][0]]})
        raw = body.replace('"deep"', "[" * depth + "]" * depth).encode()
        try:
            found = parse_updates(raw, NUMBER_ID)
        except Exception as error:
            assert type(error).__name__ == "Unreadable", depth  # noqa: PT017 - which depth is the point
        else:
            keys = [item.key for item in found if not isinstance(item, Status)]
            assert [key for key in keys if "stays" in key] == ["wamid.entry-stays"]


RICH = payload(
    value(
        contacts=[{"wa_id": "4915112345678", "user_id": "DE.1", "profile": {"name": "Bo"}}],
        messages=[
            text(body="x", context={"id": "w", "from": "1"}, referral={"source_url": "u"}),
            text(type="location", location={"latitude": 1, "longitude": 2}),
            text(type="contacts", contacts=[{"name": {"formatted_name": "B"}, "phones": [{"phone": "1"}]}]),
            text(type="system", system={"type": "user_changed_number", "wa_id": "49"}),
        ],
        statuses=[{"id": "w", "status": "sent", "timestamp": "1700000000", "errors": [{"code": 1}]}],
    ),
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_any_damage_to_one_item_leaves_its_siblings_whole(data: st.DataObject) -> None:
    """Drop, replace or double anything inside one message: the others are still read."""
    body = copy.deepcopy(RICH)
    messages = body["entry"][0]["changes"][0]["value"]["messages"]
    victim = data.draw(st.integers(0, len(messages) - 1))
    sibling = text(body="the sibling")
    place = data.draw(st.integers(0, len(messages)))
    path = data.draw(st.sampled_from(list(paths_of(messages[victim]))))
    damage(messages, (victim, *path), data)
    messages.insert(place, sibling)
    found = items(body)
    assert [item.words for item in found if isinstance(item, Message) and item.key == sibling["id"]] == [
        "the sibling"
    ]


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_any_damage_anywhere_never_raises(data: st.DataObject) -> None:
    body = copy.deepcopy(RICH)
    for _ in range(data.draw(st.integers(1, 4))):
        if body:
            damage(body, data.draw(st.sampled_from(list(paths_of(body))[1:])), data)
    try:
        items(body)
    except Unreadable:
        assert not isinstance(body.get("entry"), list)
