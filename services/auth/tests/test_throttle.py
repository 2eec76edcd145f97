"""Attempts are counted before they are made; after too many the next has to wait, account or no account."""

import asyncio
import json
import math
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta

import asyncpg
import httpx
import pytest

from ava_local.testing.databases import Database

from .conftest import PASSWORD, AuditEvents, OpenService, Person, new_email

WRONG = "not the right one"


def from_ip(address: str) -> dict[str, str]:
    return {"X-Forwarded-For": address}


async def guess(
    client: httpx.AsyncClient, email: str, address: str = "203.0.113.7", password: str = WRONG
) -> httpx.Response:
    body = {"email": email, "password": password}
    return await client.post("/auth/login", json=body, headers=from_ip(address))


async def guess_until_slowed(
    client: httpx.AsyncClient, email: str, address: str = "203.0.113.7"
) -> tuple[int, httpx.Response]:
    """Guess until told to wait; how many guesses were let through, and the refusal."""
    for count in range(100):
        answer = await guess(client, email, address)
        if answer.status_code == 429:
            return count, answer
    raise AssertionError("never slowed down")


def most_let_through(free: int, seconds: float) -> int:
    """How many attempts may be let through in this time: after `free` + 1 the waits are 2, 4, 8 … seconds."""
    return free + 1 + int(math.log2(seconds / 2 + 1))


ProlongWaits = Callable[[], Awaitable[None]]


@pytest.fixture
def prolong_waits(database: Database) -> ProlongWaits:
    """Make every wait an hour longer: the first is two seconds, which a busy machine can need for a guess."""

    async def prolong() -> None:
        await database.admin("update accounts.attempts set locked_until = locked_until + interval '1 hour'")

    return prolong


async def test_guessing_one_accounts_password_takes_longer_and_longer(
    open_service: OpenService, person: Person, database: Database
) -> None:
    clock = asyncio.get_running_loop().time
    async with open_service(account_attempts=3) as client:
        started = clock()
        count, slowed = await guess_until_slowed(client, person.email)
        assert 4 <= count <= most_let_through(3, clock() - started)
        assert int(slowed.headers["retry-after"]) > 0
        await asyncio.sleep(int(slowed.headers["retry-after"]))
        await guess_until_slowed(client, person.email)
    events = await database.admin(
        "select detail from accounts.audit where event = 'login.slowed' order by id"
    )
    waits = [int(json.loads(event["detail"])["seconds"]) for event in events]
    assert waits == [2**step for step in range(1, len(waits) + 1)]
    assert len(waits) >= 2


async def test_a_locked_account_answers_the_right_password_and_an_unknown_account_alike(
    open_service: OpenService, person: Person, prolong_waits: ProlongWaits
) -> None:
    async with open_service(account_attempts=2) as client:
        unknown_email = new_email()
        for email in (person.email, unknown_email):
            await guess_until_slowed(client, email, "203.0.113.8")
        await prolong_waits()
        right = await guess(client, person.email, password=person.password)
        unknown = await guess(client, unknown_email)
    assert right.status_code == unknown.status_code == 429
    assert right.json()["type"] == unknown.json()["type"]
    assert right.headers.keys() == unknown.headers.keys()


async def test_attempts_at_the_same_moment_are_all_counted(open_service: OpenService, person: Person) -> None:
    clock = asyncio.get_running_loop().time
    async with open_service(account_attempts=5) as client:
        started = clock()
        answers = await asyncio.gather(*(guess(client, person.email) for _ in range(30)))
        seconds = clock() - started
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {401, 429}
    assert 6 <= statuses.count(401) <= most_let_through(5, seconds)


async def test_a_user_who_logs_in_many_times_at_once_is_not_locked_out(
    open_service: OpenService, person: Person
) -> None:
    async with open_service(account_attempts=1000, network_attempts=1000) as client:
        right_and_wrong = [person.password if number % 3 else WRONG for number in range(45)]
        answers = await asyncio.gather(
            *(guess(client, person.email, password=password) for password in right_and_wrong)
        )
    expected = [200 if password == person.password else 401 for password in right_and_wrong]
    assert [answer.status_code for answer in answers] == expected


async def test_a_log_in_resets_what_was_counted(open_service: OpenService, person: Person) -> None:
    async with open_service(account_attempts=3) as client:
        for _ in range(4):
            for _ in range(2):
                assert (await guess(client, person.email)).status_code == 401
            assert (await guess(client, person.email, password=person.password)).status_code == 200


