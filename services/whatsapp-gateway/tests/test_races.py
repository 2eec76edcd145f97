"""What changes while somebody is at work: links, leases, outcomes that come late."""

import asyncio
from uuid import uuid4

import asyncpg
import httpx
import pytest

from ava_whatsapp_gateway import graph, lanes, outbox
from ava_whatsapp_gateway.housekeeping import keep
from ava_whatsapp_gateway.walk import walk

PHONE = "4915112345678"
UNLINK = (
    "update public.user_preferences set whatsapp_phone = null, whatsapp_linked_at = null where user_id = $1"
)


@pytest.fixture
async def person(linked):
    return await linked(f"+{PHONE}")


async def test_an_unlink_ends_it_also_for_what_was_claimed_already(
    gateway, house, linked, person, database, meta
):
    """Ten events are claimed together; the second of them is not for the old owner any more."""
    await gateway.deliver(meta.text(body="pin"))
    await gateway.drain()
    house.after["graph"].append(lambda: database.admin(UNLINK, person))
    await gateway.deliver(meta.text(body="one"), meta.text(body="two"), meta.text(body="three"))
    await gateway.drain()
    assert house.turns(person)[2:] == [("user", "one"), ("assistant", "one")]
    second = await linked(f"+{PHONE}")
    await gateway.drain()
    assert [words for role, words in house.turns(second) if role == "user"] == ["two", "three"]


async def test_a_number_that_goes_to_another_account_between_two_events_is_followed(
    gateway, house, linked, person, database, meta
):
    others = []

    async def moves():
        await database.admin(UNLINK, person)
        others.append(await linked(f"+{PHONE}"))

    await gateway.deliver(meta.text(body="pin"))
    await gateway.drain()
    house.after["graph"].append(moves)
    await gateway.deliver(meta.text(body="mine"), meta.text(body="theirs"))
    await gateway.drain()
    assert house.turns(person)[2:] == [("user", "mine"), ("assistant", "mine")]
    assert house.turns(others[0]) == [("user", "theirs"), ("assistant", "theirs")]


async def test_the_answer_to_a_logged_turn_stays_in_that_log_whoever_is_linked_by_then(
    gateway, house, linked, person, database, meta
):
    house.before["graph!"].append((503, {"error": {"code": 131016}}))
    await gateway.deliver(meta.text(body="between us"))
    await gateway.round()
    assert house.turns(person) == [("user", "between us")]
    await database.admin(UNLINK, person)
    second = await linked(f"+{PHONE}")
    await gateway.drain()
    assert house.turns(person) == [("user", "between us"), ("assistant", "between us")]
    assert house.turns(second) == []


@pytest.mark.parametrize("answer", [(400, {"error": {"code": 131016}}), (400, {"error": {"code": 131026}})])
async def test_a_refusal_that_comes_after_the_lease_is_heard(gateways, house, person, meta, answer):
    """Another worker took over and left the event waiting for a status: none will ever come."""
    slow, other = await gateways(lease=0.2), await gateways()
    released = asyncio.Event()
    house.before["graph"].append(released.wait)
    await slow.deliver(meta.text(body="one"))
    await slow.split()
    (lane,) = await lanes.claim(slow.pool, 1, 0.2)
    walking = asyncio.create_task(walk(slow.means, slow.peers[0], lane, asyncio.Event()))
    await asyncio.wait_for(house.reached["before graph"].wait(), 60)
    await asyncio.sleep(0.3)
    await other.drain()
    assert [state for _, state in await other.states()] == ["awaiting"]
    house.before["graph!"].append(answer)
    released.set()
    await walking
    await other.drain()
    refused_for_good = answer[1]["error"]["code"] == 131026
    assert [state for _, state in await other.states()] == ["dead" if refused_for_good else "done"]
    assert house.phones.get(PHONE, []) == ([] if refused_for_good else ["one"])


async def test_a_notice_of_unknown_fate_keeps_no_answer_waiting(gateways, house, linked, meta, misbehaviour):
    gateway = await gateways(unknown_wait=0.05)
    house.before["graph"].extend([misbehaviour["reset"]()])
    await gateway.deliver(meta.text(body="one"))
    await gateway.drain()
    await asyncio.sleep(0.1)
    await keep(gateway.pool, gateway.means.settings)
    house.after["graph"].append(misbehaviour["reset"]())
    person = await linked(f"+{PHONE}")
    await gateway.drain()
    await gateway.deliver(meta.status(house.sent[-1], "delivered"))
    await gateway.drain()
    assert [state for _, state in await gateway.states()] == ["done"]
    assert house.turns(person) == [("user", "one"), ("assistant", "one")]


async def test_throttles_and_broken_credentials_do_not_use_up_a_messages_attempts(
    gateways, house, person, meta
):
    gateway = await gateways(attempts=2, probe=0.05)
    codes = [(429, 130429), (400, 131056), (401, 190), (429, 4), (400, 131016)]
    house.before["graph!"].extend((http, {"error": {"code": code}}) for http, code in codes)
    await gateway.deliver(meta.text(body="patient"))
    await gateway.drain()
    assert house.phones[PHONE] == ["patient"]


async def test_a_room_that_refuses_our_tokens_for_long_buries_nobody(gateways, house, person, meta):
    gateway = await gateways(attempts=2)
    house.before["messages!"].extend([(401, {})] * 6)
    await gateway.deliver(meta.text(body="patient"))
    await gateway.drain()
    assert house.phones[PHONE] == ["patient"]


@pytest.mark.parametrize("change", ["link", "unlink"])
async def test_a_first_message_while_a_link_changes_is_judged_after_it(
    gateway, house, linked, database, blocked, meta, change
):
    """The change cannot see a contact that is made meanwhile: the two wait for each other."""
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
    await gateway.deliver(meta.text(body="first"))
    working = asyncio.create_task(gateway.drain())
    await blocked()
    await changing.commit()
    await profile.close()
    await working
    expected = [("user", "first"), ("assistant", "first")] if change == "link" else []
    assert house.turns(person) == expected


async def test_a_link_that_meets_a_deadlock_is_still_followed(gateway, house, linked, person, database, meta):
    """PostgreSQL picks a victim by chance; a pin must not outlive its link because of it."""
    await gateway.deliver(meta.text(body="mine"))
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
    await gateway.deliver(meta.text(body="nobody's"))
    await gateway.drain()
    assert house.turns(person) == [("user", "mine"), ("assistant", "mine")]


async def test_an_outcome_of_an_older_call_changes_nothing(gateway, house, person, meta, misbehaviour):
    house.after["graph"].append(misbehaviour["reset"]())
    await gateway.deliver(meta.text(body="one"))
    await gateway.drain()
    letter = await gateway.pool.fetchval("update whatsapp.outbox set attempts = 2 returning id")
    await outbox.not_sent(gateway.pool, letter, 1, 131016, "late", final=False, counts=True)
    assert (await outbox.one(gateway.pool, letter)).state == "unknown"


async def test_an_answer_that_comes_byte_by_byte_does_not_outlast_the_lease():
    class Dripping(httpx.AsyncByteStream):
        async def __aiter__(self):
            while True:
                yield b" "
                await asyncio.sleep(0.01)

    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=Dripping()))
    async with httpx.AsyncClient(transport=transport, base_url="http://graph", timeout=60) as client:
        letter = graph.Letter(uuid4(), PHONE, None, "hi")
        async with asyncio.timeout(60):
            assert isinstance(await graph.send(client, "/messages", letter, 0.1), graph.Unknown)
