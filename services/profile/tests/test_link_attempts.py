"""Linking and unlinking are limited per account and network, so that nobody can try numbers."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import asyncpg
import httpx
import pytest

from ava_local.testing.databases import Database
from ava_local.testing.running_app import client_of_started
from ava_local.testing.token_issuer import Issuer
from ava_profile.app import create_app
from ava_profile.settings import Settings

PATH = "/profile/preferences/whatsapp"
CODE = {"link_confirmation": "code", "display_number": "+4930123456"}
COUNT = "select profile.attempt('link', $1, $2, 100000, 100000, '1 ms', '15 min')"
OpenService = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def open_service(settings: Settings) -> OpenService:
    """Start the service with some settings changed."""

    @asynccontextmanager
    async def opened(**changes: Any) -> AsyncIterator[httpx.AsyncClient]:
        async with client_of_started(create_app(settings.model_copy(update=changes))) as client:
            yield client

    return opened


def number(of: int) -> str:
    return f"+491511234{of:04}"


async def link(
    client: httpx.AsyncClient, headers: dict[str, str], of: int, ip: str = "203.0.113.7"
) -> httpx.Response:
    return await client.put(PATH, json={"phone": number(of)}, headers=headers | {"X-Forwarded-For": ip})


async def unlock(database: Database) -> None:
    """As if the waits had passed."""
    await database.admin("update profile.attempts set locked_until = now() - interval '1 second'")


@pytest.mark.parametrize(("mode", "allowed"), [({}, 200), (CODE, 202)], ids=["typed", "code"])
async def test_an_account_that_tries_numbers_has_to_wait_longer_and_longer(
    open_service: OpenService, database: Database, issuer: Issuer, mode: dict[str, str], allowed: int
) -> None:
    me = issuer.bearer(await database.person())
    waits = []
    async with open_service(link_account_attempts=3, **mode) as client:
        for of in range(3):
            assert (await link(client, me, of)).status_code == allowed
        for of in range(3, 6):
            await unlock(database)
            assert (await link(client, me, of)).status_code == allowed
            refused = await link(client, me, of, ip=f"198.51.100.{of}")
            assert refused.status_code == 429
            assert refused.json()["type"] == "urn:ava:problem:too-many-attempts"
            waits.append(int(refused.headers["Retry-After"]))
        assert (await client.get("/profile/preferences", headers=me)).status_code == 200
    assert 0 < waits[0] <= 2
    assert 0 < waits[1] <= 4
    assert 2 < waits[2] <= 8


@pytest.mark.parametrize("mode", [{}, CODE], ids=["typed", "code"])
async def test_a_network_with_many_accounts_has_to_wait_too(
    open_service: OpenService, database: Database, issuer: Issuer, mode: dict[str, str]
) -> None:
    statuses = []
    async with open_service(link_network_attempts=2, **mode) as client:
        for of in range(4):
            answer = await link(
                client, issuer.bearer(await database.person()), of, f"9.9.9.{of}, 203.0.113.7"
            )
            statuses.append(answer.status_code)
        elsewhere = await link(client, issuer.bearer(await database.person()), 9, "203.0.113.8")
    assert statuses[3] == 429
    assert 429 not in (*statuses[:3], elsewhere.status_code)


async def test_a_hundred_numbers_cannot_be_tried_at_once(
    open_service: OpenService, database: Database, issuer: Issuer
) -> None:
    me = issuer.bearer(await database.person())
    async with open_service() as client:
        answers = await asyncio.gather(*(link(client, me, of) for of in range(100)))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {200, 429}
    assert 10 <= statuses.count(200) <= 15


async def test_taken_numbers_count_and_while_waiting_taken_and_free_look_alike(
    open_service: OpenService, database: Database, issuer: Issuer
) -> None:
    ada, ben = issuer.bearer(await database.person()), issuer.bearer(await database.person())
    async with open_service(link_account_attempts=2) as client:
        await link(client, ada, 0)
        statuses = [(await link(client, ben, 0)).status_code for _ in range(4)]
        taken, free = await link(client, ben, 0), await link(client, ben, 1)
    assert statuses == [409, 409, 409, 429]
    assert taken.json() | {"instance": ""} == free.json() | {"instance": ""}
    assert taken.headers.keys() == free.headers.keys()


async def test_unlinking_is_limited_apart_so_that_tries_to_link_never_keep_a_number_linked(
    open_service: OpenService, database: Database, issuer: Issuer
) -> None:
    me = issuer.bearer(await database.person())
    async with open_service(link_account_attempts=2) as client:
        assert [(await link(client, me, of)).status_code for of in range(4)] == [200, 200, 200, 429]
        statuses = [(await client.delete(PATH, headers=me)).status_code for _ in range(4)]
    assert statuses == [204, 204, 204, 429]


async def test_what_is_not_a_number_and_what_the_database_could_not_do_is_not_counted(
    open_service: OpenService, database: Database, issuer: Issuer
) -> None:
    me = issuer.bearer(await database.person())
    async with open_service(link_account_attempts=1) as client:
        for _ in range(4):
            assert (await client.put(PATH, json={"phone": "12"}, headers=me)).status_code == 422
        await database.admin("revoke insert (user_id) on public.user_preferences from ava_profile")
        for of in range(4):
            assert (await link(client, me, of)).status_code == 503
        await database.admin("grant insert (user_id) on public.user_preferences to ava_profile")
        assert (await link(client, me, 1)).status_code == 200


async def test_limits_hold_across_processes(
    open_service: OpenService, database: Database, issuer: Issuer
) -> None:
    me = issuer.bearer(await database.person())
    async with open_service(link_account_attempts=1) as one, open_service(link_account_attempts=1) as other:
        for of in range(2):
            await link(one, me, of)
        assert (await link(other, me, 3)).status_code == 429


async def test_what_was_counted_names_no_number_and_goes_with_the_account_or_when_it_expires(
    open_service: OpenService, database: Database, issuer: Issuer
) -> None:
    leaving, staying = await database.person(), await database.person()
    async with open_service() as client:
        await link(client, issuer.bearer(leaving), 1)
        await client.delete(PATH, headers=issuer.bearer(leaving))
        counted = str(await database.admin("select a::text from profile.attempts as a"))
        assert str(leaving) in counted
        assert number(1).removeprefix("+") not in counted
        await database.admin("delete from auth.users where id = $1", leaving)
        assert str(leaving) not in str(await database.admin("select a::text from profile.attempts as a"))
        await database.admin("update profile.attempts set window_ends = now() - interval '1 second'")
        await link(client, issuer.bearer(staying), 2, "198.51.100.9")
    left = [row["subject"] for row in await database.admin("select subject from profile.attempts order by 1")]
    assert left == [f"link account {staying}", "link network 198.51.100.9"]


async def test_a_quiet_time_makes_attempts_free_again(
    open_service: OpenService, database: Database, issuer: Issuer
) -> None:
    me = issuer.bearer(await database.person())
    async with open_service(link_account_attempts=1) as client:
        assert [(await link(client, me, of)).status_code for of in range(3)] == [200, 200, 429]
        await database.admin(
            "update profile.attempts set window_ends = now() - interval '1 second', locked_until = null"
        )
        assert [(await link(client, me, of)).status_code for of in range(3)] == [200, 200, 429]


async def test_with_a_code_a_taken_number_is_answered_like_a_free_one_in_words_and_time(
    open_service: OpenService, database: Database, issuer: Issuer
) -> None:
    owner = await database.person()
    async with open_service() as client:
        await link(client, issuer.bearer(owner), 0)
    taken: list[float] = []
    free: list[float] = []
    async with open_service(**CODE, link_network_attempts=1000) as client:
        for turn in range(30):
            me = issuer.bearer(await database.person())
            started = time.perf_counter()
            answer = await link(client, me, turn % 2)
            (free if turn % 2 else taken).append(time.perf_counter() - started)
            assert answer.status_code == 202
            assert answer.json().keys() == {"pending", "code", "expires_at", "whatsapp_url"}
    assert 0.5 < statistics.median(taken) / statistics.median(free) < 2


async def test_counting_and_withdrawing_never_deadlock(database: Database) -> None:
    """A handful of accounts and networks, all mixed: PostgreSQL would end a deadlock with an error."""

    async def busy(seed: int) -> None:
        connection = await asyncpg.connect(database.url("ava_profile"))
        for turn in range(40):
            who = str((seed + turn) % 2), str(seed * turn % 3)
            await connection.fetchval(COUNT, *who)
            await connection.execute("select profile.withdraw('link', $1, $2)", *who)
        await connection.close()

    await asyncio.gather(*(busy(seed) for seed in range(1, 9)))
