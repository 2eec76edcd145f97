"""The model of a random walk over links, codes, moves and messages: who may read what.

A phone is a person with a number and an id. Who owns a phone at a moment is what the links say then.
"""

import asyncio
import itertools
import time
from collections import defaultdict
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import UUID

from ava_local.testing.databases import Database
from ava_whatsapp_gateway.contacts.pin_sweep import PinSweep

from . import meta_payloads as meta
from .conftest import Gateway
from .fake_peers import FakePeers

_walks = itertools.count(1)


@dataclass
class Phone:
    """Who writes: every number and id that it has had; the last one is today's."""

    numbers: list[str]
    bsuids: list[str]
    said: dict[str, set[UUID]] = field(default_factory=dict)
    """What it said, and who has owned it since then or shortly before."""
    names: dict[str, str] = field(default_factory=dict)
    """As whom it said that: words of one name keep their order."""
    past: set[str] = field(default_factory=set)
    """What it said long ago: a number that is only typed gives nobody these."""


class Walk:
    """Three phones, three accounts, three gateways; the model knows who may read what."""

    def __init__(
        self, gateways: list[Gateway], peers: FakePeers, database: Database, *, by_code: bool
    ) -> None:
        self.by_code = by_code
        self.gateways, self.peers, self.database = gateways, peers, database
        self.walk, self.counter = next(_walks), itertools.count()
        self.phones = [Phone([self.number()], [self.bsuid()]) for _ in range(3)]
        self.users: list[UUID] = []
        self.links: dict[UUID, tuple[Phone, str]] = {}
        """Whose link is to which phone, by its number or by its id."""
        self.clock = int(time.time()) - 100_000

    def number(self) -> str:
        return f"4915{self.walk:05}{next(self.counter):04}"

    def bsuid(self) -> str:
        return f"DE.{self.walk}x{next(self.counter)}"

    async def start(self) -> None:
        """Two of them are linked and known; the third is a stranger."""
        self.users = [await self.database.person() for _ in range(3)]
        for n in range(2):
            await self.link(n, n)
            await self.say(n, "both")

    def owned(self, phone: Phone) -> set[UUID]:
        return {user for user, (linked, _) in self.links.items() if linked is phone}

    def drop(self, phone: Phone, *names: str) -> None:
        """Another user's link of this phone, by these, is no more."""
        for user, link in [*self.links.items()]:
            if link in [(phone, name) for name in names]:
                del self.links[user]

    def note(self, phone: Phone) -> None:
        """Its owners of this moment may read what is still unread, in mode `off` only what is recent."""
        for words, readers in phone.said.items():
            if self.by_code or words not in phone.past:
                readers |= self.owned(phone)

    def message(self, phone: Phone, how: str) -> dict[str, Any]:
        self.clock += 1
        words = f"{self.walk}-{next(self.counter)}"
        phone.said[words] = set(self.owned(phone))
        phone.names[words] = phone.bsuids[-1] if how == "id" else phone.numbers[-1]
        message = meta.text(phone.numbers[-1], words, timestamp=str(self.clock))
        if how != "number":
            message["from_user_id"] = phone.bsuids[-1]
        if how == "id":
            del message["from"]
        return message

    async def say(self, phone: int, how: str) -> None:
        await self.gateways[0].keep(self.message(self.phones[phone], how))

    async def link(self, user: int, phone: int) -> None:
        """Types the phone's number; refused when it is another user's."""
        await self.settle()
        await self._link(self.users[user], self.phones[phone])

    async def _link(self, person: UUID, target: Phone) -> None:
        if self.owned(target) - {person}:
            return
        await self.database.admin(
            "insert into public.user_preferences (user_id, whatsapp_phone, whatsapp_linked_at)"
            " values ($1, $2, clock_timestamp()) on conflict (user_id) do update set"
            " whatsapp_phone = $2, whatsapp_linked_at = clock_timestamp()",
            person,
            f"+{target.numbers[-1]}",
        )
        self.links[person] = target, "number"
        self.note(target)

    async def unlink(self, user: int) -> None:
        await self.settle()
        await self._unlink(self.users[user])

    async def _unlink(self, person: UUID) -> None:
        await self.database.admin(
            "update public.user_preferences set whatsapp_phone = null, whatsapp_linked_at = null"
            " where user_id = $1",
            person,
        )
        self.links.pop(person, None)

    async def age(self, phone: int) -> None:
        """Whatever the phone has said is long ago now; what is unread no later owner may have."""
        await self.settle()
        target = self.phones[phone]
        target.past |= {*target.said}
        await self.database.admin(
            "update whatsapp.events set received_at = received_at - interval '2 hours'"
            " where words = any ($1) and released_at is null",
            [*target.said],
        )

    async def prove(self, user: int, phone: int, how: str) -> None:
        """The phone sends the user's code: a user who only typed its number, or had its id, loses it."""
        if not self.by_code:
            return
        await self.settle()
        person, target = self.users[user], self.phones[phone]
        secret = str(10_000_000 + next(self.counter))
        await self.database.admin(
            "insert into public.user_preferences (user_id, whatsapp_pending_phone, whatsapp_code_hash,"
            " whatsapp_code_expires_at) values ($1, $2, $3, now() + interval '10 minutes')"
            " on conflict (user_id) do update set whatsapp_pending_phone = $2, whatsapp_code_hash = $3,"
            " whatsapp_code_expires_at = now() + interval '10 minutes', whatsapp_code_attempts = 0",
            person,
            f"+{target.numbers[-1]}",
            sha256(f"{person}:{secret}".encode()).hexdigest(),
        )
        self.clock += 1
        code = meta.text(target.numbers[-1], secret, timestamp=str(self.clock))
        if how != "number":
            code["from_user_id"] = target.bsuids[-1]
        if how == "id":
            del code["from"]
            await self.database.admin("update whatsapp.contacts set code_attempts = 0")
        await self.gateways[2].keep(code)
        await self.gateways[2].drain()
        await self.proven(person, target, how)

    async def proven(self, person: UUID, target: Phone, how: str) -> None:
        [row] = await self.database.admin(
            "select whatsapp_pending_phone is null as linked from public.user_preferences where user_id = $1",
            person,
        )
        assert row["linked"], "a code was not understood"
        self.drop(target, *{"number": ["number"], "id": ["id"], "both": ["number", "id"]}[how])
        self.links[person] = target, "id" if how == "id" else "number"
        self.note(target)

    async def move(self, phone: int, keeps_number: bool, order: str) -> None:
        """Meta gives the phone a new id, mostly with a new number, and tells us in its own order."""
        await self.settle()
        target = self.phones[phone]
        system = {"type": "user_changed_user_id", "previous_user_id": target.bsuids[-1]}
        old = target.numbers[-1]
        target.bsuids.append(self.bsuid())
        system["user_id"] = target.bsuids[-1]
        if not keeps_number:
            target.numbers.append(self.number())
            system |= {"type": "user_changed_number", "wa_id": target.numbers[-1]}
        notice = meta.text(old, type="system", system=system)
        items = [notice, self.message(target, "both")]
        if order == "message first":
            items.reverse()
        if order == "together":
            await self.gateways[0].keep(*reversed(items))
        else:
            for item in items:
                await self.gateways[0].keep(item)
                await self.settle()
        await self.settle()
        await self.follow(target)

    async def follow(self, target: Phone) -> None:
        """A link is to the number that was typed; it goes along only where we knew the phone by its id."""
        rows = await self.database.admin(
            "select user_id from whatsapp.contacts where bsuid = $1", target.bsuids[-1]
        )
        for user in self.owned(target) - {row["user_id"] for row in rows}:
            await self._unlink(user)

    async def delete(self, user: int) -> None:
        await self.settle()
        gone = self.users[user]
        await self.database.admin("delete from auth.users where id = $1", gone)
        self.links.pop(gone, None)
        self.users[user] = await self.database.person()

    async def work(self, which: int) -> None:
        await self.gateways[which].round()

    async def kill(self, which: int, milliseconds: int) -> None:
        task = asyncio.create_task(self.gateways[which].round())
        await asyncio.sleep(milliseconds / 1000)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def stop(self, which: int, user: int, place: tuple[str, str]) -> None:
        """A gateway stands still at this step while a phone goes from its owner to this user."""
        going_on, reached = asyncio.Event(), asyncio.Event()

        async def stand_still() -> None:
            reached.set()
            await going_on.wait()

        when, step = place
        faults = getattr(self.peers, when)[step]
        faults.append(stand_still)
        working = asyncio.create_task(self.gateways[which].round())
        waiting = asyncio.create_task(reached.wait())
        await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if stand_still in faults:
            faults.remove(stand_still)
        phone = self.phones[user]
        for owner in self.owned(phone) - {self.users[user - 1]}:
            await self._unlink(owner)
        await self._link(self.users[user - 1], phone)
        await self.settle()
        going_on.set()
        await working

    async def settle(self) -> None:
        await self.gateways[2].drain()

    async def check(self) -> None:
        await self.settle()
        written = [turn for turn in self.peers.log if turn["content"].startswith(f"{self.walk}-")]
        heard: dict[tuple[UUID, str], list[int]] = defaultdict(list)
        for turn in written:
            [index] = [i for i, phone in enumerate(self.phones) if turn["content"] in phone.said]
            phone = self.phones[index]
            assert turn["user"] in phone.said[turn["content"]], f"in a foreign log: {turn}"
            if turn["role"] == "user":
                heard[turn["user"], phone.names[turn["content"]]].append(int(turn["content"].split("-")[1]))
        for words in heard.values():
            assert words == sorted(set(words)), "twice, or not in order"
        await self.check_contacts()

    async def check_contacts(self) -> None:
        rows = await self.database.admin(
            "select c.id, c.user_id, c.wa_digits, c.bsuid,"
            " exists (select from whatsapp.events as e"
            " where e.contact_id = c.id and e.state = 'held') as holds"
            " from whatsapp.contacts as c where c.wa_digits like $1 or c.bsuid like $2",
            f"4915{self.walk:05}%",
            f"DE.{self.walk}x%",
        )
        for row in rows:
            [phone] = [p for p in self.phones if row["wa_digits"] in p.numbers or row["bsuid"] in p.bsuids]
            if row["user_id"]:
                assert row["user_id"] in self.owned(phone), "a pin of a former owner"
                assert not row["holds"], "held although the owner is known"
        left = await self.database.admin("select from whatsapp.deliveries where state <> 'split'")
        assert left == [], "quarantined"
        dead = await self.database.admin("select reason from whatsapp.events where state = 'dead'")
        assert dead == []
        assert await PinSweep(self.gateways[2].pool).check_next() == 0
