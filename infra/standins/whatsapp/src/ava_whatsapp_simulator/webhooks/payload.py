"""Builds the webhook's JSON body exactly as Meta does, encodes it and signs it.

See docs/contracts/whatsapp-cloud-api.md#signature and
docs/contracts/whatsapp-cloud-api.md#envelope.
"""

import hmac
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ava_whatsapp_simulator.seeded_random import seeded_fraction
from ava_whatsapp_simulator.webhooks.webhook_item import WebhookItem

Json = dict[str, Any]
_FIELDS = {"messages": "messages", "statuses": "messages", "message_echoes": "smb_message_echoes"}
USER_AGENT = "facebookexternalua"


@dataclass(frozen=True)
class BusinessAccount:
    """The business account webhooks are about; `display_digits` is its phone number in digits."""

    waba_id: str
    phone_number_id: str
    display_digits: str


def webhook_payload(
    account: BusinessAccount, items: Sequence[WebhookItem], seed: int = 0, delivery: int = 0
) -> Json:
    """Entries of changes of items, in the order given; the seed decides how they are grouped."""
    entries: list[Json] = []
    for number, change in enumerate(_changes(account, items, seed, delivery)):
        if not entries or seeded_fraction(seed, "entry", delivery, number) < 0.2:
            entries.append({"id": account.waba_id, "changes": []})
        entries[-1]["changes"].append(change)
    return {"object": "whatsapp_business_account", "entry": entries}


def encode(body: Json) -> bytes:
    """JSON as Meta writes it: compact, everything beyond ASCII as \\uXXXX, slashes escaped."""
    return json.dumps(body, ensure_ascii=True, separators=(",", ":")).replace("/", "\\/").encode()


def sign(secret: str, body: bytes) -> str:
    """The value of `X-Hub-Signature-256` for exactly these bytes."""
    return "sha256=" + hmac.new(secret.encode(), body, "sha256").hexdigest()


def _changes(
    account: BusinessAccount, items: Sequence[WebhookItem], seed: int, delivery: int
) -> Iterator[Json]:
    run: list[WebhookItem] = []
    for position, item in enumerate(items):
        if run and (
            not _share_a_change(run[-1], item) or seeded_fraction(seed, "change", delivery, position) < 0.3
        ):
            yield _change(account, run)
            run = []
        run.append(item)
    if run:
        yield _change(account, run)


def _share_a_change(one: WebhookItem, other: WebhookItem) -> bool:
    return one.kind == other.kind and one.kind in _FIELDS


def _change(account: BusinessAccount, items: Sequence[WebhookItem]) -> Json:
    kind = items[0].kind
    if kind not in _FIELDS:
        return {"field": kind, "value": items[0].content}
    metadata = {"display_phone_number": account.display_digits, "phone_number_id": account.phone_number_id}
    value: Json = {"messaging_product": "whatsapp", "metadata": metadata}
    contacts = {json.dumps(item.contact): item.contact for item in items if item.contact is not None}
    if contacts:
        value["contacts"] = list(contacts.values())
    return {"field": _FIELDS[kind], "value": value | {kind: [item.content for item in items]}}
