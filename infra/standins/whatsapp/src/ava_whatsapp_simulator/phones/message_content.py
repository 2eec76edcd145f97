"""What a phone can send: the message model, and realistic JSON for every type.

See docs/contracts/whatsapp-cloud-api.md#message-types.
"""

import base64
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

Json = dict[str, Any]


class PhoneMessage(BaseModel):
    """A message sent from a phone; usually `text` is enough.

    `content` is the type's JSON node as is, `message` is merged into the message last, `omit` leaves out
    `contacts`, `from`, `wa_id` or `user_id`, `timestamp` is in Unix seconds, `wait` in seconds.
    """

    model_config = ConfigDict(extra="forbid")

    type: str = "text"
    text: str | None = None
    caption: str | None = None
    content: Any = None
    emoji: str | None = None
    message_id: str | None = None
    reply_to: str | None = None
    group_id: str | None = None
    timestamp: int | None = None
    message: Json = Field(default_factory=dict)
    omit: frozenset[str] = frozenset()
    wait: float = Field(default=0.0, ge=0, le=60)


class PhoneMessageFrom(PhoneMessage):
    """A message with the number it is sent from."""

    number: str


def content_node(message: PhoneMessage, media_id: str) -> Json:
    """The part that depends on the type: the node under the type's name, and what goes with it."""
    if message.content is not None:
        return {message.type: message.content}
    if message.type in _MEDIA:
        return {message.type: _media(message, media_id)}
    if message.type in _NODES:
        return _NODES[message.type](message)
    return {}


def display_text(message: PhoneMessage) -> str:
    """The message as the phone shows it."""
    if message.type in ("text", "edit"):
        return message.text or (message.content or {}).get("body", "")
    if message.type == "reaction":
        return f"[reaction] {message.emoji or 'removed'}"
    return f"[{message.type}] {message.caption or message.text or ''}".rstrip()


_MEDIA = {
    "image": "image/jpeg",
    "video": "video/mp4",
    "document": "application/pdf",
    "sticker": "image/webp",
    "audio": "audio/ogg; codecs=opus",
    "voice": "audio/ogg; codecs=opus",
}


def _media(message: PhoneMessage, media_id: str) -> Json:
    digest = base64.b64encode(sha256(media_id.encode()).digest()).decode()
    media: Json = {"mime_type": _MEDIA[message.type], "sha256": digest, "id": media_id}
    media["url"] = f"https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid={media_id}"
    if message.caption is not None:
        media["caption"] = message.caption
    extra: dict[str, Json] = {
        "document": {"filename": "document.pdf"},
        "sticker": {"animated": False},
        "audio": {"voice": True},
    }
    return media | extra.get(message.type, {})


def _contacts(message: PhoneMessage) -> Json:
    phone = {"phone": "+49 1512 0000000", "wa_id": "4915120000000", "type": "CELL"}
    card = {
        "name": {"formatted_name": message.text or "Ada Lovelace", "first_name": "Ada"},
        "phones": [phone],
    }
    return {"contacts": [card | {"origin": "other", "vcard": "BEGIN:VCARD\nVERSION:3.0\nEND:VCARD"}]}


def _order(message: PhoneMessage) -> Json:
    item = {"product_retailer_id": "sku-1", "quantity": 1, "item_price": 9.5, "currency": "EUR"}
    return {"order": {"catalog_id": "194836987003835", "text": message.text or "", "product_items": [item]}}


def _reaction(message: PhoneMessage) -> Json:
    reaction = {"message_id": message.message_id or ""}
    return {"reaction": reaction | ({"emoji": message.emoji} if message.emoji is not None else {})}


def _edit(message: PhoneMessage) -> Json:
    new = {"type": "text", "text": {"body": message.text or ""}}
    return {"edit": {"original_message_id": message.message_id or "", "message": new}}


def _unsupported(message: PhoneMessage) -> Json:
    details = {"details": "Message type is currently not supported."}
    error = {"code": 131051, "title": "Message type unknown", "message": "Message type unknown"}
    return {"errors": [error | {"error_data": details}], "unsupported": {"type": message.text or "poll"}}


def _interactive(message: PhoneMessage) -> Json:
    reply = {"id": "choice-1", "title": message.text or "Yes"}
    return {"interactive": {"type": "button_reply", "button_reply": reply}}


_NODES: dict[str, Callable[[PhoneMessage], Json]] = {
    "text": lambda message: {"text": {"body": message.text or ""}},
    "location": lambda message: {"location": {"latitude": 52.52, "longitude": 13.405}},
    "contacts": _contacts,
    "interactive": _interactive,
    "button": lambda message: {"button": {"payload": "choice-1", "text": message.text or "Yes"}},
    "order": _order,
    "reaction": _reaction,
    "edit": _edit,
    "revoke": lambda message: {"revoke": {"original_message_id": message.message_id or ""}},
    "unsupported": _unsupported,
    "unknown": _unsupported,
    "system": lambda message: {"system": {"body": message.text or "", "type": "customer_identity_changed"}},
}
