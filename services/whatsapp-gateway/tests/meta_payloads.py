"""Messages, statuses and deliveries as Meta writes and signs them; tests import this module as `meta`."""

import hashlib
import hmac
import json
import secrets
import time
from typing import Any

NUMBER_ID = "106540352242922"
APP_SECRET = "a-secret-of-our-meta-app"


def text(sender: str = "4915112345678", body: str = "hello", **more: Any) -> dict[str, Any]:
    """One message as Meta writes it; pass `id`, `timestamp` or `from_user_id` to choose them."""
    return {
        "from": sender,
        "id": "wamid." + secrets.token_hex(8),
        "timestamp": str(int(time.time())),
        "type": "text",
        "text": {"body": body},
        **more,
    }


def status(send: dict[str, Any], name: str = "sent", **more: Any) -> dict[str, Any]:
    """A status for something the fake Graph API took."""
    return {
        "id": send["wamid"],
        "status": name,
        "timestamp": str(int(time.time())),
        "recipient_id": send["to"],
        "biz_opaque_callback_data": send["biz_opaque_callback_data"],
        **more,
    }


def value(**parts: Any) -> dict[str, Any]:
    """The value of one change: `messages=[…]`, `statuses=[…]`, `contacts=[…]`."""
    metadata = {"display_phone_number": "+1 555 078 3881", "phone_number_id": NUMBER_ID}
    return {"messaging_product": "whatsapp", "metadata": metadata, **parts}


def payload(*values: Any, field: str = "messages") -> dict[str, Any]:
    """A delivery as an object, with one entry and one change for each value."""
    changes = [{"field": field, "value": one} for one in values]
    return {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": changes}]}


def envelope(*items: dict[str, Any]) -> bytes:
    """The bytes of a delivery with these messages and statuses, all in one change."""
    parts: dict[str, list[Any]] = {}
    for item in items:
        parts.setdefault("statuses" if "status" in item else "messages", []).append(item)
    return json.dumps(payload(value(**parts))).encode()


def signed(body: bytes, secret: str = APP_SECRET) -> dict[str, str]:
    """The headers of a delivery with these bytes."""
    return {
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
        "Content-Type": "application/json",
    }
