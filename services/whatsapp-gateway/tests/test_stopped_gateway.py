"""A gateway stands still at any step while its lease expires and the link changes: one log has it all."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from ava_local.testing.databases import Database

from . import meta_payloads as meta
from .conftest import Gateway, LinkNumber, StartGateway
from .fake_peers import FakePeers, Reset

PHONE = "4915112345678"
UNLINK = (
    "update public.user_preferences set whatsapp_phone = null, whatsapp_linked_at = null where user_id = $1"
)
BEFORE_THE_LOG = ("before tokens", "before avatar")
IN_THE_LOG = ("before messages", "after messages", "before graph", "after graph")
ANSWER_IN_THE_LOG = ("before messages", "after messages")

Change = Callable[[], Awaitable[UUID]]


@dataclass
class Stop:
    """Where a gateway stands still until it is told to go on; earlier passes of the same step go by."""

    peers: FakePeers
    place: str
    passes: int = 0
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    going_on: asyncio.Event = field(default_factory=asyncio.Event)

    def set_up(self) -> None:
        when, step = self.place.split()
        faults = getattr(self.peers, when)[step]
        faults.extend([_nothing] * self.passes)
        faults.append(self._stand_still)

    async def _stand_still(self) -> None:
        self.reached.set()
        await self.going_on.wait()


async def _nothing() -> None:
    pass


@pytest.fixture
def handed_over(linked: LinkNumber, person: UUID, database: Database) -> Change:
    """The number goes to another account; its user."""

    async def change() -> UUID:
        await database.admin(UNLINK, person)
        return await linked(f"+{PHONE}")

    return change


async def stopped(gateways: StartGateway, stop: Stop, change: Change) -> tuple[Gateway, UUID]:
    """One gateway stops in the middle of a turn, the link changes, and another gateway takes over."""
    slow, other = await gateways(lease_seconds=0.3), await gateways(lease_seconds=1.0)
    await other.keep(meta.text(body="pin"))
    await other.drain()
    stop.set_up()
    await slow.keep(meta.text(body="whose?"))
    working = asyncio.create_task(slow.round())
    await asyncio.wait_for(stop.reached.wait(), 60)
    heir = await change()
    await asyncio.sleep(0.3)
    await other.drain()
    stop.going_on.set()
    await working
    await other.drain()
    for send in stop.peers.sent:  # what was unknown because of the stop
        await other.keep(meta.status(send, "delivered"))
    await other.drain()
    return other, heir


ECHOED = [("user", "whose?"), ("assistant", "whose?")]


@pytest.mark.parametrize("place", BEFORE_THE_LOG)
async def test_what_no_log_can_have_yet_is_the_new_owners(
    gateways: StartGateway, peers: FakePeers, person: UUID, handed_over: Change, place: str
) -> None:
    other, heir = await stopped(gateways, Stop(peers, place), handed_over)
    assert peers.turns(person)[2:] == []
    assert peers.turns(heir) == ECHOED
    assert {state for _, state in await other.states()} == {"done"}
    assert peers.phones[PHONE] == ["pin", "whose?"]


@pytest.mark.parametrize(
    ("place", "passes"),
    [*((place, 0) for place in IN_THE_LOG), *((place, 1) for place in ANSWER_IN_THE_LOG)],
)
async def test_what_a_log_may_have_stays_that_owners_with_its_answer(
    gateways: StartGateway, peers: FakePeers, person: UUID, handed_over: Change, place: str, passes: int
) -> None:
    other, heir = await stopped(gateways, Stop(peers, place, passes), handed_over)
    assert peers.turns(person)[2:] == ECHOED
    assert peers.turns(heir) == []
    assert {state for _, state in await other.states()} == {"done"}
    assert peers.phones[PHONE] == ["pin", "whose?"]


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_turn_whose_log_write_had_no_answer_is_finished_for_whom_it_was_begun(
    gateway: Gateway, peers: FakePeers, person: UUID, handed_over: Change, when: str
) -> None:
    getattr(peers, when)["messages"].append(Reset())
    await gateway.keep(meta.text(body="whose?"))
    await gateway.round()
    heir = await handed_over()
    await gateway.drain()
    assert peers.turns(person) == ECHOED
    assert peers.turns(heir) == []
    assert [state for _, state in await gateway.states()] == ["done"]


async def test_what_was_begun_before_the_link_ended_is_not_taken_for_past_words(
    gateway: Gateway, peers: FakePeers, person: UUID, handed_over: Change
) -> None:
    peers.after["messages"].append(Reset())
    await gateway.keep(meta.text(body="whose?"))
    await gateway.round()
    await gateway.pool.execute("update whatsapp.events set received_at = received_at - interval '2 hours'")
    await handed_over()
    await gateway.drain()
    assert peers.turns(person) == ECHOED


async def test_what_is_deleted_on_the_phone_is_deleted_in_the_log_that_has_it(
    gateway: Gateway, peers: FakePeers, person: UUID, handed_over: Change
) -> None:
    message = meta.text(body="a secret")
    await gateway.keep(message)
    await gateway.drain()
    heir = await handed_over()
    await gateway.keep(meta.text(type="revoke", revoke={"original_message_id": message["id"]}))
    await gateway.drain()
    assert peers.turns(person)[0] == ("user", "")
    assert peers.turns(heir) == []


async def test_a_deleted_account_takes_a_turn_along_that_its_log_may_have(
    gateway: Gateway, peers: FakePeers, person: UUID, handed_over: Change, database: Database
) -> None:
    peers.after["messages"].append(Reset())
    await gateway.keep(meta.text(body="whose?"))
    await gateway.round()
    heir = await handed_over()
    await database.admin("delete from auth.users where id = $1", person)
    await gateway.drain()
    assert peers.turns(heir) == []
    assert await gateway.states() == []
