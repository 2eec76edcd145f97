"""The simulator: ties phones, webhooks, rate limits, faults and the oracle together.

Decision 0030.
"""

import secrets
import time
from typing import Any

from ava_whatsapp_simulator.behaviour_plan import BehaviourPlan
from ava_whatsapp_simulator.graph_api.fault_injection import FaultInjector
from ava_whatsapp_simulator.graph_api.rate_limits import RateLimits
from ava_whatsapp_simulator.graph_api.send_request import SendRequest
from ava_whatsapp_simulator.oracle import Oracle
from ava_whatsapp_simulator.phones import inbound_items
from ava_whatsapp_simulator.phones.message_content import PhoneMessage, display_text
from ava_whatsapp_simulator.phones.phones import TYPING_SECONDS, ChatMessage, Phone, Phones
from ava_whatsapp_simulator.settings import Settings
from ava_whatsapp_simulator.webhooks import statuses
from ava_whatsapp_simulator.webhooks.batching import WebhookBatcher
from ava_whatsapp_simulator.webhooks.payload import BusinessAccount
from ava_whatsapp_simulator.webhooks.sender import WebhookSender, WebhookTarget
from ava_whatsapp_simulator.webhooks.webhook_item import WebhookItem
from ava_whatsapp_simulator.whatsapp_ids import MessageIds, digits_of, is_user_id, user_id

Json = dict[str, Any]


class Simulator:
    """Everything between the phones and Ava's webhook endpoint, in both directions."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.display_digits = digits_of(settings.display_number)
        account = BusinessAccount(settings.waba_id, settings.phone_number_id, self.display_digits)
        target = WebhookTarget(settings.webhook_url, settings.app_secret.get_secret_value())
        seed = secrets.randbelow(2**31) if settings.seed is None else settings.seed
        self.plan = BehaviourPlan(seed=seed)
        self.phones = Phones(settings.waba_id)
        self.oracle = Oracle()
        self.message_ids = MessageIds()
        self.faults = FaultInjector(lambda: self.plan)
        self.limits = RateLimits(lambda: self.plan)
        self.sender = WebhookSender(target, account, lambda: self.plan)
        self.batcher = WebhookBatcher(lambda: self.plan, self.sender.send)

    async def close(self) -> None:
        """Stop posting webhooks; pending ones are dropped."""
        self.batcher.close()
        await self.sender.close()

    def send_from_phone(self, number: str, sent: PhoneMessage) -> tuple[WebhookItem, ChatMessage]:
        """A phone sends a message: shown in its chat at once, and sent as a webhook."""
        phone = self.phones.get_or_create(number)
        timestamp = int(time.time()) if sent.timestamp is None else sent.timestamp
        wamid = self.message_ids.new_id(phone.wa_id, outgoing=False)
        entry = ChatMessage("out", wamid, sent.type, display_text(sent), time.time(), reply_to=sent.reply_to)
        item = inbound_items.message(phone, sent, wamid, timestamp, self.display_digits)
        item.key = f"{phone.number} {len(phone.entries) - len(phone.received)}"
        item.on_acknowledged = lambda: self._set_tick(phone, entry, "delivered")
        phone.add(entry)
        phone.last_wrote = max(phone.last_wrote, timestamp)
        self.oracle.record_inbound(phone, entry, timestamp)
        self.batcher.add(item)
        return item, entry

    def change_number(self, phone: Phone, number: str) -> str:
        """Give a phone another number; returns the id of the system message about it."""
        old = inbound_items.current_ids(phone)
        self.phones.change_number(phone, number)
        wamid = self.message_ids.new_id(old["wa_id"], outgoing=False)
        self.batcher.add(inbound_items.number_changed(old, phone, wamid, int(time.time())))
        return wamid

    def change_user_id(self, phone: Phone, new: str | None) -> str:
        """Give a phone a new business-scoped user id; returns the id of the system message about it."""
        old = inbound_items.current_ids(phone)
        phone.user_id = new or user_id(secrets.token_hex(8), phone.wa_id)
        wamid = self.message_ids.new_id(phone.wa_id, outgoing=False)
        self.batcher.add(inbound_items.user_id_changed(old, phone, wamid, int(time.time())))
        return wamid

    def business_app_message(self, number: str, text: str) -> str:
        """Send to a phone from the WhatsApp Business app; returns the message's id."""
        phone = self.phones.get_or_create(number)
        wamid = self.message_ids.new_id(phone.wa_id, outgoing=True)
        phone.add(ChatMessage("in", wamid, "text", text, time.time()))
        self.batcher.add(inbound_items.echo(phone, text, wamid, int(time.time()), self.display_digits))
        return wamid

    def recipient_phone(self, send: SendRequest) -> Phone | None:
        """The phone a send is for, or None."""
        if send.to is not None:
            return self.phones.find(send.to)
        return self.phones.by_user_id(send.recipient or "") if is_user_id(send.recipient or "") else None

    def accept(
        self, send: SendRequest, with_status: bool, error_code: int | None = None
    ) -> tuple[str, list[statuses.TimedItem]]:
        """Accept a message: it reaches the phone, or fails. Returns its id and the statuses to send."""
        phone = self.recipient_phone(send)
        wamid = self.message_ids.new_id(phone.wa_id if phone else digits_of(send.addressee), outgoing=True)
        reason = error_code or self._delivery_error(phone)
        if reason is None and phone is not None:
            self._deliver(phone, send, wamid)
            timed_statuses = list(statuses.success_statuses(self.plan, send, wamid, phone))
        else:
            timed_statuses = [(0.0, statuses.failed_status(send, wamid, phone, reason or 131026))]
        return wamid, timed_statuses if with_status and self.plan.statuses.enabled else []

    def mark_read(self, wamid: str, typing: bool) -> bool:
        """Show a message as read, and the typing indicator; False if no phone sent this message."""
        found = self.oracle.find_inbound(wamid)
        if found is None:
            return False
        phone, entry = found
        self.oracle.reads.append(wamid)
        phone.typing_until = time.time() + TYPING_SECONDS if typing else phone.typing_until
        self._set_tick(phone, entry, "read")
        return True

    def _delivery_error(self, phone: Phone | None) -> int | None:
        if phone is None or not phone.reachable:
            return 131026
        return None if self.limits.is_window_open(phone) else 131047

    def _deliver(self, phone: Phone, send: SendRequest, wamid: str) -> None:
        answers = self.oracle.answered_message_id(phone, send.text, send.reply_to)
        at = time.time()
        entry = ChatMessage(
            "in", wamid, send.type, send.text, at, "delivered", 0, send.outbox_id, send.reply_to, answers
        )
        phone.add(entry)

    def _set_tick(self, phone: Phone, entry: ChatMessage, state: str) -> None:
        if state == "read" or entry.state == "sent":
            entry.state = "read" if state == "read" else "delivered"
            phone.notify()
