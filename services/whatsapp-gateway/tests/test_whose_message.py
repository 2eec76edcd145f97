"""Random walks over links, codes, moves and messages: nobody reads what another person said.

A phone is a person with a number and an id. Who owns a phone at a moment is what the links say then.
"""

import asyncio
import itertools
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest_asyncio
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ava_local.testing.databases import Database
from ava_whatsapp_gateway.contacts.pin_sweep import PinSweep

from . import meta_payloads as meta
from .conftest import Gateway
from .fake_peers import FakePeers

_walks = itertools.count(1)
_PHONES, _USERS = st.integers(0, 2), st.integers(0, 2)
_SAY = st.tuples(st.just("say"), _PHONES, st.sampled_from(["number", "both", "id"]))
_STEPS = st.one_of(
    _SAY,
    _SAY,
    _SAY,
    st.tuples(st.just("link"), _USERS, _PHONES),
    st.tuples(st.just("unlink"), _USERS),
    st.tuples(st.just("prove"), _USERS, _PHONES),
    st.tuples(
        st.just("move"),
        _PHONES,
        st.booleans(),
        st.sampled_from(["notice first", "message first", "together"]),
    ),
    st.tuples(st.just("delete"), _USERS),
    st.tuples(st.just("work"), st.integers(0, 1)),
    st.tuples(st.just("kill"), st.integers(0, 1), st.integers(0, 60)),
)


@dataclass
class Phone:
    """Who writes: every number and id that it has had; the last one is today's."""

    numbers: list[str]
    bsuids: list[str]
    said: dict[str, set[UUID]] = field(default_factory=dict)
    """What it said, and who has owned it since then or shortly before."""


class Walk:
    """Three phones, three accounts, two gateways; the model knows who may read what."""

    def __init__(self, gateways: list[Gateway], peers: FakePeers, database: Database) -> None:
        self.gateways, self.peers, self.database = gateways, peers, database
        self.walk, self.counter = next(_walks), itertools.count()
        self.phones = [Phone([self.number()], [self.bsuid()]) for _ in range(3)]
        self.users: list[UUID] = []
        self.links: dict[UUID, Phone] = {}
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
        return {user for user, linked in self.links.items() if linked is phone}

    def note(self, phone: Phone) -> None:
        """Its owners of this moment may read what is still unread."""
        for readers in phone.said.values():
            readers |= self.owned(phone)

    def message(self, phone: Phone, how: str) -> dict[str, Any]:
        self.clock += 1
        words = f"{self.walk}-{next(self.counter)}"
        phone.said[words] = set(self.owned(phone))
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
        person, target = self.users[user], self.phones[phone]
        if self.owned(target) - {person}:
            return
        await self.database.admin(
            "insert into public.user_preferences (user_id, whatsapp_phone, whatsapp_linked_at)"
            " values ($1, $2, clock_timestamp()) on conflict (user_id) do update set"
            " whatsapp_phone = $2, whatsapp_linked_at = clock_timestamp()",
            person,
            f"+{target.numbers[-1]}",
        )
        self.links[person] = target
        self.note(target)

    async def unlink(self, user: int) -> None:
        await self.settle()
        await self.database.admin("delete from public.user_preferences where user_id = $1", self.users[user])
        self.links.pop(self.users[user], None)

    async def prove(self, user: int, phone: int) -> None:
        """The phone sends the user's code: a user who only typed the number loses it."""
        await self.settle()
        person, target = self.users[user], self.phones[phone]
        await self.database.admin(
            "insert into public.user_preferences (user_id, whatsapp_pending_phone, whatsapp_code_hash,"
            " whatsapp_code_expires_at) values ($1, $2, $3, now() + interval '10 minutes')"
            " on conflict (user_id) do update set whatsapp_pending_phone = $2, whatsapp_code_hash = $3,"
            " whatsapp_code_expires_at = now() + interval '10 minutes', whatsapp_code_attempts = 0",
            person,
            f"+{target.numbers[-1]}",
            sha256(f"{person}:12345678".encode()).hexdigest(),
        )
        self.clock += 1
        code = meta.text(target.numbers[-1], "12345678", timestamp=str(self.clock))
        await self.gateways[2].keep(code)
        await self.gateways[2].drain()
        for other in self.owned(target):
            del self.links[other]
        self.links[person] = target
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
            del self.links[user]
            await self.database.admin("delete from public.user_preferences where user_id = $1", user)

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

    async def settle(self) -> None:
        await self.gateways[2].drain()

    async def check(self) -> None:
        await self.settle()
        written = [turn for turn in self.peers.log if turn["content"].startswith(f"{self.walk}-")]
        heard: dict[UUID, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        for turn in written:
            [index] = [i for i, phone in enumerate(self.phones) if turn["content"] in phone.said]
            assert turn["user"] in self.phones[index].said[turn["content"]], f"in a foreign log: {turn}"
            if turn["role"] == "user":
                heard[turn["user"]][index].append(int(turn["content"].split("-")[1]))
        for phones in heard.values():
            for words in phones.values():
                assert len(words) == len(set(words)), "twice"
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
        assert await PinSweep(self.gateways[2].pool).check_next() == 0


@pytest_asyncio.fixture(loop_scope="session")
async def three_gateways(gateways: Callable[..., Awaitable[Gateway]]) -> list[Gateway]:
    quick = {"lease_seconds": 0.3, "attempts": 50, "link_confirmation": "code"}
    return [
        await gateways(**quick),
        await gateways(**quick),
        await gateways(attempts=50, link_confirmation="code"),
    ]


@settings(
    max_examples=25,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(steps=[("move", 0, True, "message first")])
@example(steps=[("move", 0, False, "message first")])
@given(steps=st.lists(_STEPS, min_size=4, max_size=14))
async def test_nobody_reads_what_another_persons_phone_said(
    three_gateways: list[Gateway], peers: FakePeers, database: Database, steps: list[tuple[Any, ...]]
) -> None:
    walk = Walk(three_gateways, peers, database)
    await walk.start()
    for name, *arguments in steps:
        await getattr(walk, name)(*arguments)
    await walk.check()
