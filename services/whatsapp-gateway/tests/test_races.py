"""What changes while an event is being handled: links, leases, outcomes that arrive late."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from ava_local.testing.databases import Database
from ava_whatsapp_gateway.outbox import store as outbox
from ava_whatsapp_gateway.queue import maintenance

from . import meta_payloads as meta
from .conftest import Gateway, LinkNumber, StartGateway
from .fake_peers import Answer, FakePeers, Reset
from .waiting import until_blocked

PHONE = "4915112345678"
UNLINK = (
    "update public.user_preferences set whatsapp_phone = null, whatsapp_linked_at = null where user_id = $1"
)


async def test_an_unlink_also_counts_for_events_claimed_already(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, person: UUID, database: Database
) -> None:
    """Events are claimed together; from the second on they are not the old owner's any more."""
    await gateway.keep(meta.text(body="pin"))
    await gateway.drain()
    peers.after["graph"].append(lambda: database.admin(UNLINK, person))
    await gateway.keep(meta.text(body="one"), meta.text(body="two"), meta.text(body="three"))
    await gateway.drain()
    assert peers.turns(person)[2:] == [("user", "one"), ("assistant", "one")]
    second = await linked(f"+{PHONE}")
    await gateway.drain()
    assert [words for role, words in peers.turns(second) if role == "user"] == ["two", "three"]


async def test_a_number_that_goes_to_another_account_between_two_events_is_followed(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, person: UUID, database: Database
) -> None:
    others = []

    async def moves() -> None:
        await database.admin(UNLINK, person)
        others.append(await linked(f"+{PHONE}"))

    await gateway.keep(meta.text(body="pin"))
    await gateway.drain()
    peers.after["graph"].append(moves)
    await gateway.keep(meta.text(body="mine"), meta.text(body="theirs"))
    await gateway.drain()
    assert peers.turns(person)[2:] == [("user", "mine"), ("assistant", "mine")]
    assert peers.turns(others[0]) == [("user", "theirs"), ("assistant", "theirs")]


async def test_the_answer_to_a_logged_turn_stays_in_that_log_when_the_link_has_changed(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, person: UUID, database: Database
) -> None:
    peers.before["graph!"].append((503, {"error": {"code": 131016}}))
    await gateway.keep(meta.text(body="between us"))
    await gateway.round()
    assert peers.turns(person) == [("user", "between us")]
    await database.admin(UNLINK, person)
    second = await linked(f"+{PHONE}")
    await gateway.drain()
    assert peers.turns(person) == [("user", "between us"), ("assistant", "between us")]
    assert peers.turns(second) == []


@pytest.mark.parametrize("answer", [(400, {"error": {"code": 131016}}), (400, {"error": {"code": 131026}})])
async def test_a_refusal_that_arrives_after_the_lease_still_counts(
    gateways: StartGateway, peers: FakePeers, person: UUID, answer: Answer
) -> None:
    """Another worker took over and left the event waiting for a status: none will ever come."""
    slow, other = await gateways(lease_seconds=0.2), await gateways(lease_seconds=0.5)
    released = asyncio.Event()
    peers.before["graph"].append(released.wait)
    await slow.keep(meta.text(body="one"))
    await slow.ingest()
    (lane,) = await slow.claim(1, 0.2)
    running = asyncio.create_task(slow.run(lane))
    await asyncio.wait_for(peers.reached["before graph"].wait(), 60)
    await asyncio.sleep(0.3)
    await other.drain()
    assert [state for _, state in await other.states()] == ["awaiting"]
    peers.before["graph!"].append(answer)
    released.set()
    await running
    await other.drain()
    refused_for_good = answer[1]["error"]["code"] == 131026
    assert [state for _, state in await other.states()] == ["dead" if refused_for_good else "done"]
    assert peers.phones.get(PHONE, []) == ([] if refused_for_good else ["one"])


