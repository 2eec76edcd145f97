"""The statuses Meta sends about an accepted message: sent, delivered, read or failed.

See docs/contracts/whatsapp-cloud-api.md#statuses.
"""

import time
from collections.abc import Iterator
from typing import Any

from ava_whatsapp_simulator.behaviour_plan import BehaviourPlan
from ava_whatsapp_simulator.graph_api.errors import status_error
from ava_whatsapp_simulator.graph_api.send_request import SendRequest
from ava_whatsapp_simulator.phones.inbound_items import contact
from ava_whatsapp_simulator.phones.phones import Phone
from ava_whatsapp_simulator.seeded_random import seeded_fraction, seeded_shuffle
from ava_whatsapp_simulator.webhooks.webhook_item import WebhookItem

Json = dict[str, Any]
TimedItem = tuple[float, WebhookItem]


def success_statuses(plan: BehaviourPlan, send: SendRequest, wamid: str, phone: Phone) -> Iterator[TimedItem]:
    """sent, delivered and (with read receipts on) read, each with the seconds until it is sent."""
    names = ["sent", "delivered"] + (["read"] if phone.reads else [])
    order = (
        seeded_shuffle(names, plan.seed, "statuses", send.addressee, send.text)
        if plan.statuses.out_of_order
        else names
    )
    for step, name in enumerate(order):
        yield plan.statuses.step * step, _success(name, send, wamid, phone)


def failed_status(
    send: SendRequest, wamid: str, phone: Phone | None, code: int, details: str = ""
) -> WebhookItem:
    """The failed status: with errors, without contacts."""
    content = _status("failed", send, wamid, phone) | {"errors": [status_error(code, details)]}
    return WebhookItem(wamid, "statuses", content, key=_key("failed", send))


def arrives_before_response(plan: BehaviourPlan, send: SendRequest) -> bool:
    """Whether the first status arrives before the response to the send."""
    return seeded_fraction(plan.seed, "before", send.addressee, send.text) < plan.statuses.before_response


def _success(name: str, send: SendRequest, wamid: str, phone: Phone) -> WebhookItem:
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
    return WebhookItem(wamid, "statuses", content | {"pricing": pricing}, card, _key(name, send))


def _status(name: str, send: SendRequest, wamid: str, phone: Phone | None) -> Json:
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


def _key(name: str, send: SendRequest) -> str:
    return f"{name} {send.addressee} {send.text}"
