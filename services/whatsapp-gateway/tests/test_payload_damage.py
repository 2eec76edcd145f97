"""Damage to one thing in a delivery never costs another: messages, statuses, changes, fields, entries."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .meta_payloads import text
from .test_payload import _damage, _paths, items, of, value

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


def delivery():
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
    body = of(first, value(messages=[text(id="wamid.damaged-too")]), value(messages=[_stays("change")]))
    body["entry"][0]["changes"].append({"field": "account_alerts", "value": {"alert": "stays"}})
    body["entry"].append(of(value(messages=[text(id="wamid.damaged-as-well")]))["entry"][0])
    body["entry"].append(of(value(messages=[_stays("entry")], statuses=[STATUS]))["entry"][0])
    return json.loads(json.dumps(body))  # nothing in it is shared


def _stays(name):
    return text(body=name, id=f"wamid.{name}-stays")


def stayed(body):
    """What no damage may touch, by what it is known under."""
    found = items(json.dumps(body).encode())
    kept = {item.key: item for item in found if "stays" in getattr(item, "key", "")}
    kept |= {item.wamid: item for item in found if getattr(item, "wamid", "") in STATUSES}
    return kept | {item.kind: item for item in found if getattr(item, "kind", "") == "account_alerts"}


def test_the_delivery_has_a_sibling_of_every_kind():
    names = {f"wamid.{kind}-stays" for kind in ("message", "change", "entry")}
    assert set(stayed(delivery())) == {*names, *STATUSES, "account_alerts"}


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.sampled_from(sorted(VICTIMS)), st.data())
def test_any_damage_to_one_of_them_leaves_all_the_others_as_they_were(victim, data):
    body = delivery()
    wanted = stayed(body)
    place = VICTIMS[victim]
    node = body
    for step in place:
        node = node[step]
    for _ in range(data.draw(st.integers(1, 3))):
        inner = list(_paths(node))
        _damage(body, (*place, *data.draw(st.sampled_from(inner))), data)
        node = _at(body, place)
        if not isinstance(node, dict | list) or "stays" in json.dumps(node):
            break
    assert stayed(body) == wanted


def _at(body, place):
    for step in place:
        body = body[step]
    return body


def test_a_thing_nested_too_deeply_to_be_written_down_costs_no_sibling():
    for depth in range(900, 1000):
        body = json.dumps({"entry": ["deep", of(value(messages=[_stays("entry")]))["entry"][0]]})
        raw = body.replace('"deep"', "[" * depth + "]" * depth).encode()
        try:
            found = items(raw)
        except Exception as error:
            assert type(error).__name__ == "Unreadable", depth  # noqa: PT017 - which depth is the point
        else:
            assert [item.key for item in found if "stays" in item.key] == ["wamid.entry-stays"]