async def test_a_notice_with_an_unknown_outcome_does_not_hold_back_the_answer(
    gateways: StartGateway, peers: FakePeers, linked: LinkNumber
) -> None:
    gateway = await gateways(unknown_wait_seconds=0.05)
    peers.before["graph"].extend([Reset()])
    await gateway.keep(meta.text(body="one"))
    await gateway.drain()
    await asyncio.sleep(0.1)
    await maintenance.run(gateway.pool, gateway.settings)
    peers.after["graph"].append(Reset())
    person = await linked(f"+{PHONE}")
    await gateway.drain()
    await gateway.keep(meta.status(peers.sent[-1], "delivered"))
    await gateway.drain()
    assert [state for _, state in await gateway.states()] == ["done"]
    assert peers.turns(person) == [("user", "one"), ("assistant", "one")]


async def test_throttles_and_broken_credentials_do_not_use_up_a_messages_attempts(
    gateways: StartGateway, peers: FakePeers, person: UUID
) -> None:
    gateway = await gateways(attempts=2, probe_seconds=0.05)
    codes = [(429, 130429), (400, 131056), (401, 190), (429, 4), (400, 131016)]
    peers.before["graph!"].extend((http, {"error": {"code": code}}) for http, code in codes)
    await gateway.keep(meta.text(body="patient"))
    await gateway.drain()
    assert peers.phones[PHONE] == ["patient"]


@pytest.mark.parametrize("change", ["link", "unlink"])
async def test_a_first_message_during_a_link_change_is_assigned_after_it(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, database: Database, change: str
) -> None:
    """The change cannot see a contact that is created meanwhile: the two wait for each other."""
    person = await linked(f"+{PHONE}") if change == "unlink" else await database.person()
    profile = await asyncpg.connect(database.url("supabase_admin"))
    changing = profile.transaction()
    await changing.start()
    if change == "unlink":
        await profile.execute(UNLINK, person)
    else:
        await profile.execute(
            "insert into public.user_preferences (user_id, whatsapp_phone, whatsapp_linked_at)"
            " values ($1, $2, now())",
            person,
            f"+{PHONE}",
        )
    await gateway.keep(meta.text(body="first"))
    working = asyncio.create_task(gateway.drain())
    await until_blocked(database)
    await changing.commit()
    await profile.close()
    await working
    expected = [("user", "first"), ("assistant", "first")] if change == "link" else []
    assert peers.turns(person) == expected


async def test_a_link_change_that_hits_a_deadlock_still_takes_effect(
    gateway: Gateway, peers: FakePeers, linked: LinkNumber, person: UUID, database: Database
) -> None:
    """PostgreSQL picks a victim by chance; a pin must not outlive its link because of it."""
    await gateway.keep(meta.text(body="mine"))
    await gateway.drain()
    await database.admin(
        """do $do$ begin
          create sequence whatsapp.tries;
          grant usage on sequence whatsapp.tries to public;
          create function whatsapp.unlucky() returns trigger language plpgsql as $$ begin
            if nextval('whatsapp.tries') = 1 then raise exception using errcode = '40P01'; end if;
            return new; end $$;
          create trigger unlucky before update of link_version on whatsapp.contacts
            for each row execute function whatsapp.unlucky();
        end $do$"""
    )
    await database.admin(UNLINK, person)
    await gateway.keep(meta.text(body="unlinked"))
    await gateway.drain()
    assert peers.turns(person) == [("user", "mine"), ("assistant", "mine")]


async def test_an_outcome_of_an_older_call_changes_nothing(
    gateway: Gateway, peers: FakePeers, person: UUID
) -> None:
    peers.after["graph"].append(Reset())
    await gateway.keep(meta.text(body="one"))
    await gateway.drain()
    send_id = await gateway.pool.fetchval("update whatsapp.outbox set attempts = 2 returning id")
    await outbox.mark_not_sent(gateway.pool, send_id, 1, 131016, "late", final=False, counts=True)
    assert (await outbox.get(gateway.pool, send_id)).state == "unknown"
