"""Turns what happens on a phone into the items a webhook carries."""

from typing import Any
from zlib import crc32

from ava_local.whatsapp_simulator.contents import Utterance, node
from ava_local.whatsapp_simulator.items import Item
from ava_local.whatsapp_simulator.phones import Phone

Json = dict[str, Any]


def message(phone: Phone, said: Utterance, wamid: str, timestamp: int, quoted_from: str) -> Item:
    """One entry of `messages[]` with the contact that goes with it."""
    content: Json = _sender(phone, said.omit) | {"id": wamid, "timestamp": str(timestamp), "type": said.type}
    content |= node(said, media_id=str(10**15 + crc32(wamid.encode())))
    if said.reply_to is not None:
        content["context"] = {"from": quoted_from, "id": said.reply_to}
    if said.group_id is not None:
        content["group_id"] = said.group_id
    bare = "contacts" in said.omit or said.type == "system"
    return Item(wamid, "messages", content | said.message, None if bare else contact(phone, said.omit))


def number_changed(old: Json, phone: Phone, wamid: str, timestamp: int) -> Item:
    """The system message of a phone that moved to another number; `old` is what `identity` said before."""
    body = f"{phone.name} changed from {old['wa_id']} to {phone.wa_id}"
    system = {"body": body, "type": "user_changed_number", "wa_id": phone.wa_id, "user_id": phone.user_id}
    system |= {"previous_user_id": old["user_id"]}
    sender = {"from": old["wa_id"], "from_user_id": old["user_id"]}
    return _system(wamid, timestamp, sender, system)


def user_id_changed(old: Json, phone: Phone, wamid: str, timestamp: int) -> Item:
    """The system message of a person whose business-scoped id was renewed; it may come without `from`."""
    body = f"{phone.name}'s user id changed"
    system = {"body": body, "type": "user_changed_user_id", "user_id": phone.user_id}
    system |= {"previous_user_id": old["user_id"]}
    sender = {} if phone.hidden else {"from": phone.wa_id}
    return _system(wamid, timestamp, sender | {"from_user_id": old["user_id"]}, system)


def echo(phone: Phone, text: str, wamid: str, timestamp: int, our_number: str) -> Item:
    """A message our own number sent from the business app: it must never be answered."""
    content = {"from": our_number, "to": phone.wa_id, "id": wamid, "timestamp": str(timestamp)}
    return Item(wamid, "message_echoes", content | {"type": "text", "text": {"body": text}})


def identity(phone: Phone) -> Json:
    """The ids a phone goes by right now."""
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


def _system(wamid: str, timestamp: int, sender: Json, system: Json) -> Item:
    content = sender | {"id": wamid, "timestamp": str(timestamp), "type": "system", "system": system}
    return Item(wamid, "messages", content)
