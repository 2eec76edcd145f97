"""What a person can put into a message: a believable node for every type of contract section 1.4."""

import base64
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

Json = dict[str, Any]


class Utterance(BaseModel):
    """One message a person sends; only `text` is needed for the usual case.

    `content` is the type's node word for word, `message` is merged into the message last, `omit` takes
    away `contacts`, `from`, `wa_id` or `user_id`, `timestamp` is in Unix seconds, `wait` in seconds.
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


class Spoken(Utterance):
    """An utterance with the number it comes from."""

    number: str


def node(said: Utterance, media_id: str) -> Json:
    """What depends on the type: the node under the type's name and what goes with it."""
    if said.content is not None:
        return {said.type: said.content}
    if said.type in _MEDIA:
        return {said.type: _media(said, media_id)}
    if said.type in _NODES:
        return _NODES[said.type](said)
    return {}


def words(said: Utterance) -> str:
    """The message as a bubble on the phone shows it."""
    if said.type in ("text", "edit"):
        return said.text or (said.content or {}).get("body", "")
    if said.type == "reaction":
        return f"[reaction] {said.emoji or 'removed'}"
    return f"[{said.type}] {said.caption or said.text or ''}".rstrip()


_MEDIA = {
    "image": "image/jpeg",
    "video": "video/mp4",
    "document": "application/pdf",
    "sticker": "image/webp",
    "audio": "audio/ogg; codecs=opus",
    "voice": "audio/ogg; codecs=opus",
}


def _media(said: Utterance, media_id: str) -> Json:
    digest = base64.b64encode(sha256(media_id.encode()).digest()).decode()
    media: Json = {"mime_type": _MEDIA[said.type], "sha256": digest, "id": media_id}
    media["url"] = f"https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid={media_id}"
    if said.caption is not None:
        media["caption"] = said.caption
    extra: dict[str, Json] = {
        "document": {"filename": "letter.pdf"},
        "sticker": {"animated": False},
        "audio": {"voice": True},
    }
    return media | extra.get(said.type, {})


def _contacts(said: Utterance) -> Json:
    phone = {"phone": "+49 1512 0000000", "wa_id": "4915120000000", "type": "CELL"}
    card = {"name": {"formatted_name": said.text or "Ada Lovelace", "first_name": "Ada"}, "phones": [phone]}
    return {"contacts": [card | {"origin": "other", "vcard": "BEGIN:VCARD\nVERSION:3.0\nEND:VCARD"}]}


def _order(said: Utterance) -> Json:
    item = {"product_retailer_id": "sku-1", "quantity": 1, "item_price": 9.5, "currency": "EUR"}
    return {"order": {"catalog_id": "194836987003835", "text": said.text or "", "product_items": [item]}}


def _reaction(said: Utterance) -> Json:
    reaction = {"message_id": said.message_id or ""}
    return {"reaction": reaction | ({"emoji": said.emoji} if said.emoji is not None else {})}


def _edit(said: Utterance) -> Json:
    new = {"type": "text", "text": {"body": said.text or ""}}
    return {"edit": {"original_message_id": said.message_id or "", "message": new}}


def _unsupported(said: Utterance) -> Json:
    details = {"details": "Message type is currently not supported."}
    error = {"code": 131051, "title": "Message type unknown", "message": "Message type unknown"}
    return {"errors": [error | {"error_data": details}], "unsupported": {"type": said.text or "poll"}}


def _interactive(said: Utterance) -> Json:
    reply = {"id": "choice-1", "title": said.text or "Yes"}
    return {"interactive": {"type": "button_reply", "button_reply": reply}}


_NODES: dict[str, Callable[[Utterance], Json]] = {
    "text": lambda said: {"text": {"body": said.text or ""}},
    "location": lambda said: {"location": {"latitude": 52.52, "longitude": 13.405}},
    "contacts": _contacts,
    "interactive": _interactive,
    "button": lambda said: {"button": {"payload": "choice-1", "text": said.text or "Yes"}},
    "order": _order,
    "reaction": _reaction,
    "edit": _edit,
    "revoke": lambda said: {"revoke": {"original_message_id": said.message_id or ""}},
    "unsupported": _unsupported,
    "unknown": _unsupported,
    "system": lambda said: {"system": {"body": said.text or "", "type": "customer_identity_changed"}},
}
