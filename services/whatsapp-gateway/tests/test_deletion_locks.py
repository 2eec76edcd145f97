"""An account that is deleted while its contacts are looked up, linked or settled: none waits in a circle."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from ava_common.database import Connection
from ava_local.testing.databases import Database
from ava_whatsapp_gateway.outbox import calls
from ava_whatsapp_gateway.outbox import store as outbox

from . import meta_payloads as meta
from .conftest import Gateway, LinkNumber, StartGateway
from .fake_peers import FakePeers
from .test_account_deletion import delete_account, traces_of
from .test_hidden_numbers import hidden, links
from .test_link_locks import ID, OTHER, PHONE, ask, code_comes, meeting, until_waiting

SAME_ENDING = f"44{PHONE[-8:]}"


@pytest.fixture
async def gateway(gateways: StartGateway) -> Gateway:
    return await gateways(link_confirmation="code")


@asynccontextmanager
async def transaction(database: Database, sql: str, *arguments: object) -> AsyncIterator[Connection]:
    """A transaction that has begun with this; where others meet it in a circle, it is not the victim."""
    patient = {"deadlock_timeout": "1min"}
    connection = await asyncpg.connect(database.url("supabase_admin"), server_settings=patient)
    try:
        async with connection.transaction():
            await connection.execute(sql, *arguments)
            yield connection
    finally:
        await connection.close()


async def contact_of(database: Database, digits: str) -> int:
    [row] = await database.admin("select id from whatsapp.contacts where wa_digits = $1", digits)
    return int(row["id"])


async def test_a_code_from_an_id_and_the_deletion_of_the_account_that_it_proves(
    gateway: Gateway, database: Database
) -> None:
    await gateway.keep(hidden("hello"))
    await gateway.drain()
    second = await database.person()
    await ask(database, second, "22222222")
    proven, _ = await meeting(database, code_comes(gateway, "22222222", ID), delete_account(database, second))
    assert proven == [second]
    assert await links(database) == []
    assert await traces_of(database, str(second)) == []


@pytest.mark.parametrize("words", ["22222222", "not a code"])
async def test_the_message_that_finds_an_owner_and_the_deletion_of_that_account(
    gateway: Gateway,
    database: Database,
    linked: LinkNumber,
    capsys: pytest.CaptureFixture[str],
    words: str,
) -> None:
    person = await linked(f"+{OTHER if words.isdigit() else PHONE}")
    await ask(database, person, "22222222")
    await gateway.keep(meta.text(body=words))
    await gateway.ingest()
    [lane] = await gateway.claim()
    await meeting(database, gateway.run(lane), delete_account(database, person))
    assert "Deadlock" not in capsys.readouterr().out
    await gateway.drain()
    assert await traces_of(database, str(person)) == []


async def test_contacts_that_turn_out_to_be_one_and_the_deletion_of_their_account(
    gateway: Gateway, database: Database, linked: LinkNumber
) -> None:
    person = await linked(f"+{PHONE}")
    await gateway.keep(meta.text(body="very private"), hidden("very hidden"))
    await gateway.drain()
    await gateway.keep(meta.text(body="shown", from_user_id=ID))
    ingesting, _ = await meeting(database, gateway.ingest_once(), delete_account(database, person))
    assert ingesting == 1
    assert await traces_of(database, str(person), "very private", "shown") == []


async def test_statuses_that_are_applied_while_the_account_is_deleted(
    gateway: Gateway, database: Database, linked: LinkNumber
) -> None:
    person = await linked(f"+{PHONE}")
    await gateway.keep(meta.text(body="very private"))
    await gateway.drain()
    await database.admin(
        "insert into whatsapp.statuses (wamid, status, rank, at)"
        " select wamid, 'delivered', 2, now() from whatsapp.outbox"
    )
    async with transaction(database, "select from whatsapp.statuses for update"):
        tasks: list[Awaitable[Any]] = [asyncio.ensure_future(delete_account(database, person))]
        await until_waiting(database, 1)
        tasks.append(asyncio.ensure_future(gateway.pool.execute("select whatsapp.settle(p_limit => 100)")))
        await until_waiting(database, 2)
    await asyncio.gather(*tasks)
    assert await traces_of(database, PHONE, str(person)) == []


async def test_a_call_that_is_noted_while_the_account_is_deleted(
    gateway: Gateway, database: Database, linked: LinkNumber
) -> None:
    """Facts are written whatever is locked, so these two do meet in a circle; the deletion repeats."""
    person = await linked(f"+{PHONE}")
    await gateway.keep(meta.text(body="very private"))
    await gateway.drain()
    await database.admin("update whatsapp.outbox set state = 'ready', wamid = null")
    await database.admin("update whatsapp.outbox set state = 'sending'")
    await database.admin("update whatsapp.outbox set state = 'unknown'")
    await database.admin("update whatsapp.events set state = 'ready'")
    await database.admin("update whatsapp.events set state = 'awaiting'")
    accepted = (
        "select whatsapp.accepted_2(p_send_id => (select id from whatsapp.outbox), p_wamid => 'wamid.1',"
        " p_alias_digits => null, p_phone_number_id => '1')"
    )
    async with transaction(database, "select from whatsapp.outbox for update") as sender:
        deletion = asyncio.ensure_future(delete_account(database, person))
        await until_waiting(database, 1)
        await sender.execute(accepted)
    await deletion
    assert await traces_of(database, PHONE, str(person)) == []


async def test_a_call_that_is_noted_while_its_contact_becomes_part_of_another_is_not_forgotten(
    gateway: Gateway, database: Database, linked: LinkNumber
) -> None:
    """Also when its response tells another name for the number."""
    await linked(f"+{PHONE}")
    await gateway.keep(meta.text(body="shown"), hidden("hidden"))
    await gateway.drain()
    await database.admin("update whatsapp.outbox set state = 'ready', wamid = null where body = 'shown'")
    await database.admin("update whatsapp.outbox set state = 'sending' where body = 'shown'")
    [send] = await database.admin("select id, contact_id from whatsapp.outbox where body = 'shown'")
    stored = await outbox.get(gateway.pool, send["id"])
    [other] = await database.admin("select id from whatsapp.contacts where bsuid is not null")
    wake = "select whatsapp.wake(p_contact_ids => $1, p_at_once => false)"
    async with transaction(database, wake, [send["contact_id"], other["id"]]) as ingesting:
        told = calls.mark_accepted(gateway.writes, stored, "wamid.1", "4930123456", meta.NUMBER_ID)
        noting = asyncio.ensure_future(told)
        await until_waiting(database, 1)
        await ingesting.execute("update whatsapp.events set contact_id = $1", other["id"])
        await ingesting.execute("update whatsapp.outbox set contact_id = $1", other["id"])
        await ingesting.execute("update whatsapp.moves set contact_id = $1", other["id"])
        await ingesting.execute("delete from whatsapp.contacts where id = $1", send["contact_id"])
    await noting
    [after] = await database.admin("select state, wamid from whatsapp.outbox where id = $1", send["id"])
    assert tuple(after) == ("accepted", "wamid.1")


async def test_lanes_of_numbers_that_end_alike_are_locked_with_the_others(
    gateway: Gateway, database: Database, linked: LinkNumber
) -> None:
    await gateway.keep(meta.text(SAME_ENDING, "a stranger's"))
    await gateway.drain()
    person = await linked(f"+{PHONE}")
    await gateway.keep(meta.text(body="very private"))
    await gateway.drain()
    lanes = [await contact_of(database, SAME_ENDING)], [await contact_of(database, PHONE)]
    wake = "select whatsapp.wake(p_contact_ids => $1, p_at_once => false)"
    async with transaction(database, wake, lanes[0]) as worker:
        deletion = asyncio.ensure_future(delete_account(database, person))
        await until_waiting(database, 1)
        await worker.execute(wake, lanes[1])
    await deletion
    assert await traces_of(database, PHONE, str(person)) == []


async def test_a_contact_that_is_pinned_while_its_deletion_waits_is_another_users_by_then(
    gateway: Gateway, database: Database, linked: LinkNumber
) -> None:
    person, second = await linked(f"+{PHONE}"), await database.person()
    await gateway.keep(meta.text(body="the second's"))
    await gateway.drain()
    await database.admin("update whatsapp.contacts set user_id = null")
    await database.admin("update whatsapp.events set user_id = $1", second)
    contact = await contact_of(database, PHONE)
    wake = "select whatsapp.wake(p_contact_ids => $1, p_at_once => false)"
    async with transaction(database, wake, [contact]) as worker:
        deletion = asyncio.ensure_future(delete_account(database, person))
        await until_waiting(database, 1)
        await worker.execute("update whatsapp.contacts set user_id = $1", second)
    await deletion
    assert await traces_of(database, "the second's") != []


async def test_a_delivery_is_ingested_although_a_status_in_it_has_to_wait(
    gateway: Gateway, database: Database, linked: LinkNumber, peers: FakePeers
) -> None:
    await linked(f"+{PHONE}")
    await gateway.keep(meta.text(body="one"))
    await gateway.drain()
    sent = peers.sent[-1]
    await database.admin("update whatsapp.outbox set state = 'ready', wamid = null")
    await database.admin("update whatsapp.outbox set state = 'sending'")
    await database.admin("update whatsapp.outbox set state = 'unknown'")
    await gateway.keep(meta.status(sent))
    wake = "select whatsapp.wake(array(select id from whatsapp.contacts), false)"
    async with transaction(database, wake):
        await database.admin(
            f"alter role ava_whatsapp_gateway in database {database.name} set lock_timeout = '200ms'"
        )
        await gateway.pool.expire_connections()
        assert await gateway.ingest_once() == 1
    await gateway.pool.execute("select whatsapp.settle(p_limit => 100)")
    [send] = await database.admin("select state from whatsapp.outbox")
    assert send["state"] == "accepted"
