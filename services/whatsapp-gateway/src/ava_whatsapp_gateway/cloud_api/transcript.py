"""Write a message of any kind as text that a person can read in their log.

See docs/contracts/whatsapp-cloud-api.md#message-types.
"""

from collections.abc import Callable

from ava_whatsapp_gateway.cloud_api.lenient_json import Json, mapping, parse, sequence, text

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


def as_text(kind: str, message: Json) -> str:
    """The message as text, 1 to 65,536 characters; never empty, whatever is missing."""
    node = message.get(kind)
    words = _WRITERS.get(kind, _unreadable)(mapping(node) or {"list": node})
    return (words.strip() or f"[{kind}]")[:65536]


def _unreadable(_: Json) -> str:
    return UNREADABLE


def _body(node: Json) -> str:
    return text(node.get("body"))


def _media(label: str) -> Callable[[Json], str]:
    def write(node: Json) -> str:
        name = "voice message" if label == "audio" and node.get("voice") else label
        file = text(node.get("filename"))
        said = text(node.get("caption"))
        return " ".join(filter(None, [f"[{name}: {file}]" if file else f"[{name}]", said]))

    return write


def _location(node: Json) -> str:
    place = ", ".join(filter(None, [text(node.get("name")), text(node.get("address"))]))
    where = ", ".join(filter(None, [text(node.get("latitude"), 20), text(node.get("longitude"), 20)]))
    return f"[location {' · '.join(filter(None, [place, where]))}]".replace(" ]", "]")


def _contacts(node: Json) -> str:
    cards = [_card(mapping(card)) for card in sequence(node.get("list"))]
    return f"[contacts {', '.join(filter(None, cards))}]".replace(" ]", "]")


def _card(card: Json) -> str:
    phones = [text(mapping(phone).get("phone"), 40) for phone in sequence(card.get("phones"))]
    name = text(mapping(card.get("name")).get("formatted_name"), 200)
    return " ".join(filter(None, [name, *phones]))


def _interactive(node: Json) -> str:
    kind = text(node.get("type"))
    tapped = mapping(node.get(kind))
    if kind == "nfm_reply":
        return f"[form] {_form(tapped)}".strip()
    said = [text(tapped.get("title")), text(tapped.get("description"))]
    return " – ".join(filter(None, said)) or f"[{kind or 'interactive'}]"


def _form(reply: Json) -> str:
    """What was filled in; `response_json` is JSON in a string, usually an object but not always."""
    try:
        answers = parse(text(reply.get("response_json")).encode())
    except Exception:
        return text(reply.get("response_json"), 4096) or text(reply.get("body"), 4096)
    return ", ".join(f"{text(key)}: {text(value)}" for key, value in answers.items() if key != "flow_token")


def _button(node: Json) -> str:
    return text(node.get("text")) or text(node.get("payload"))


def _order(node: Json) -> str:
    count = len(sequence(node.get("product_items")))
    return " ".join(filter(None, [f"[order of {count} products]", text(node.get("text"))]))


_WRITERS: dict[str, Callable[[Json], str]] = {
    "text": _body,
    **{kind: _media(kind) for kind in ("image", "video", "document", "sticker", "audio")},
    "voice": _media("voice message"),
    "location": _location,
    "contacts": _contacts,
    "interactive": _interactive,
    "button": _button,
    "order": _order,
}
