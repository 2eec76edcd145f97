"""Builds the webhook item for what happens on a phone: a message, a number change, an echo.

See docs/contracts/whatsapp-cloud-api.md#identities and
docs/contracts/whatsapp-cloud-api.md#other-fields.
"""

from typing import Any
from zlib import crc32

from ava_whatsapp_simulator.phones.message_content import PhoneMessage, content_node
from ava_whatsapp_simulator.phones.phones import Phone
from ava_whatsapp_simulator.webhooks.webhook_item import WebhookItem

Json = dict[str, Any]


def message(phone: Phone, sent: PhoneMessage, wamid: str, timestamp: int, quoted_from: str) -> WebhookItem:
    """One entry of `messages[]`, with its contact."""
    content: Json = _sender(phone, sent.omit) | {"id": wamid, "timestamp": str(timestamp), "type": sent.type}
    content |= content_node(sent, media_id=str(10**15 + crc32(wamid.encode())))
    if sent.reply_to is not None:
        content["context"] = {"from": quoted_from, "id": sent.reply_to}
    if sent.group_id is not None:
        content["group_id"] = sent.group_id
    bare = "contacts" in sent.omit or sent.type == "system"
    return WebhookItem(wamid, "messages", content | sent.message, None if bare else contact(phone, sent.omit))


def number_changed(old: Json, phone: Phone, wamid: str, timestamp: int) -> WebhookItem:
    """The system message about a number change; `old` is what `current_ids` returned before it."""
    body = f"{phone.name} changed from {old['wa_id']} to {phone.wa_id}"
    system = {"body": body, "type": "user_changed_number", "wa_id": phone.wa_id, "user_id": phone.user_id}
    system |= {"previous_user_id": old["user_id"]}
    sender = {"from": old["wa_id"], "from_user_id": old["user_id"]}
    return _system(wamid, timestamp, sender, system)


def user_id_changed(old: Json, phone: Phone, wamid: str, timestamp: int) -> WebhookItem:
    """The system message about a new business-scoped user id; a hidden phone's has no `from`."""
    body = f"{phone.name}'s user id changed"
    system = {"body": body, "type": "user_changed_user_id", "user_id": phone.user_id}
    system |= {"previous_user_id": old["user_id"]}
    sender = {} if phone.hidden else {"from": phone.wa_id}
    return _system(wamid, timestamp, sender | {"from_user_id": old["user_id"]}, system)


def echo(phone: Phone, text: str, wamid: str, timestamp: int, business_number: str) -> WebhookItem:
    """A message the business number sent from the WhatsApp Business app: Ava must never answer it."""
    content = {"from": business_number, "to": phone.wa_id, "id": wamid, "timestamp": str(timestamp)}
    return WebhookItem(wamid, "message_echoes", content | {"type": "text", "text": {"body": text}})


def current_ids(phone: Phone) -> Json:
    """The ids a phone has right now."""
    return {"wa_id": phone.wa_id, "user_id": phone.user_id}


def contact(phone: Phone, omit: frozenset[str] = frozenset()) -> Json:
    """One entry of `contacts[]`; a hidden phone's has no `wa_id`."""
    profile: Json = {"name": phone.name}
    if phone.username:
        profile["username"] = phone.username
    card: Json = {"profile": profile}
    if not phone.hidden and "wa_id" not in omit:
        card["wa_id"] = phone.wa_id
    if "user_id" not in omit:
        card["user_id"] = phone.user_id
    return card | ({"parent_user_id": phone.parent_user_id} if phone.parent_user_id else {})


def _sender(phone: Phone, omit: frozenset[str]) -> Json:
    sender: Json = {}
    if not phone.hidden and "from" not in omit:
        sender["from"] = phone.wa_id
    if "user_id" not in omit:
        sender["from_user_id"] = phone.user_id
        if phone.parent_user_id:
            sender["from_parent_user_id"] = phone.parent_user_id
    return sender


def _system(wamid: str, timestamp: int, sender: Json, system: Json) -> WebhookItem:
    content = sender | {"id": wamid, "timestamp": str(timestamp), "type": "system", "system": system}
    return WebhookItem(wamid, "messages", content)
