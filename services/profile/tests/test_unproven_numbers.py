"""A typed number that was never proven is forgotten a while after its code expired; what is linked stays."""

from datetime import timedelta

import httpx
import pytest

from ava_common.database import open_pool
from ava_local.testing.databases import Database
from ava_local.testing.running_app import started
from ava_local.testing.token_issuer import Issuer
from ava_local.testing.waiting import eventually
from ava_profile import unproven_numbers
from ava_profile.app import create_app
from ava_profile.settings import Settings
from ava_profile.unproven_numbers import DELETED, KEPT_AGE, KEPT_LIMIT

PATH = "/profile/preferences/whatsapp"
KIND = "unproven_numbers"
PENDING = "select whatsapp_pending_phone as phone, whatsapp_code_hash as hash from public.user_preferences"
AGE = "update public.user_preferences set whatsapp_code_expires_at = whatsapp_code_expires_at - $1::interval"


@pytest.fixture
async def typed(code_client: httpx.AsyncClient, database: Database, issuer: Issuer) -> Database:
    """A number that waits for its code."""
    headers = issuer.bearer(await database.person())
    answer = await code_client.put(PATH, json={"phone": "+4915112345678"}, headers=headers)
    assert answer.status_code == 202
    return database


async def forget(database: Database) -> int:
    async with open_pool(database.url("ava_profile"), name="test") as pool:
        return await unproven_numbers.forget(pool, days=1)


async def expired(database: Database, days: int) -> None:
    await database.admin(AGE, timedelta(days=days))


async def test_a_number_is_forgotten_a_day_after_its_code_expired(typed: Database) -> None:
    deleted = DELETED.labels(KIND)._value.get()
    assert await forget(typed) == 0
    assert KEPT_AGE.labels(KIND)._value.get() == 0
    await expired(typed, 1)  # ten minutes are left of this day
    assert await forget(typed) == 0
    assert 80_000 < KEPT_AGE.labels(KIND)._value.get() < KEPT_LIMIT.labels(KIND)._value.get() == 86_400
    await expired(typed, 1)
    assert await forget(typed) == 1
    assert [tuple(row) for row in await typed.admin(PENDING)] == [(None, None)]
    assert DELETED.labels(KIND)._value.get() == deleted + 1


async def test_a_linked_number_stays(
    client: httpx.AsyncClient, code_client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    headers = issuer.bearer(await database.person())
    await client.put(PATH, json={"phone": "+4915112345678"}, headers=headers)
    await code_client.put(PATH, json={"phone": "+4915187654321"}, headers=headers)
    await expired(database, 9)
    assert await forget(database) == 1
    told = (await client.get("/profile/preferences", headers=headers)).json()
    assert (told["whatsapp_phone"], told["whatsapp_pending_phone"]) == ("+4915112345678", None)


async def test_the_running_service_does_it_by_itself(typed: Database, settings: Settings) -> None:
    await expired(typed, 2)

    async def is_forgotten() -> bool:
        return [row["phone"] for row in await typed.admin(PENDING)] == [None]

    async with started(create_app(settings)):
        await eventually(is_forgotten)
