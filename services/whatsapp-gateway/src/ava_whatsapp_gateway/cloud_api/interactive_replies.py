"""Write replies to interactive messages as text: taps, forms, addresses, call permissions, payments.

Decision 0099. See docs/contracts/whatsapp-cloud-api.md#interactive-replies.
"""

from collections.abc import Callable

from ava_whatsapp_gateway.cloud_api.lenient_json import embedded, find, text, timestamp
from ava_whatsapp_gateway.cloud_api.readable_json import items, joined, readable, tagged, without

_VERDICTS = {"accept": "given", "reject": "refused"}


def interactive_reply(node: object) -> str:
    """The reply in words; of a kind that we do not know, its content. Empty when it holds nothing."""
    kind = text(find(node, "type"), 40)
    if find(node, kind) is None:  # Meta's page on addresses has the reply under another name than its type
        kind = next((known for known in _WRITERS if find(node, known) is not None), kind)
    reply = find(node, kind)
    written = _WRITERS[kind](reply).strip() if kind in _WRITERS else ""
    if kind == "nfm_reply":  # without answers and body there is nothing in it for a reader
        return written
    return written or tagged(kind or "reply", without(node, "type") if reply is None else reply)


def product_line(item: object) -> str:
    """One product: how many, which, for how much."""
    name = text(find(item, "name")).strip() or text(find(item, "product_retailer_id")).strip()
    count, price = text(find(item, "quantity"), 20), text(find(item, "item_price"), 40)
    price = joined(" ", [price, text(find(item, "currency"), 10)]) if price else ""
    named = joined(" × ", [count, name]) if name else ""
    return joined(" at ", [named, price]) if named else readable(item)


def _tap(reply: object) -> str:
    """What was written on the button or the row; without that, the id that we gave it."""
    said = joined(" – ", (readable(find(reply, key)) for key in ("title", "description")))
    return said or readable(find(reply, "id"))


def _form(reply: object) -> str:
    """What was filled in; of an address, the text that Meta made of it."""
    body = joined(", ", (line.strip() for line in text(find(reply, "body"), 4096).splitlines()))
    answers = readable(without(_answers(find(reply, "response_json")), "flow_token"))
    is_address = find(reply, "name") == "address_message"
    words = (body or answers) if is_address else (answers or body)
    return f"[{'address' if is_address else 'form'}] {words}" if words else ""


def _answers(response: object) -> object:
    """Mostly JSON in a string, now and then in a string in a string, or the object itself."""
    found = embedded(response)
    again = embedded(found)
    return again if isinstance(again, dict | list) else found


def _call_permission(reply: object) -> str:
    response = text(find(reply, "response"), 40)
    until = timestamp(find(reply, "expiration_timestamp"))
    for_good = "for good" if find(reply, "is_permanent") is True else ""
    by_itself = "automatically" if find(reply, "response_source") == "automatic" else ""
    limit = f"until {until:%Y-%m-%d %H:%M} UTC" if until and not for_good else ""
    words = joined(", ", [_VERDICTS.get(response, response), for_good, limit, by_itself])
    return f"[permission to call] {words}" if response else ""


def _payment_method(reply: object) -> str:
    method, digits = text(find(reply, "payment_method"), 80), text(find(reply, "last_four_digits"), 4)
    reference = text(find(reply, "reference_id"), 200)
    card = f"card ending in {digits}" if digits else ""
    words = joined(", ", [method, card, f"for {reference}" if reference else ""])
    return f"[payment] {words}" if words else ""


def _product(reply: object) -> str:
    words = product_line(reply)
    return f"[product] {words}" if words else ""


def _product_list(reply: object) -> str:
    listed = items(find(reply, "product_items")) or items(find(reply, "products"))
    words = joined(", ", map(product_line, listed))
    return f"[products] {words}" if words else ""


_WRITERS: dict[str, Callable[[object], str]] = {
    "button_reply": _tap,
    "list_reply": _tap,
    "nfm_reply": _form,
    "call_permission_reply": _call_permission,
    "payment_method": _payment_method,
    "product": _product,
    "product_list": _product_list,
}