async def test_attackers_cannot_lock_a_user_out_of_a_familiar_network(
    open_service: OpenService, person: Person
) -> None:
    home, elsewhere = "203.0.113.7", "198.51.100.9"
    async with open_service(account_attempts=2) as client:
        assert (await guess(client, person.email, home, person.password)).status_code == 200
        await guess_until_slowed(client, person.email, elsewhere)
        assert (await guess(client, person.email, home, person.password)).status_code == 200


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("203.0.113.7", "203.0.113.7", True),
        ("203.0.113.7", "203.0.113.8", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:203.0.113.7", "203.0.113.7", True),
        ("9.9.9.9, 203.0.113.7", "8.8.8.8, 203.0.113.7", True),
    ],
)
async def test_a_network_is_an_ipv4_address_or_an_ipv6_64_and_only_the_last_hop_says_which(
    open_service: OpenService, prolong_waits: ProlongWaits, one: str, other: str, together: bool
) -> None:
    async with open_service(network_attempts=2, account_attempts=1000) as client:
        for _ in range(3):
            await guess(client, new_email(), one)
        await prolong_waits()
        assert ((await guess(client, new_email(), other)).status_code == 429) is together


@pytest.mark.parametrize("path", ["/auth/signup", "/auth/recover", "/auth/resend"])
async def test_emails_to_one_address_are_limited_whichever_network_asks(
    open_service: OpenService, prolong_waits: ProlongWaits, path: str
) -> None:
    email = new_email()
    body = {"email": email} | ({"password": PASSWORD} if path == "/auth/signup" else {})
    statuses = []
    async with open_service(account_attempts=2) as client:
        for number in range(4):
            answer = await client.post(path, json=body, headers=from_ip(f"203.0.113.{number}"))
            statuses.append(answer.status_code)
            await prolong_waits()
    assert statuses == [202, 202, 202, 429]


async def test_guessing_links_is_limited_too(open_service: OpenService, prolong_waits: ProlongWaits) -> None:
    body = {"type": "recovery", "token_hash": "0" * 56, "new_password": PASSWORD}
    statuses = []
    async with open_service(network_attempts=2) as client:
        for _ in range(4):
            statuses.append((await client.post("/auth/verify", json=body)).status_code)
            await prolong_waits()
    assert statuses == [410, 410, 410, 429]


async def test_attempts_that_could_not_be_made_do_not_count(
    open_service: OpenService, person: Person
) -> None:
    async with open_service(account_attempts=2, supabase_url="http://127.0.0.1:9") as cut_off:
        for _ in range(6):
            assert (await guess(cut_off, person.email)).status_code == 503
    async with open_service(account_attempts=2) as client:
        assert (await guess(client, person.email, password=person.password)).status_code == 200


async def test_limits_hold_across_processes(
    open_service: OpenService, person: Person, prolong_waits: ProlongWaits
) -> None:
    async with open_service(account_attempts=2) as one, open_service(account_attempts=2) as other:
        await guess_until_slowed(one, person.email)
        await prolong_waits()
        assert (await guess(other, person.email)).status_code == 429


async def test_no_email_address_is_stored_in_the_counters_or_the_audit_log(
    client: httpx.AsyncClient, person: Person, database: Database
) -> None:
    await guess(client, person.email)
    await guess(client, person.email, password=person.password)
    stored = [
        *await database.admin("select a::text from accounts.attempts a"),
        *await database.admin("select f::text from accounts.familiar_networks f"),
        *await database.admin("select t::text from accounts.audit t"),
    ]
    assert stored
    assert not [row for row in stored if person.email in row[0] or PASSWORD in row[0]]


async def test_slowing_down_is_in_the_audit_log_once_per_step(
    open_service: OpenService, person: Person, audit_events: AuditEvents, prolong_waits: ProlongWaits
) -> None:
    async with open_service(account_attempts=2) as client:
        await guess_until_slowed(client, person.email)
        slowed = (await audit_events()).count("login.slowed")
        await prolong_waits()
        for _ in range(5):
            await guess(client, person.email)
    assert (await audit_events()).count("login.slowed") == slowed > 0


async def test_expired_counters_and_old_events_are_deleted_and_recent_events_are_not(
    database: Database,
) -> None:
    await database.admin(
        "insert into accounts.attempts (subject, window_ends) values ('x', now() - interval '1 second')"
    )
    await database.admin(
        "insert into accounts.audit (event, at) values ('login.refused', now() - interval '31 days'),"
        " ('login.refused', now() - interval '29 days')"
    )
    await database.admin("select accounts.forget(1)")
    assert await database.admin("select from accounts.attempts") == []
    assert len(await database.admin("select from accounts.audit")) == 1


async def test_counting_and_resetting_never_deadlock(database: Database) -> None:
    """A handful of accounts and networks, all mixed: PostgreSQL would end a deadlock with an error."""
    count = "select accounts.attempt('login', $1, $2, 100000, 100000, '15 min', '15 min')"
    forgive = "select accounts.forgive('login', $1, $2, $3)"

    async def busy(seed: int) -> None:
        dice = random.Random(seed)
        connection = await asyncpg.connect(database.url("ava_auth"))
        for _ in range(40):
            network, account = dice.choice("xy"), dice.choice("ab")
            await connection.fetchval(count, network, account)
            await connection.execute(forgive, network, account, dice.choice([timedelta(days=1), None]))
        await connection.close()

    await asyncio.gather(*(busy(seed) for seed in range(12)))
    assert await database.admin("select from accounts.attempts where tries <> 0") == []
