"""Any interleaving of deliveries, repeats, faults, kills and statuses: each once, in order."""

import asyncio
import itertools
import time
from typing import Any

import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from . import meta_payloads as meta
from .conftest import Gateway, LinkNumber, StartGateway
from .fake_peers import FakePeers, Hang, Reset

_scenarios = itertools.count()
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


class Scenario:
    """Three people who write to two gateways, and everything they said. A third gateway has more patience."""

    def __init__(self, gateways: list[Gateway], peers: FakePeers) -> None:
        self.gateways, self.peers = gateways, peers
        self.prefix = f"4915{next(_scenarios):04}"
        self.people = [f"{self.prefix}{n:04}" for n in range(3)]
        self.said: dict[str, list[str]] = {phone: [] for phone in self.people}
        self.bodies: list[bytes] = []
        self.clock = int(time.time()) - 1000

    def sends(self) -> list[dict[str, Any]]:
        return [send for send in self.peers.sent if send["to"] in self.people]

    async def say(self, person: int, count: int) -> None:
        phone, messages = self.people[person], []
        for _ in range(count):
            self.clock += 1
            words = f"{len(self.said[phone])}"
            self.said[phone].append(words)
            messages.append(meta.text(sender=phone, body=words, timestamp=str(self.clock)))
        self.bodies.append(meta.envelope(*reversed(messages)))
        await self.gateways[0].keep(raw=self.bodies[-1])

    async def again(self, which: int) -> None:
        if self.bodies:
            await self.gateways[0].keep(raw=self.bodies[which % len(self.bodies)] + b" ")

    async def fault(self, when: str, step: str, kind: type[Hang | Reset]) -> None:
        getattr(self.peers, when)[step].append(kind())

    async def refuse(self, step: str, code: int) -> None:
        answer = (code, {"error": {"code": 131016}}) if step == "graph" else (code, {})
        self.peers.before[step + "!"].append(answer)

    async def kill(self, which: int, milliseconds: int) -> None:
        task = asyncio.create_task(self.gateways[which].round())
        await asyncio.sleep(milliseconds / 1000)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def work(self, which: int) -> None:
        await self.gateways[which].round()

    async def status(self, which: int, name: str) -> None:
        if sends := self.sends():
            await self.gateways[0].keep(meta.status(sends[which % len(sends)], name))

    async def calm(self) -> None:
        """No more faults; Meta reports on everything it accepted."""
        for faults in (*self.peers.before.values(), *self.peers.after.values()):
            faults.clear()
        await self.gateways[2].drain()
        for send in self.sends():
            await self.gateways[0].keep(meta.status(send, "delivered"))
        await self.gateways[2].drain()


@pytest_asyncio.fixture(loop_scope="session")
async def three_gateways(gateways: StartGateway) -> list[Gateway]:
    quick: dict[str, float] = {
        "lease_seconds": 0.3,
        "peer_timeout_seconds": 0.1,
        "graph_timeout_seconds": 0.1,
        "attempts": 50,
    }
    return [await gateways(**quick), await gateways(**quick), await gateways(attempts=50, lease_seconds=1.0)]


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(plan=st.lists(_ACTIONS, min_size=3, max_size=25))
async def test_any_interleaving(
    three_gateways: list[Gateway], peers: FakePeers, linked: LinkNumber, plan: list[tuple[Any, ...]]
) -> None:
    scenario = Scenario(three_gateways, peers)
    owners = {phone: await linked(f"+{phone}") for phone in scenario.people}
    for name, *arguments in plan:
        await getattr(scenario, name)(*arguments)
    await scenario.calm()
    for phone, owner in owners.items():
        got, said = peers.phones[phone], scenario.said[phone]
        rest = iter(said)
        assert all(words in rest for words in got), f"out of order or twice: {got}"
        log = [turn for turn in peers.log if turn["user"] == owner]
        assert sorted(t["content"] for t in log if t["role"] == "user") == sorted(said)
        assert sorted(t["content"] for t in log if t["role"] == "assistant") == sorted(got)
        states = await three_gateways[0].pool.fetch(
            "select e.words, e.state from whatsapp.events as e"
            " join whatsapp.contacts as c on c.id = e.contact_id where c.wa_digits = $1",
            phone,
        )
        assert {row["words"] for row in states if row["state"] == "done"} == set(got)
        assert {row["state"] for row in states} <= {"done", "awaiting"}
