"""What Meta reports about a message it took: sent, delivered, read, or failed."""

import time
from collections.abc import Iterator
from typing import Any

from ava_local.whatsapp_simulator.chance import draw, shuffled
from ava_local.whatsapp_simulator.graph_errors import in_status
from ava_local.whatsapp_simulator.inbound import contact
from ava_local.whatsapp_simulator.items import Item
from ava_local.whatsapp_simulator.phones import Phone
from ava_local.whatsapp_simulator.plan import Plan
from ava_local.whatsapp_simulator.sends import Send

Json = dict[str, Any]
Timed = tuple[float, Item]


def successes(plan: Plan, send: Send, wamid: str, phone: Phone) -> Iterator[Timed]:
    """sent, delivered and (with receipts on) read, each with the seconds until it is told."""
    names = ["sent", "delivered"] + (["read"] if phone.reads else [])
    order = (
        shuffled(names, plan.seed, "statuses", send.addressee, send.text)
        if plan.statuses.out_of_order
        else names
    )
    for step, name in enumerate(order):
        yield plan.statuses.step * step, _success(name, send, wamid, phone)


def failure(send: Send, wamid: str, phone: Phone | None, code: int, details: str = "") -> Item:
    """The failed status: no contacts, but errors."""
    content = _status("failed", send, wamid, phone) | {"errors": [in_status(code, details)]}
    return Item(wamid, "statuses", content, key=_key("failed", send))


def comes_first(plan: Plan, send: Send) -> bool:
    """Whether the first status overtakes the answer to the send."""
    return draw(plan.seed, "before", send.addressee, send.text) < plan.statuses.before_response


def _success(name: str, send: Send, wamid: str, phone: Phone) -> Item:
    content = _status(name, send, wamid, phone)
    pricing = {
        "billable": False,
        "pricing_model": "PMP",
        "type": "free_customer_service",
        "category": "service",
    }
    if name == "sent":
        expires = str(int(phone.last_wrote) + 24 * 3600)
        content["conversation"] = {"id": wamid[-32:].lower(), "expiration_timestamp": expires}
        content["conversation"]["origin"] = {"type": "service"}
    card = contact(phone)
    if name == "sent":
        card["profile"].pop("username", None)
    return Item(wamid, "statuses", content | {"pricing": pricing}, card, _key(name, send))


def _status(name: str, send: Send, wamid: str, phone: Phone | None) -> Json:
    status: Json = {"id": wamid, "status": name, "timestamp": str(int(time.time()))}
    if phone is None:
        status["recipient_id"] = send.addressee.removeprefix("+")
    else:
        status["recipient_user_id"] = phone.user_id
        if not phone.hidden:
            status["recipient_id"] = phone.wa_id
    if send.outbox_id is not None:
        status["biz_opaque_callback_data"] = send.outbox_id
    return status


def _key(name: str, send: Send) -> str:
    return f"{name} {send.addressee} {send.text}"
