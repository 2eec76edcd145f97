"""The platform itself: people speak, webhooks leave, sends come in, phones receive, statuses follow."""

import secrets
import time
from typing import Any

from ava_local.whatsapp_simulator import inbound, statuses
from ava_local.whatsapp_simulator.contents import Utterance, words
from ava_local.whatsapp_simulator.courier import Address, Courier
from ava_local.whatsapp_simulator.envelopes import Account
from ava_local.whatsapp_simulator.faults import Faults
from ava_local.whatsapp_simulator.identifiers import Wamids, digits_of, is_user_id, user_id
from ava_local.whatsapp_simulator.items import Item
from ava_local.whatsapp_simulator.ledger import Ledger
from ava_local.whatsapp_simulator.limits import Limits
from ava_local.whatsapp_simulator.phones import TYPING_SECONDS, Directory, Entry, Phone
from ava_local.whatsapp_simulator.plan import Plan
from ava_local.whatsapp_simulator.postbox import Postbox
from ava_local.whatsapp_simulator.sends import Send
from ava_local.whatsapp_simulator.settings import Settings

Json = dict[str, Any]


class Simulator:
    """Everything between a person's thumb and Ava's webhook, and back."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.display = digits_of(settings.display_number)
        account = Account(settings.waba_id, settings.phone_number_id, self.display)
        address = Address(settings.webhook_url, settings.app_secret.get_secret_value())
        seed = secrets.randbelow(2**31) if settings.seed is None else settings.seed
        self.plan = Plan(seed=seed)
        self.phones = Directory(settings.waba_id)
        self.ledger = Ledger()
        self.wamids = Wamids()
        self.faults = Faults(lambda: self.plan)
        self.limits = Limits(lambda: self.plan)
        self.courier = Courier(address, account, lambda: self.plan)
        self.postbox = Postbox(lambda: self.plan, self.courier.send)

    async def close(self) -> None:
        """Stop posting webhooks; what is still pending is lost."""
        self.postbox.close()
        await self.courier.close()

    def speak(self, number: str, said: Utterance) -> tuple[Item, Entry]:
        """A person sends something; it shows on the phone at once and is told to the webhook."""
        phone = self.phones.phone(number)
        timestamp = int(time.time()) if said.timestamp is None else said.timestamp
        wamid = self.wamids.mint(phone.wa_id, outgoing=False)
        entry = Entry("out", wamid, said.type, words(said), time.time(), reply_to=said.reply_to)
        item = inbound.message(phone, said, wamid, timestamp, self.display)
        item.key = f"{phone.number} {len(phone.entries) - len(phone.received)}"
        item.when_told = lambda: self._tick(phone, entry, "delivered")
        phone.add(entry)
        phone.last_wrote = max(phone.last_wrote, timestamp)
        self.ledger.spoke(phone, entry, timestamp)
        self.postbox.put(item)
        return item, entry

    def change_number(self, phone: Phone, number: str) -> str:
        """A person keeps the phone and gets another number; returns the system message's id."""
        old = inbound.identity(phone)
        self.phones.move(phone, number)
        wamid = self.wamids.mint(old["wa_id"], outgoing=False)
        self.postbox.put(inbound.number_changed(old, phone, wamid, int(time.time())))
        return wamid

    def change_user_id(self, phone: Phone, new: str | None) -> str:
        """A person's business-scoped id is renewed; returns the system message's id."""
        old = inbound.identity(phone)
        phone.user_id = new or user_id(secrets.token_hex(8), phone.wa_id)
        wamid = self.wamids.mint(phone.wa_id, outgoing=False)
        self.postbox.put(inbound.user_id_changed(old, phone, wamid, int(time.time())))
        return wamid

    def echo(self, number: str, text: str) -> str:
        """Our own number writes to a person from the business app; returns the message's id."""
        phone = self.phones.phone(number)
        wamid = self.wamids.mint(phone.wa_id, outgoing=True)
        phone.add(Entry("in", wamid, "text", text, time.time()))
        self.postbox.put(inbound.echo(phone, text, wamid, int(time.time()), self.display))
        return wamid

    def addressee(self, send: Send) -> Phone | None:
        """The phone a send is for, if there is one."""
        if send.to is not None:
            return self.phones.known(send.to)
        return self.phones.scoped(send.recipient or "") if is_user_id(send.recipient or "") else None

    def accept(
        self, send: Send, with_status: bool, failing: int | None = None
    ) -> tuple[str, list[statuses.Timed]]:
        """Take a message: it reaches the phone, or fails. Returns its id and the statuses yet to be told."""
        phone = self.addressee(send)
        wamid = self.wamids.mint(phone.wa_id if phone else digits_of(send.addressee), outgoing=True)
        reason = failing or self._obstacle(phone)
        if reason is None and phone is not None:
            self._arrive(phone, send, wamid)
            told = list(statuses.successes(self.plan, send, wamid, phone))
        else:
            told = [(0.0, statuses.failure(send, wamid, phone, reason or 131026))]
        return wamid, told if with_status and self.plan.statuses.enabled else []

    def mark_read(self, wamid: str, typing: bool) -> bool:
        """Blue ticks, and dots while typing; False when no person ever sent this message."""
        found = self.ledger.bubble(wamid)
        if found is None:
            return False
        phone, entry = found
        self.ledger.reads.append(wamid)
        phone.typing_until = time.time() + TYPING_SECONDS if typing else phone.typing_until
        self._tick(phone, entry, "read")
        return True

    def _obstacle(self, phone: Phone | None) -> int | None:
        if phone is None or not phone.reachable:
            return 131026
        return None if self.limits.is_open(phone) else 131047

    def _arrive(self, phone: Phone, send: Send, wamid: str) -> None:
        answers = self.ledger.answered(phone, send.text, send.reply_to)
        at = time.time()
        entry = Entry(
            "in", wamid, send.type, send.text, at, "delivered", 0, send.outbox_id, send.reply_to, answers
        )
        phone.add(entry)

    def _tick(self, phone: Phone, entry: Entry, state: str) -> None:
        if state == "read" or entry.state == "sent":
            entry.state = "read" if state == "read" else "delivered"
            phone.touch()
