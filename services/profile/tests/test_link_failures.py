"""Linking and unlinking happen whole, or are answered with 503 and change nothing."""

import asyncpg
import httpx
import pytest

from ava_local.testing.databases import Database
from ava_local.testing.token_issuer import Issuer

PHONE = "+4915112345678"
LINK = "/profile/preferences/whatsapp"


async def pinned_contact(database: Database, phone: str) -> None:
    """Somewhere in the gateway: the contact of this number, with its lane."""
    await database.admin(
        "with made as (insert into whatsapp.contacts (wa_digits) values ($1) returning id)"
        " insert into whatsapp.lanes (contact_id) select id from made",
        phone.lstrip("+"),
    )


@pytest.mark.parametrize("linked_before", [False, True])
async def test_a_locked_lane_answers_503_and_changes_nothing(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, linked_before: bool
) -> None:
    headers = issuer.bearer(await database.person())
    if linked_before:
        assert (await client.put(LINK, json={"phone": PHONE}, headers=headers)).status_code == 200
    await pinned_contact(database, PHONE)
    before = (await client.get("/profile/preferences", headers=headers)).json()
    gateway = await asyncpg.connect(database.url("ava_whatsapp_gateway"))
    try:
        async with gateway.transaction():
            await gateway.execute("select from whatsapp.lanes for update")
            if linked_before:
                answer = await client.delete(LINK, headers=headers)
            else:
                answer = await client.put(LINK, json={"phone": PHONE}, headers=headers)
    finally:
        await gateway.close()
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert (await client.get("/profile/preferences", headers=headers)).json() == before


@pytest.mark.parametrize("code", ["40P01", "40001", "53200", "XX000", "P0001"])
async def test_whatever_fails_in_the_trigger_answers_503_and_changes_nothing(
    client: httpx.AsyncClient, database: Database, issuer: Issuer, code: str
) -> None:
    headers = issuer.bearer(await database.person())
    await pinned_contact(database, PHONE)
    await database.admin(
        f"""do $do$ begin
          create function whatsapp.broken() returns trigger language plpgsql as $$ begin
            raise exception using errcode = '{code}'; end $$;
          create trigger broken before update on whatsapp.contacts
            for each row execute function whatsapp.broken();
        end $do$"""
    )
    answer = await client.put(LINK, json={"phone": PHONE}, headers=headers)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert (await client.get("/profile/preferences", headers=headers)).json()["whatsapp_phone"] is None
