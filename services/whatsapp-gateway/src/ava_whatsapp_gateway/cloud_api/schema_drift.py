"""Count what Meta sends that its contract does not name, by path, so that operators hear of changes early.

See docs/contracts/whatsapp-cloud-api.md#documented-names and
docs/contracts/whatsapp-cloud-api.md#other-fields.
"""

import re

from ava_whatsapp_gateway.cloud_api.lenient_json import Json
from ava_whatsapp_gateway.cloud_api.transcript import NON_TURN_KINDS, TURN_KINDS
from ava_whatsapp_gateway.metrics import DRIFT

# What Meta documents, as the contract lists it: a test holds both against each other.
KEYS = {
    "envelope": {"object", "entry"},
    "entry": {"id", "time", "changes"},
    "value": {
        "messaging_product", "metadata", "contacts", "messages", "statuses", "errors", "user_actions",
    },
    "message": {
        "from", "from_user_id", "from_parent_user_id", "from_logical_id", "id", "timestamp", "type",
        "context", "referral", "group_id", "errors", "identity", "origin", "username",
    },
}  # fmt: skip
FIELDS = frozenset(
    {
        "account_alerts", "account_review_update", "account_settings_update", "account_update",
        "automatic_events", "business_capability_update", "business_username_update", "calls",
        "consumer_profile", "flows", "group_lifecycle_update", "group_participants_update",
        "group_settings_update", "group_status_update", "history", "message_echoes",
        "message_template_components_update", "message_template_quality_update",
        "message_template_status_update", "messages", "messaging_handovers", "partner_solutions",
        "payment_configuration_update", "phone_number_name_update", "phone_number_quality_update",
        "security", "smb_app_state_sync", "smb_message_echoes", "standby", "template_category_update",
        "user_preferences",
    }
)  # fmt: skip
TYPES = TURN_KINDS | NON_TURN_KINDS | {"ephemeral", "unknown", "unsupported"}
STATUSES = frozenset({"deleted", "delivered", "failed", "played", "read", "sent", "warning"})
_MAX_PATHS = 200
_seen: set[str] = set()


def count_unknown_keys(place: str, found: Json) -> None:
    """Keys of an envelope, entry, value or message that the contract does not name."""
    known = KEYS[place] | TYPES if place == "message" else KEYS[place]
    for key in found.keys() - known:
        _count(f"{place}.{key}")


def count_field(name: str) -> None:
    if name not in FIELDS:
        _count(f"change.field={name}")


def count_kind(name: str) -> None:
    if name not in TYPES:
        _count(f"message.type={name}")


def count_status(name: str) -> None:
    if name not in STATUSES:
        _count(f"status.status={name}")


def count_broken(place: str) -> None:
    _count(f"{place}.broken")


def _count(path: str) -> None:
    """Labels are limited in form and number: what strangers write must not become a metric."""
    path = re.sub(r"[^A-Za-z0-9_.=-]", "?", path)[:80]
    if path not in _seen and len(_seen) >= _MAX_PATHS:
        path = "other"
    _seen.add(path)
    DRIFT.labels(path).inc()
