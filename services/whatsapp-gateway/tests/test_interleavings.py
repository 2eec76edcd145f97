"""Any interleaving of deliveries, repeats, faults, kills and statuses: each once, in order."""

import asyncio
import itertools
import time

import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .house import Hang, Reset
from .meta import envelope

_towns = itertools.count()
_EVERY_STEP = st.sampled_from(["tokens", "avatar", "messages", "graph"])
_WHEN = st.sampled_from(["before", "after"])
_SAY = st.tuples(st.just("say"), st.integers(0, 2), st.integers(1, 3))
_ACTIONS = st.one_of(
    _SAY,
    _SAY,
    st.tuples(st.just("again"), st.integers(0, 50)),
    st.tuples(st.just("fault"), _WHEN, _EVERY_STEP, st.sampled_from([Hang, Reset])),
    st.tuples(st.just("refuse"), _EVERY_STEP, st.sampled_from([500, 503, 429])),
    st.tuples(st.just("kill"), st.integers(0, 1), st.integers(0, 80)),
    st.tuples(st.just("work"), st.integers(0, 1)),
    st.tuples(st.just("status"), st.integers(0, 50), st.sampled_from(["sent", "delivered", "read"])),
)


class Town:
    """Three people, two gateways, and everything that was said."""

    def __init__(self, gateways, house, meta):
        self.gateways, self.house, self.meta = gateways, house, meta
        self.prefix = f"4915{next(_towns):04}"
        self.people = [f"{self.prefix}{n:04}" for n in range(3)]
        self.said = {phone: [] for phone in self.people}
        self.bodies = []
        self.clock = int(time.time()) - 1000

    def mine(self):
        return [letter for letter in self.house.sent if letter["to"] in self.people]

    async def say(self, person, count):
        phone, messages = self.people[person], []
        for _ in range(count):
            self.clock += 1
            words = f"{len(self.said[phone])}"
            self.said[phone].append(words)
            messages.append(self.meta.text(sender=phone, body=words, timestamp=str(self.clock)))
        self.bodies.append(envelope(*reversed(messages)))
        await self.gateways[0].deliver(raw=self.bodies[-1])

    async def again(self, which):
        if self.bodies:
            await self.gateways[0].deliver(raw=self.bodies[which % len(self.bodies)] + b" ")

    async def fault(self, when, step, kind):
        getattr(self.house, when)[step].append(kind())

    async def refuse(self, step, code):
        answer = (code, {"error": {"code": 131016}}) if step == "graph" else (code, {})
        self.house.before[step + "!"].append(answer)

    async def kill(self, which, milliseconds):
        task = asyncio.create_task(self.gateways[which].round())
        await asyncio.sleep(milliseconds / 1000)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def work(self, which):
        await self.gateways[which].round()

    async def status(self, which, name):
        if letters := self.mine():
            await self.gateways[0].deliver(self.meta.status(letters[which % len(letters)], name))

    async def calm(self):
        """No more faults; Meta reports on everything it took."""
        for faults in (*self.house.before.values(), *self.house.after.values()):
            faults.clear()
        await self.gateways[1].drain()
        for letter in self.mine():
            await self.gateways[0].deliver(self.meta.status(letter, "delivered"))
        await self.gateways[0].drain()


@pytest_asyncio.fixture(loop_scope="session")
async def pair(gateways):
    quick = {"lease": 0.3, "room_timeout": 0.1, "graph_timeout": 0.1, "attempts": 50}
    return [await gateways(**quick), await gateways(**quick)]


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(plan=st.lists(_ACTIONS, min_size=3, max_size=25))
async def test_any_interleaving(pair, house, linked, meta, plan):
    town = Town(pair, house, meta)
    owners = {phone: await linked(f"+{phone}") for phone in town.people}
    for name, *arguments in plan:
        await getattr(town, name)(*arguments)
    await town.calm()
    for phone, owner in owners.items():
        got, said = house.phones[phone], town.said[phone]
        rest = iter(said)
        assert all(words in rest for words in got), f"out of order or twice: {got}"
        log = [turn for turn in house.log if turn["user"] == owner]
        assert sorted(t["content"] for t in log if t["role"] == "user") == sorted(said)
        assert sorted(t["content"] for t in log if t["role"] == "assistant") == sorted(got)
        states = await pair[0].pool.fetch(
            "select e.words, e.state from whatsapp.events as e"
            " join whatsapp.contacts as c on c.id = e.contact_id where c.wa_digits = $1",
            phone,
        )
        assert {row["words"] for row in states if row["state"] == "done"} == set(got)
        assert {row["state"] for row in states} <= {"done", "awaiting"}
