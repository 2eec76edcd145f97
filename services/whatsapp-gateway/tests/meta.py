"""How Meta writes messages, statuses and envelopes, and signs them."""

import asyncio
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from inspect import isawaitable
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


def status(letter: dict[str, Any], name: str = "sent", **more: Any) -> dict[str, Any]:
    """A status for something the fake Graph API took."""
    return {
        "id": letter["wamid"],
        "status": name,
        "timestamp": str(int(time.time())),
        "recipient_id": letter["to"],
        "biz_opaque_callback_data": letter["biz_opaque_callback_data"],
        **more,
    }


def envelope(*items: dict[str, Any]) -> bytes:
    metadata = {"display_phone_number": "+1 555 078 3881", "phone_number_id": NUMBER_ID}
    value: dict[str, Any] = {"messaging_product": "whatsapp", "metadata": metadata}
    for item in items:
        value.setdefault("statuses" if "status" in item else "messages", []).append(item)
    change = {"field": "messages", "value": value}
    return json.dumps(
        {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}
    ).encode()


def signed(body: bytes, secret: str = APP_SECRET) -> dict[str, str]:
    return {
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
        "Content-Type": "application/json",
    }


async def eventually(true: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for what other tasks bring about; the condition may be awaitable."""
    async with asyncio.timeout(seconds):
        while True:
            found = true()
            if await found if isawaitable(found) else found:
                return
            await asyncio.sleep(0.01)
