"""An account that is gone fails the statement that asks for its rows; older claims count for nothing.

See docs/contracts/postgres.md#row-level-security.
"""

import json
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from ava_common.caller import Caller
from ava_common.database import Pool, acting_as, open_pool

from .conftest import SeededDatabase

PAGE = """select id from messaging.page_4(p_claims => $1, p_newest_first => true, p_channel => null,
  p_role => null, p_avatar_id => null, p_since => null, p_until => null, p_like => null,
  p_after_created_at => null, p_after_id => null, p_limit => 50, p_examined => 50)"""
OLD_CLAIM = """select set_config('request.jwt.claim.sub', $1, false),
  set_config('request.jwt.claim', $2, false)"""


def caller(user: UUID) -> Caller:
    return Caller(user, "a.b.c", 2_000_000_000)


def claims(user: UUID) -> str:
    return json.dumps({"sub": str(user), "role": "authenticated"})


@pytest_asyncio.fixture(loop_scope="session", params=["ava_profile", "ava_messaging"])
async def service(seeded: SeededDatabase, request: pytest.FixtureRequest) -> AsyncIterator[tuple[str, Pool]]:
    async with open_pool(seeded.database.url(request.param), name="test", size=1) as pool:
        yield request.param, pool


async def test_the_claims_name_the_account_and_nobody_elses(
    seeded: SeededDatabase, service: tuple[str, Pool]
) -> None:
    role, pool = service
    for user in (seeded.alice, seeded.bob):
        async with acting_as(pool, caller(user), role) as connection:
            assert await connection.fetchval("select ava_private.own_account()") == user
    with pytest.raises(asyncpg.NoDataFoundError):
        async with acting_as(pool, caller(uuid4()), role) as connection:
            await connection.fetchval("select ava_private.own_account()")
    with pytest.raises(asyncpg.NoDataFoundError):
        await pool.fetchval("select ava_private.own_account()")


@pytest.mark.parametrize("with_avatar", [True, False])
async def test_the_claims_name_the_account_and_its_avatar(seeded: SeededDatabase, with_avatar: bool) -> None:
    own, role = "select ava_private.own_ids(p_with_avatar => $1)", "ava_messaging"
    async with open_pool(seeded.database.url(role), name="test", size=1) as pool:
        for user in (seeded.alice, seeded.bob, seeded.carol):
            [avatar] = await seeded.database.admin(
                "select (select id from public.avatars where user_id = $1)", user
            )
            async with acting_as(pool, caller(user), role) as connection:
                expected = [user, avatar[0] if with_avatar else None]
                assert await connection.fetchval(own, with_avatar) == expected
        with pytest.raises(asyncpg.NoDataFoundError):
            async with acting_as(pool, caller(uuid4()), role) as connection:
                await connection.fetchval(own, with_avatar)
        with pytest.raises(asyncpg.NoDataFoundError):
            await pool.fetchval(own, with_avatar)


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
async def test_no_role_of_the_data_api_may_ask(seeded: SeededDatabase, role: str) -> None:
    for function in ("own_account()", "own_ids(boolean)", "own_whatsapp_identities()"):
        allowed = "select has_function_privilege($1, $2, 'execute')"
        [row] = await seeded.database.admin(allowed, role, f"ava_private.{function}")
        assert not row[0]


async def test_a_claim_of_the_older_form_is_cleared(
    seeded: SeededDatabase, service: tuple[str, Pool]
) -> None:
    """auth.uid() reads it first; on a pooled connection it would stay for everybody who follows."""
    role, pool = service
    await pool.execute(OLD_CLAIM, str(seeded.bob), claims(seeded.bob))
    table = "public.messages" if role == "ava_messaging" else "public.avatars"
    async with acting_as(pool, caller(seeded.alice), role) as connection:
        owners = {row["user_id"] for row in await connection.fetch(f"select user_id from {table}")}  # noqa: S608
    assert owners == {seeded.alice}
    if role == "ava_messaging":
        found = [row["id"] for row in await pool.fetch(PAGE, claims(seeded.alice))]
        asked = "select distinct user_id from public.messages where id = any ($1)"
        assert [row["user_id"] for row in await seeded.database.admin(asked, found)] == [seeded.alice]


async def test_a_page_of_an_account_that_is_gone_fails(
    seeded: SeededDatabase, service: tuple[str, Pool]
) -> None:
    role, pool = service
    if role == "ava_messaging":
        with pytest.raises(asyncpg.NoDataFoundError):
            await pool.fetch(PAGE, claims(uuid4()))
        assert await pool.fetch(PAGE, claims(seeded.carol)) == []


async def test_whatsapp_identities_are_the_callers_own(
    seeded: SeededDatabase, service: tuple[str, Pool]
) -> None:
    role, pool = service
    if role != "ava_profile":
        return
    contact = """insert into whatsapp.contacts (wa_digits, bsuid, username, user_id)
    values ($1, $2, $3, $4) returning id"""
    numbers = {seeded.alice: "4930900001", seeded.bob: "4930900002"}
    for user, digits in numbers.items():
        [row] = await seeded.database.admin(contact, digits, f"DE.{digits}", f"name.{digits}", user)
        moved = "insert into whatsapp.moves (contact_id, reason, from_digits) values ($1, 'number', $2)"
        await seeded.database.admin(moved, row["id"], f"{digits}9")
    for user, digits in numbers.items():
        async with acting_as(pool, caller(user), role) as connection:
            [own] = await connection.fetch("select * from ava_private.own_whatsapp_identities()")
        assert (own["number"], own["username"]) == (f"+{digits}", f"name.{digits}")
        assert (own["business_scoped_id"], own["former_numbers"]) == (f"DE.{digits}", [f"+{digits}9"])
    await seeded.database.admin("delete from whatsapp.contacts where wa_digits like '493090000_'")
