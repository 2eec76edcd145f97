"""Write a message of any kind as text that a person can read in their log.

Decisions 0099 and 0141. See docs/contracts/whatsapp-cloud-api.md#message-types.
"""

from collections.abc import Callable

from ava_whatsapp_gateway.cloud_api.contact_cards import contact_cards
from ava_whatsapp_gateway.cloud_api.graphemes import VISIBLE, shorten
from ava_whatsapp_gateway.cloud_api.interactive_replies import interactive_reply, product_line
from ava_whatsapp_gateway.cloud_api.lenient_json import Json, find, text
from ava_whatsapp_gateway.cloud_api.message_origin import came_from
from ava_whatsapp_gateway.cloud_api.readable_json import items, joined, readable, tagged

TURN_KINDS = frozenset(
    {
        "text", "image", "video", "document", "sticker", "audio", "voice", "location", "contacts",
        "interactive", "button", "order",
    }
)  # fmt: skip
"""Kinds that are a turn of the conversation."""

NON_TURN_KINDS = frozenset({"reaction", "edit", "revoke", "system", "request_welcome"})
"""Kinds that speak about another message or about the chat."""

UNREADABLE = "[a message WhatsApp could not show]"
EMPTY = "[an empty message]"
_LONGEST = 65536


def as_text(kind: str, message: Json) -> str:
    """The message as text of at most 65,536 characters; empty when it holds nothing that can be read.

    Of an edit it is the new text, and nothing of a deletion.
    """
    node = message.get(kind)
    words = _WRITERS[kind](node).strip() if kind in _WRITERS else _unreadable(message)
    if not VISIBLE.search(words):
        words = tagged(kind, node) if kind not in _WHOLE else ""
    if words and ("referral" in message or "context" in message):
        words = joined("\n", [words, came_from(message)])
    return words if len(words) <= _LONGEST else shorten(words, _LONGEST)


def kind_of(message: Json) -> str:
    """Its type; where that is missing, the only node that it has of a known one. Else "unsupported"."""
    kind = text(message.get("type"), 40)
    if kind in TURN_KINDS and kind not in message and message.get("errors"):
        return "unsupported"
    if kind in TURN_KINDS or kind in NON_TURN_KINDS:
        return kind
    named = [name for name in message if name in TURN_KINDS or name in NON_TURN_KINDS]
    return named[0] if len(named) == 1 and not kind else "unsupported"


def _unreadable(message: Json) -> str:
    """What WhatsApp says that it was, and what it holds of it."""
    kind = text(message.get("type"), 40)
    what = text(find(message, "unsupported", "type"), 40) or kind
    named = f"{UNREADABLE[:-1]}: {what}]" if what not in _SAYS_NOTHING else UNREADABLE
    held = readable(message.get(kind)) if kind not in _SAYS_NOTHING else ""
    return joined(" ", [named, held])


def _body(node: object) -> str:
    return text(find(node, "body"))


def _edited(node: object) -> str:
    new = find(node, "message")
    return as_text(kind_of(new), new) or EMPTY if isinstance(new, dict) else text(new)


def _media(label: str) -> Callable[[object], str]:
    def write(node: object) -> str:
        name = "voice message" if label == "audio" and find(node, "voice") else label
        file = text(find(node, "filename")).strip()
        return joined(" ", [f"[{name}: {file}]" if file else f"[{name}]", text(find(node, "caption"))])

    return write


def _location(node: object) -> str:
    place = joined(", ", [text(find(node, "name")), text(find(node, "address"))])
    where = joined(", ", [text(find(node, "latitude"), 20), text(find(node, "longitude"), 20)])
    found = joined(" · ", [place, where, text(find(node, "url")).strip()])
    return f"[location {found}]" if found else ""


def _button(node: object) -> str:
    return text(find(node, "text")).strip() or text(find(node, "payload"))


def _order(node: object) -> str:
    products = items(find(node, "product_items"))
    named = joined(", ", map(product_line, products))
    count = f" of {len(products)} product{'s' if len(products) > 1 else ''}" if products else ""
    said = text(find(node, "text"))
    order = joined(": ", [f"order{count}", named])
    return joined(" ", [f"[{order}]", said]) if products or said else ""


_SAYS_NOTHING = frozenset({"", "unsupported", "unknown"} | TURN_KINDS | NON_TURN_KINDS)
_WHOLE = frozenset({"interactive", "edit", "revoke"})
"""Kinds whose writers look for all that they hold."""
_WRITERS: dict[str, Callable[[object], str]] = {
    "text": _body,
    **{kind: _media(kind) for kind in ("image", "video", "document", "sticker", "audio")},
    "voice": _media("voice message"),
    "location": _location,
    "contacts": contact_cards,
    "interactive": interactive_reply,
    "button": _button,
    "order": _order,
    "edit": _edited,
    "revoke": lambda _: "",
}
