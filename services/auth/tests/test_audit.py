"""The audit log of security events: what is written, that it cannot be changed, and how it is read."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from ava_auth.audit import KEPT_AGE, KEPT_LIMIT, AuditLog
from ava_auth.settings import Settings
from ava_common.database import open_pool
from ava_local.testing.databases import Database

from .conftest import Person


def read(database: Any, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m ava_auth audit` as an operator runs it."""
    environment = {**os.environ, "AUTH_DATABASE_URL": database.url("ava_auth")}
    command = [sys.executable, "-m", "ava_auth", "audit", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
async def two_events(client: httpx.AsyncClient, person: Person, database: Database) -> Any:
    """A refused log-in and a good one, from two networks."""
    wrong = person.credentials | {"password": "wrong one"}
    await client.post("/auth/login", json=wrong, headers={"X-Forwarded-For": "198.51.100.4"})
    await client.post("/auth/login", json=person.credentials, headers={"X-Forwarded-For": "2001:db8::7"})
    return database


async def test_an_event_says_who_from_where_and_in_which_request(two_events: Any, person: Person) -> None:
    good, refused = (json.loads(line) for line in read(two_events, "--json").stdout.splitlines())
    assert (good["event"], good["user_id"]) == ("login.succeeded", str(person.id))
    assert good["network"] == "2001:db8::/64"
    assert (refused["event"], refused["user_id"]) == ("login.refused", None)
    assert refused["network"] == "198.51.100.4"
    assert refused["account"] == good["account"]
    assert refused["request_id"] != good["request_id"]


async def test_events_can_be_filtered(two_events: Any) -> None:
    for arguments, count in (
        ("", 2),
        ("--event login.refused", 1),
        ("--event login --since 5m", 2),
        ("--event password", 0),
        ("--since 2100-01-01", 0),
        ("--limit 1", 1),
    ):
        assert len(read(two_events, "--json", *arguments.split()).stdout.splitlines()) == count, arguments


async def test_a_user_is_found_by_id_and_by_email_address(two_events: Any, person: Person) -> None:
    assert len(read(two_events, "--json", "--person", str(person.id)).stdout.splitlines()) == 1
    heads, *lines = read(two_events, "--person", person.email.upper()).stdout.splitlines()
    assert (heads.split()[:3], len(lines)) == (["time", "(UTC)", "event"], 2)
    assert person.email not in read(two_events).stdout


@pytest.mark.parametrize(
    ("option", "value"),
    [("--person", "ada"), ("--since", "yesterday"), ("--since", "99999999d"), ("--limit", "-1")],
)
async def test_an_invalid_option_is_refused(database: Database, option: str, value: str) -> None:
    refused = read(database, option, value)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert f"argument {option}: use " in refused.stderr


@pytest.mark.usefixtures("processes")
def test_an_invalid_database_url_is_named() -> None:
    arguments = [sys.executable, "-m", "ava_auth", "audit"]
    environment = {**os.environ, "AUTH_DATABASE_URL": "garbage"}
    refused = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False)
    assert "AUTH_DATABASE_URL: is not a valid database URL" in refused.stderr


@pytest.mark.parametrize(
    "statement",
    [
        "update accounts.audit set event = 'login.succeeded'",
        "delete from accounts.audit",
        "truncate accounts.audit",
    ],
)
async def test_the_service_cannot_change_the_audit_log(two_events: Any, statement: str) -> None:
    connection = await asyncpg.connect(two_events.url("ava_auth"))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize("role", ["ava_profile", "ava_messaging", "ava_whatsapp_gateway", "authenticator"])
@pytest.mark.parametrize("table", ["audit", "attempts", "familiar_networks"])
async def test_no_other_service_can_read_what_auth_stores(database: Database, role: str, table: str) -> None:
    connection = await asyncpg.connect(database.url(role))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch(f"select * from accounts.{table}")  # noqa: S608
    finally:
        await connection.close()


async def test_the_age_of_the_oldest_entry_and_its_limit_are_shown(
    two_events: Any,
) -> None:
    await two_events.admin("update accounts.audit set at = at - interval '40 days'")
    async with open_pool(two_events.url("ava_auth"), name="test") as pool:
        await AuditLog(pool).set_gauges(audit_days=365)
    forty_days, day = timedelta(days=40).total_seconds(), timedelta(days=1).total_seconds()
    assert forty_days <= KEPT_AGE.labels("audit")._value.get() < forty_days + day
    assert KEPT_LIMIT.labels("audit")._value.get() == 365 * day


async def test_the_page_says_what_stays_where_an_account_is_deleted(client: httpx.AsyncClient) -> None:
    page = (await client.get("/")).text
    leaving = page.partition('id="leave-title"')[2].partition("</form>")[0]
    days = Settings.model_fields["audit_days"].default
    assert "record of security events" in leaving
    assert f"after {days} days" in leaving


async def test_what_is_read_of_a_user_does_not_grow_with_the_log(database: Database) -> None:
    """Its filters are optional, and plans are kept."""
    user, fetched = uuid4(), "select coalesce(sum(idx_tup_fetch), 0)::int from pg_stat_xact_user_tables"
    await database.admin(
        "insert into accounts.audit (event, user_id, account) select 'login.succeeded',"
        " md5((n % 100)::text)::uuid, md5((n % 100)::text) from generate_series(1, 20000) as n"
    )
    await database.admin("vacuum analyze accounts.audit")
    async with open_pool(database.url("ava_auth"), name="audit", size=1) as pool:
        log = AuditLog(pool)
        before = await pool.fetchval(fetched)
        assert [event async for event in log.read(user_id=user)] == []
        assert [event async for event in log.read(account="nobody")] == []
        assert await log.read_of_user(user, "nobody", 1000) == []
        assert await pool.fetchval(fetched) - before < 100
