"""Each service, as a real process on a real database, fulfils the contracts of its consumers."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from jwt.algorithms import ECAlgorithm
from pact import Verifier

from ava_local.testing.accounts import Account
from ava_local.testing.databases import Database
from ava_local.testing.token_issuer import Issuer, SigningKey

PACTS = Path(__file__).parent / "pacts"
PAIRS = sorted(tuple(path.stem.rpartition("-")[::2]) for path in PACTS.glob("*.json"))
USER_SERVICES = [(consumer, provider) for consumer, provider in PAIRS if provider not in ("auth", "answerer")]
AVATAR, TURN = UUID(int=0xA), UUID(int=0xB)
PERSON, BANNED = UUID(int=0x1), UUID(int=0x2)
SECRET = "the secret both sides of this contract know"

A_CONTACT = """insert into whatsapp.contacts (wa_digits, username, user_id)
values ('4915112345678', 'mira.writes', $1)"""
EMPTY = """delete from whatsapp.contacts; delete from public.messages; delete from public.avatars;
delete from public.user_preferences"""
AN_AVATAR = """insert into public.avatars (id, user_id, name, age, personality, physical_description)
values ($2, $1, 'Mira', 27, 'witty', 'Tall')"""
A_NUMBER = """insert into public.user_preferences (user_id, whatsapp_phone, whatsapp_linked_at)
values ($1, '+4915112345678', now())"""
A_TURN = """insert into public.messages (id, user_id, channel, role, content, external_id, created_at)
values ($2, $1, 'whatsapp', 'user', 'Hello', 'wamid.1', '2026-03-04T05:06:07Z')"""
LATER = "insert into public.messages (user_id, channel, role, content) values ($1, 'app', 'user', 'Hi')"


SetState = Callable[[str], Coroutine[None, None, None]]
Row = tuple[str, *tuple[UUID, ...]]


def states(database: Database, person: UUID, other: UUID) -> SetState:
    """Puts into the database the rows that each state of the pacts stands for."""
    nothing: list[Row] = []
    full: list[Row] = [(AN_AVATAR, person, AVATAR), (A_NUMBER, person), (A_TURN, person, TURN)]
    full.append((A_CONTACT, person))
    meanings: dict[str, list[Row]] = {
        "the person has nothing yet": nothing,
        "the person has no avatar": nothing,
        "an empty log": nothing,
        "the person has an avatar": full[:1],
        "an empty log and an avatar": full[:1],
        "a log with that turn": full[2:3],
        "that turn, and one from the app after it": [*full[2:3], (LATER, person)],
        "the person has an avatar, a number and one message": full,
        "the number is another person's": [(A_NUMBER, other)],
    }

    async def set_state(state: str) -> None:
        for emptying in EMPTY.split(";"):
            await database.admin(emptying)
        for sql, *values in meanings[state]:
            await database.admin(sql, *values)

    return set_state


async def verify(consumer: str, provider: str, url: str, header: dict[str, str], set_state: SetState) -> None:
    """Fails, naming what differs, when the service does not fulfil this pact."""
    loop = asyncio.get_running_loop()

    def in_the_loop(state: str, **_: object) -> None:
        asyncio.run_coroutine_threadsafe(set_state(state), loop).result(60)

    verifier = Verifier(provider, host="127.0.0.1").add_transport(url=url)
    verifier.set_request_timeout(60_000)
    verifier.add_source(PACTS / f"{consumer}-{provider}.json").state_handler(in_the_loop)
    for name, value in header.items():
        verifier.add_custom_header(name, value)
    try:
        await asyncio.to_thread(verifier.verify)
    except RuntimeError:
        pytest.fail(f"{provider} does not fulfil the contract of {consumer}: see the output", pytrace=False)


@pytest.mark.parametrize(("consumer", "provider"), USER_SERVICES)
async def test_a_service_fulfils_its_consumers_contract(
    consumer: str,
    provider: str,
    database: Database,
    issuer: Issuer,
    start_service: Callable[..., Awaitable[str]],
) -> None:
    person, other = await database.person(), await database.person()
    own = {f"{provider.upper()}_DATABASE_URL": database.url(f"ava_{provider}")}
    url = await start_service(provider, {"SUPABASE_URL": issuer.url, "AUTH_URL": issuer.url, **own})
    delegated = consumer == "whatsapp-gateway"
    token = issuer.delegated(person) if delegated else issuer.token(person)
    header = {"Authorization": f"Bearer {token}"}
    await verify(consumer, provider, url, header, states(database, person, other))


@pytest.fixture
async def auth_and_supabase(
    database: Database,
    start_service: Callable[..., Awaitable[str]],
    start_supabase: Callable[[dict[str, str]], Awaitable[str]],
) -> tuple[str, str]:
    """The URLs of auth, and of the Supabase Auth stand-in that it asks."""
    key = SigningKey("a")
    supabase = await start_supabase(
        {
            "DATABASE_URL": database.url("supabase_auth_admin"),
            "JWT_KEYS": json.dumps([private(SigningKey("supabase"))]),
            "SITE_URL": "http://127.0.0.1:8080",
            "PUBLISHABLE_KEY": "sb_publishable_of_the_contracts",
            "SECRET_KEY": "sb_secret_of_the_contracts",
        }
    )
    url = await start_service(
        "auth",
        {
            "AUTH_DATABASE_URL": database.url("ava_auth"),
            "AUTH_SIGNING_KEYS": json.dumps([private(key)]),
            "AUTH_CLIENTS": json.dumps({"whatsapp-gateway": [SECRET]}),
            "SUPABASE_URL": supabase,
            "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_of_the_contracts",
            "SUPABASE_SECRET_KEY": "sb_secret_of_the_contracts",
            **dict.fromkeys(["AUTH_URL", "PROFILE_URL", "MESSAGING_URL", "PUBLIC_URL"], supabase),
        },
    )
    return url, supabase


async def test_auth_fulfils_the_gateways_contract(
    database: Database, auth_and_supabase: tuple[str, str]
) -> None:
    await database.people(Account(PERSON), Account(BANNED, banned_until="2999-01-01"))

    async def no_change(_: str) -> None:
        """The people of this contract were created above."""

    await verify("whatsapp-gateway", "auth", auth_and_supabase[0], {}, no_change)


@pytest.mark.parametrize("consumer", ["profile", "messaging"])
async def test_auth_fulfils_the_contract_of_those_who_ask_about_sessions(
    database: Database, auth_and_supabase: tuple[str, str], consumer: str
) -> None:
    url = auth_and_supabase[0]
    credentials = {"email": "ada@people.example", "password": "quiet-harbour-7"}
    async with httpx.AsyncClient(base_url=url, timeout=60) as http:
        (await http.post("/auth/signup", json=credentials)).raise_for_status()
        token = (await http.post("/auth/login", json=credentials)).json()["access_token"]
        header = {"Authorization": f"Bearer {token}"}

        async def set_state(state: str) -> None:
            if state == "a session that has ended":
                (await http.post("/auth/logout", headers=header)).raise_for_status()

        await verify(consumer, "auth", url, header, set_state)


def private(key: SigningKey) -> dict[str, str]:
    """The private JWK of a test's key."""
    return ECAlgorithm.to_jwk(key.private, as_dict=True) | {"kid": key.kid}
