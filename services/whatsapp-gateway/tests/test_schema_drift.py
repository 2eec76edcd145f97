"""Alarms for what Meta does not document, and for nothing else."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from ava_whatsapp_gateway.cloud_api import account_notices, schema_drift
from ava_whatsapp_gateway.cloud_api.payload_parser import parse_updates

from . import meta_payloads as meta

CONTRACT = Path(__file__).parents[3] / "docs" / "contracts" / "whatsapp-cloud-api.md"
# What this release added, as Meta's pages of 2026 have it.
ONCE_ALARMED = ("account_settings_update", "messaging_handovers", "message_echoes", "consumer_profile")


def drift() -> dict[str, float]:
    """The paths counted so far."""
    samples = [sample for metric in REGISTRY.collect() for sample in metric.samples]
    return {found.labels["path"]: found.value for found in samples if found.name == "whatsapp_drift_total"}


def counted(raw: bytes) -> set[str]:
    """The paths that this delivery counts."""
    before = drift()
    parse_updates(raw, meta.NUMBER_ID)
    return {path for path, count in drift().items() if count > before.get(path, 0)}


def section(heading: str) -> str:
    return CONTRACT.read_text("utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def documented(row: str) -> set[str]:
    """The names in a row of the contract's table."""
    (line,) = re.findall(rf"^\| {row} \|(.*)\|$", section("Documented names"), re.M)
    return set(re.findall(r"`([a-z_]+)`", line))


@pytest.mark.parametrize("place", ["envelope", "entry", "value", "message"])
def test_the_keys_are_those_of_the_contract(place: str) -> None:
    assert documented(place) == schema_drift.KEYS[place]


def test_the_fields_types_and_statuses_are_those_of_the_contract() -> None:
    assert documented("field") == schema_drift.FIELDS
    assert documented("type") == schema_drift.TYPES
    assert documented("status") == schema_drift.STATUSES
    assert re.search(r"as of \d{4}-\d\d-\d\d", section("Documented names"))


def test_the_fields_of_notices_are_those_of_the_contract() -> None:
    assert set(re.findall(r"`([a-z]+(?:_[a-z]+)*)`", section("Account notices"))) >= account_notices.FIELDS
    assert account_notices.FIELDS < schema_drift.FIELDS


@pytest.mark.parametrize("field", sorted({*schema_drift.FIELDS, *ONCE_ALARMED}))
def test_a_documented_field_is_not_drift(field: str) -> None:
    assert counted(_dumped(meta.payload({}, field=field))) == set()


@pytest.mark.parametrize("kind", sorted(schema_drift.TYPES))
def test_a_documented_type_is_not_drift(kind: str) -> None:
    assert counted(meta.envelope(_message(type=kind, **{kind: {}}))) == set()


@pytest.mark.parametrize("key", ["from_logical_id", "identity", "origin", "from_parent_user_id", "username"])
def test_a_documented_key_of_a_message_is_not_drift(key: str) -> None:
    assert counted(meta.envelope(_message(**{key: "x"}))) == set()


@pytest.mark.parametrize("name", sorted(schema_drift.STATUSES))
def test_a_documented_status_is_not_drift(name: str) -> None:
    assert counted(meta.envelope(_status(name))) == set()


def test_a_status_of_a_payment_is_not_drift() -> None:
    assert counted(meta.envelope(_status("captured") | {"type": "payment"})) == set()


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (meta.envelope(meta.text(hologram={})), "message.hologram"),
        (meta.envelope(meta.text(type="hologram2")), "message.type=hologram2"),
        (meta.envelope({"id": "wamid.1", "status": "in_orbit"}), "status.status=in_orbit"),
    ],
)
def test_what_is_not_documented_is_drift(raw: bytes, path: str) -> None:
    assert path in counted(raw)


def test_a_field_that_is_not_documented_is_drift() -> None:
    assert counted(_dumped(meta.payload({}, field="user_id_update"))) == {"change.field=user_id_update"}


def _message(**more: Any) -> dict[str, Any]:
    return meta.text() | more


def _status(name: str) -> dict[str, Any]:
    return {"id": "wamid.1", "status": name, "timestamp": "1700000000"}


def _dumped(body: object) -> bytes:
    return json.dumps(body).encode()
