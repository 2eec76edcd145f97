"""Write shared contact cards as text: whatever a card holds, as fields or as a vCard.

Decision 0099. See docs/contracts/whatsapp-cloud-api.md#message-types.
"""

import quopri
import re

from ava_whatsapp_gateway.cloud_api.lenient_json import find, text
from ava_whatsapp_gateway.cloud_api.readable_json import items, joined, readable, without

_NAME_PARTS = ("prefix", "first_name", "middle_name", "last_name", "suffix")
_ADDRESS_PARTS = ("street", "zip", "city", "state", "country")
_WRITTEN = ("name", "phones", "org", "emails", "urls", "addresses", "vcard", "origin")
_FOLD = re.compile(r"\r?\n[ \t]")
_VCARD_LINE = re.compile(r"(?:[\w-]+\.)?([A-Za-z-]+)((?:;[^:]*)?):(.*)")
_ESCAPED = re.compile(r"\\(.)")
_VCARD_NAMES = ("FN", "N")
_VCARD_FIELDS = (*_VCARD_NAMES, "NICKNAME", "TEL", "ORG", "TITLE", "EMAIL", "URL", "ADR", "BDAY", "NOTE")


def contact_cards(cards: object) -> str:
    """The cards, with commas between; empty when they hold nothing."""
    found = joined(", ", map(_card, items(cards)))
    return f"[contacts {found}]" if found else ""


def _card(card: object) -> str:
    """Name and numbers, then the rest; a card without any of these says what its vCard holds."""
    name = _name(find(card, "name"))
    numbers = joined(" ", map(_phone, items(find(card, "phones"))))
    rest = [
        *(_listed(org, "company", "department", "title") for org in items(find(card, "org"))),
        *(_listed(email, "email") for email in items(find(card, "emails"))),
        *(_listed(url, "url") for url in items(find(card, "urls"))),
        *(_listed(at, *_ADDRESS_PARTS) for at in items(find(card, "addresses"))),
        readable(without(card, *_WRITTEN)) if isinstance(card, dict) else readable(card),
    ]
    found = joined(" · ", [joined(" ", [name, numbers]), *rest])
    if name:
        return found
    fields = _VCARD_NAMES if found else _VCARD_FIELDS
    return joined(" ", [_from_vcard(card, fields), found])


def _name(name: object) -> str:
    parts = joined(" ", (text(find(name, part), 200).strip() for part in _NAME_PARTS))
    return text(find(name, "formatted_name"), 200).strip() or parts or readable(name)


def _phone(phone: object) -> str:
    number, wa_id = text(find(phone, "phone"), 40).strip(), text(find(phone, "wa_id"), 40).strip()
    known = number or (f"+{wa_id}" if wa_id.isdigit() else wa_id)
    return known or readable(without(phone, "vcard", "type"))


def _listed(node: object, *keys: str) -> str:
    """These values of a node; the whole of it when it has none of them."""
    return joined(", ", (readable(find(node, key)) for key in keys)) or readable(node)


def _from_vcard(card: object, fields: tuple[str, ...]) -> str:
    """What the vCard of the card, or of one of its phones, says in these fields."""
    phones = items(find(card, "phones"))
    written = [text(find(node, "vcard")) for node in (card, *phones)]
    return joined(" · ", dict.fromkeys(value for vcard in written for value in _from_lines(vcard, fields)))


def _from_lines(vcard: str, fields: tuple[str, ...]) -> list[str]:
    lines = [_VCARD_LINE.fullmatch(line) for line in _FOLD.sub("", vcard).splitlines()]
    found = [(line[1].upper(), _unescaped(line[1].upper(), line[2], line[3])) for line in lines if line]
    names = {name for name, _ in found}
    wanted = [name for name in fields if name != "N" or "FN" not in names]
    return [value for name in wanted for at, value in found if at == name and value]


def _unescaped(name: str, parameters: str, value: str) -> str:
    """The parts between semicolons, without empty ones; RFC 6350 escapes by a backslash."""
    if "QUOTED-PRINTABLE" in parameters.upper():
        value = quopri.decodestring(value.encode()).decode("utf-8", "replace")
    parts = re.split(r"(?<!\\);", value)
    if name == "N":  # family, given, more, before, after
        parts = [*parts[3:4], *parts[1:3], *parts[:1], *parts[4:]]
    plain = (_ESCAPED.sub(lambda hit: ", " if hit[1] in "nN" else hit[1], part).strip() for part in parts)
    return joined(" ", plain).removeprefix("tel:")
