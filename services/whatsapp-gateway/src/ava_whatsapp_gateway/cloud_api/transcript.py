"""Write a message of any kind as text that a person can read in their log.

See docs/contracts/whatsapp-cloud-api.md#message-types.
"""

from collections.abc import Callable

from ava_whatsapp_gateway.cloud_api.lenient_json import Json, find, parse, sequence, text

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
    words = _WRITERS.get(kind, _unreadable)(message.get(kind))
    return (words.strip() or f"[{kind}]")[:65536]


def _unreadable(_: object) -> str:
    return UNREADABLE


def _body(node: object) -> str:
    return text(find(node, "body"))


def _media(label: str) -> Callable[[object], str]:
    def write(node: object) -> str:
        name = "voice message" if label == "audio" and find(node, "voice") else label
        file = text(find(node, "filename"))
        said = text(find(node, "caption"))
        return " ".join(filter(None, [f"[{name}: {file}]" if file else f"[{name}]", said]))

    return write


def _location(node: object) -> str:
    place = ", ".join(filter(None, [text(find(node, "name")), text(find(node, "address"))]))
    where = ", ".join(filter(None, [text(find(node, "latitude"), 20), text(find(node, "longitude"), 20)]))
    return f"[location {' · '.join(filter(None, [place, where]))}]".replace(" ]", "]")


def _contacts(node: object) -> str:
    cards = [_card(card) for card in sequence(node)]
    return f"[contacts {', '.join(filter(None, cards))}]".replace(" ]", "]")


def _card(card: object) -> str:
    phones = [text(find(phone, "phone"), 40) for phone in sequence(find(card, "phones"))]
    name = text(find(card, "name", "formatted_name"), 200)
    return " ".join(filter(None, [name, *phones]))


def _interactive(node: object) -> str:
    kind = text(find(node, "type"))
    tapped = find(node, kind)
    if kind == "nfm_reply":
        return f"[form] {_form(tapped)}".strip()
    said = [text(find(tapped, "title")), text(find(tapped, "description"))]
    return " – ".join(filter(None, said)) or f"[{kind or 'interactive'}]"


def _form(reply: object) -> str:
    """What was filled in; `response_json` is JSON in a string, usually an object but not always."""
    try:
        answers = parse(text(find(reply, "response_json")).encode())
    except Exception:
        return text(find(reply, "response_json"), 4096) or text(find(reply, "body"), 4096)
    return ", ".join(f"{text(key)}: {text(value)}" for key, value in answers.items() if key != "flow_token")


def _button(node: object) -> str:
    return text(find(node, "text")) or text(find(node, "payload"))


def _order(node: object) -> str:
    count = len(sequence(find(node, "product_items")))
    return " ".join(filter(None, [f"[order of {count} products]", text(find(node, "text"))]))


_WRITERS: dict[str, Callable[[object], str]] = {
    "text": _body,
    **{kind: _media(kind) for kind in ("image", "video", "document", "sticker", "audio")},
    "voice": _media("voice message"),
    "location": _location,
    "contacts": _contacts,
    "interactive": _interactive,
    "button": _button,
    "order": _order,
}
